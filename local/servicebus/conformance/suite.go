package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// suite is a package whose tests are run.
type suite struct {
	name string
	path string
	// short are the few that tell most, and take least.
	short []string
}

const sdk = "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

var suites = []suite{
	{"azservicebus", sdk, []string{
		"TestReceiverSendFiveReceiveFive", "TestReceiverDeferAndReceiveDeferredMessages", "TestReceiverPeek", "TestSessionReceiver_roundRobin",
		"Test_Sender_ScheduleMessages", "Test_Sender_SendBatchOfTwo", "TestMessageSettlementUsingReceiver", "TestSessionReceiver_acceptSession",
		"TestNewClientUsingSharedAccessSignature", "TestNewClientNewSenderNotFound", "TestNewClientWithWebsockets",
	}},
	{"admin", sdk + "/admin", []string{
		"TestAdminClient_CreateRules", "TestAdminClient_Forwarding", "TestAdminClient_LackPermissions_Queue",
		"TestAdminClient_ListQueuesRuntimeProperties",
	}},
	{"internal", sdk + "/internal", []string{"TestAMQPLinksBasic", "TestAMQPLinksCBSLinkStillOpen"}},
}

func (s suite) inShort() bool { return len(s.short) > 0 }

// test is one test of a suite, built.
type test struct {
	suite  suite
	name   string
	binary string
	// dir is the folder of the package's source: its tests read their testdata from there.
	dir string
}

func (t test) key() string { return t.suite.name + " " + t.name }

// tests builds a suite and returns those of its tests that are to be run.
func (s suite) tests(ctx context.Context, dir string, o options, known *table) ([]test, error) {
	binary := filepath.Join(dir, s.name+".test")
	if out, err := command(ctx, ".", "go", "test", "-c", "-o", binary, s.path); err != nil {
		return nil, fmt.Errorf("building: %w\n%s", err, out)
	}
	source, err := command(ctx, ".", "go", "list", "-f", "{{.Dir}}", s.path)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, source)
	}
	listed, err := command(ctx, ".", binary, "-test.list", ".")
	if err != nil {
		return nil, fmt.Errorf("listing: %w\n%s", err, listed)
	}
	var names []string
	for name := range strings.FieldsSeq(listed) {
		if strings.HasPrefix(name, "Test") && o.only.MatchString(name) {
			names = append(names, name)
		}
	}
	made := func(name string) test { return test{s, name, binary, strings.TrimSpace(source)} }
	if o.update {
		return s.live(ctx, names, made, o)
	}
	var out []test
	for _, name := range names {
		if o.short && !slices.Contains(s.short, name) {
			continue
		}
		if _, live := known.rows[made(name).key()]; live {
			out = append(out, made(name))
		}
	}
	if want := len(s.short); o.short && o.only.String() == "" && len(out) != want {
		return nil, fmt.Errorf("%d of the %d tests of the short form are there", len(out), want)
	}
	for key := range known.rows {
		if name, ours := strings.CutPrefix(key, s.name+" "); ours && o.only.MatchString(name) && !slices.Contains(names, name) {
			return nil, fmt.Errorf("%s is in the table and not among the tests; -update looks anew", name)
		}
	}
	return out, nil
}

// live returns the tests that skip something while there's nothing to talk to.
func (s suite) live(ctx context.Context, names []string, made func(string) test, o options) ([]test, error) {
	found := make([]bool, len(names))
	var wg sync.WaitGroup
	slots := make(chan struct{}, o.workers)
	for i, name := range names {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, o.limit)
			defer cancel()
			t := made(name)
			c := exec.CommandContext(ctx, t.binary, "-test.v", "-test.run", "^"+name+"$")
			c.Dir, c.Env = t.dir, append(os.Environ(), "AZURE_RECORD_MODE=playback")
			out, err := c.CombinedOutput()
			found[i] = err != nil || strings.Contains(string(out), "--- SKIP")
		})
	}
	wg.Wait()
	var out []test
	for i, name := range names {
		if found[i] {
			out = append(out, made(name))
		}
	}
	return out, ctx.Err()
}

func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}
