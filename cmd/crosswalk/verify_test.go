package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"crosswalk/cmd/crosswalk/verify"
	"crosswalk/local/stack"
)

// deployed starts a stack with some settings and returns what verify looks at.
func deployed(t *testing.T, settings map[string]string) (*stack.Stack, *verify.Deployment) {
	t.Helper()
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Options{Root: root, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.StartHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "endpoints.json")
	if err := s.Endpoints().Write(file); err != nil {
		t.Fatal(err)
	}
	d, err := verifyFlags{endpoints: file, patience: time.Minute}.deployment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Bus.Close(t.Context()) })
	return s, d
}

// look runs verify and returns the answers by question.
func look(t *testing.T, d *verify.Deployment) (map[string]verify.Finding, bool) {
	t.Helper()
	out := map[string]verify.Finding{}
	good := d.Run(t.Context(), func(f verify.Finding) { out[f.Question] = f })
	return out, good
}

func TestVerifyFindsNothingWrongWhereNothingIs(t *testing.T) {
	_, d := deployed(t, map[string]string{"SETTLE_FIRST_DELAY": "1s"})
	other := &azservicebus.Message{MessageID: new("other"), Body: []byte(`{"then":"nonsense"}`), ApplicationProperties: map[string]any{"cloudEvents:type": "crosswalk.probe"}}
	sender, err := d.Bus.NewSender(d.Flow, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.SendMessage(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	found, good := look(t, d)
	if !good || len(found) < 12 {
		t.Errorf("%d answers, good: %v", len(found), good)
	}
	open := map[string]bool{"the host sends a trace header with each invocation": true} // not without Application Insights
	for _, a := range verify.Assumptions() {
		if a.Evidence != "" {
			open[a.Question] = true
		} else if _, ok := found[a.Question]; !ok {
			t.Errorf("nothing answers what %s assumes: %s", a.File, a.Question)
		}
	}
	for question, f := range found {
		if f.Verdict != verify.Held && !open[question] {
			t.Errorf("%s: %s, %s", f.Verdict, question, f.Evidence)
		}
	}
	// What it sent is gone, what others had there is not.
	receiver, err := d.Bus.NewReceiverForQueue(d.Flow, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	if err != nil {
		t.Fatal(err)
	}
	left, err := receiver.PeekMessages(t.Context(), 10, nil)
	if err != nil || len(left) != 1 || left[0].MessageID != "other" || *left[0].DeadLetterReason != "bad-value" {
		t.Errorf("%d dead letters are left, %v; want the one of another", len(left), err)
	}
	for pager := d.Admin.NewListSubscriptionsPager(d.Topology.Topic.Name, nil); pager.More(); {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Subscriptions {
			if strings.HasPrefix(s.SubscriptionName, "verify-") {
				t.Errorf("subscription %s is left", s.SubscriptionName)
			}
		}
	}
}

func TestVerifySaysWhatIsWrong(t *testing.T) {
	_, d := deployed(t, map[string]string{"SETTLE_FIRST_DELAY": "1m", "DATAVERSE_URL": "https://127.0.0.1:1", "AzureWebJobs.watch-forwarding.Disabled": "true"})
	d.Patience = 5 * time.Second
	d.Functions = append(d.Functions, "forgotten")
	top := d.Topology.Topic.Name
	if _, err := d.Admin.CreateRule(t.Context(), top, d.RowFlow, &admin.CreateRuleOptions{Name: new("all"), Filter: &admin.TrueFilter{}}); err != nil {
		t.Fatal(err)
	}
	queue := d.Topology.Entities().Queues[0].Name
	if _, err := d.Admin.UpdateQueue(t.Context(), queue, admin.QueueProperties{MaxDeliveryCount: new(int32(3)), LockDuration: new("PT5M")}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Admin.CreateSubscription(t.Context(), top, "a-flow-that-is-gone", nil); err != nil {
		t.Fatal(err)
	}
	found, good := look(t, d)
	if good {
		t.Error("nothing failed")
	}
	for question, evidence := range map[string]string{
		"the host has every function, and they are enabled":                                  "missing: forgotten; disabled: watch-forwarding",
		"Service Bus has every queue, with its lock and its deliveries":                      queue + ": it isn't delivered 100 times at most",
		"Service Bus has no queue and no subscription of a flow that is gone":                "subscription a-flow-that-is-gone",
		"each subscription has exactly its rules, and no $Default that lets everything pass": d.RowFlow + ": rule all is not the topology's",
		"the event reaches its function, which asks Dataverse with its own identity":         "it was put off: the function could not read from Dataverse and comes back to it later",
		"the handler schedules a copy to its own queue, and the copy comes":                  "no dead letter came to queue " + d.Flow + " within 5s",
	} {
		if f := found[question]; f.Verdict != verify.Failed || f.Evidence != evidence || f.Fix == "" {
			t.Errorf("%s: %s, %q, want %q", question, f.Verdict, f.Evidence, evidence)
		}
	}
	d.HostKey, d.Patience = "wrong", time.Second
	if found, _ := look(t, d); found["the Functions host runs"].Evidence != "it refuses the key (401)" {
		t.Errorf("with a wrong key: %+v", found["the Functions host runs"])
	}
}

// Without a local stack it asks azd and az, and says what is missing in words.
func TestVerifyAsksAzdAndAz(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	t.Setenv("CROSSWALK_SERVICEBUS", "")
	tool := func(name, script string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	fails := func(want string) {
		t.Helper()
		if _, err := (verifyFlags{}).deployment(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	fails("azd env get-values says nothing")
	tool("azd", `[ "$*" = "env get-values" ] && echo 'AZURE_LOCATION="westeurope"'`)
	fails("has no CROSSWALK_SERVICEBUS, CROSSWALK_FUNCTION_HOST, CROSSWALK_FUNCTION_APP, AZURE_RESOURCE_GROUP")
	tool("azd", `echo 'CROSSWALK_SERVICEBUS="sb.servicebus.windows.net"
CROSSWALK_FUNCTION_HOST="func.azurewebsites.net"
CROSSWALK_FUNCTION_APP="func"
AZURE_RESOURCE_GROUP="rg"'`)
	fails("az login, or give it with --host-key")
	tool("az", `[ "$*" = "functionapp keys list --name func --resource-group rg --query masterKey --output tsv" ] && echo key`)
	d, err := verifyFlags{}.deployment(t.Context())
	if err != nil || d.Host != "https://func.azurewebsites.net" || d.HostKey != "key" || d.Bus == nil || d.Admin == nil {
		t.Errorf("%+v, %v", d, err)
	}
}

// Whoever marks something as UNCONFIRMED in what is deployed says here how it would be seen.
func TestVerifyKnowsWhatIsUnconfirmed(t *testing.T) {
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, a := range verify.Assumptions() {
		known[a.File] = false
	}
	for _, folder := range []string{"functions", "handlers", "shared", "infra"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && e.Name() == "testdata":
				return filepath.SkipDir
			case e.IsDir() || strings.HasSuffix(path, "_test.go") || filepath.Ext(path) != ".go" && filepath.Ext(path) != ".bicep":
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), "UNCONFIRMED") {
				return err
			}
			name, err := filepath.Rel(root, path)
			if _, ok := known[filepath.ToSlash(name)]; !ok {
				t.Errorf("%s marks something as UNCONFIRMED, and verify.Assumptions doesn't say how it would be seen", name)
			}
			known[filepath.ToSlash(name)] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, marked := range known {
		if !marked {
			t.Errorf("%s marks nothing as UNCONFIRMED any more", name)
		}
	}
}
