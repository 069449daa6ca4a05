package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// brokerRun is `crosswalk broker` under way.
type brokerRun struct {
	client *azservicebus.Client
	end    func()
}

func startBroker(t *testing.T, args ...string) brokerRun {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		root := newRoot()
		root.SetArgs(append([]string{"broker", "--listen", "127.0.0.1:0"}, args...))
		root.SetOut(out)
		err := root.ExecuteContext(ctx)
		out.CloseWithError(err)
		done <- err
	}()
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	client, err := azservicebus.NewClientFromConnectionString(strings.TrimSpace(line), nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := false
	end := func() {
		if ended {
			return
		}
		ended = true
		client.Close(context.Background())
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(end)
	return brokerRun{client, end}
}

// TestBroker sends to a broker with a Config.json, starts it again on its folder, and receives.
func TestBroker(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	args := []string{"--dir", t.TempDir(), "--topology", "../../local/servicebus/emulator/testdata/Config.json"}
	first := startBroker(t, args...)
	sender, err := first.client.NewSender("orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.SendMessage(ctx, &azservicebus.Message{Body: []byte("kept")}, nil); err != nil {
		t.Fatal(err)
	}
	first.end()
	second := startBroker(t, args...)
	receiver, err := second.client.NewReceiverForQueue("orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil || len(msgs) != 1 || string(msgs[0].Body) != "kept" {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
}

// TestBrokerTellsWhatItCutOff starts without --verbose on a folder whose log ends in half a record, and on one that is
// damaged before whole ones.
func TestBrokerTellsWhatItCutOff(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "0000000000000001.log")
	args := []string{"--dir", dir, "--topology", "../../local/servicebus/emulator/testdata/Config.json"}
	startBroker(t, args...).end()
	whole, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	run := func(content []byte, more ...string) (stderr string, err error) {
		if err := os.WriteFile(log, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		root := newRoot()
		root.SetArgs(append(append([]string{"broker", "--listen", "127.0.0.1:0"}, args...), more...))
		root.SetOut(io.Discard)
		root.SetErr(&said)
		ended, cancel := context.WithCancel(t.Context())
		cancel() // it starts, and stops at once
		err = root.ExecuteContext(ended)
		return said.String(), err
	}
	if said, err := run(append(slices.Clone(whole), "half"...)); err != nil || !strings.Contains(said, fmt.Sprintf("%s: from byte %d on", log, len(whole))) ||
		!strings.Contains(said, "4 bytes are cut off and kept in "+log+".cut") {
		t.Errorf("said %q, %v", said, err)
	}
	damaged := slices.Clone(whole)
	damaged[20] ^= 1
	if _, err := run(damaged); err == nil || !strings.Contains(err.Error(), log) || !strings.Contains(err.Error(), "--cut-damaged") {
		t.Errorf("a damaged log: %v", err)
	}
	if said, err := run(damaged, "--cut-damaged"); err != nil || !strings.Contains(said, "kept in "+log+".2.cut") {
		t.Errorf("said %q, %v", said, err)
	}
}

// TestBrokerOwnTopology starts with the other form of the file.
func TestBrokerOwnTopology(t *testing.T) {
	b := startBroker(t, "--topology", "../../shared/topology/topology.json")
	if _, err := b.client.NewSender("events", nil); err != nil {
		t.Fatal(err)
	}
}

// TestBrokerRefuses wants each refusal to name the flag or file, what's wrong, and the fix.
func TestBrokerRefuses(t *testing.T) {
	file := func(content string) string {
		name := filepath.Join(t.TempDir(), "file.json")
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"--listen 0.0.0.0:0: it is no loopback address (fix: write 127.0.0.1, or add --allow-remote", []string{"--listen", "0.0.0.0:0"}},
		{"--listen 5672: it is no address with a port (fix:", []string{"--listen", "5672"}},
		{"--topology: open missing.json", []string{"--topology", "missing.json"}},
		{"file.json: topic needs name and unrouted", []string{"--topology", file(`{}`)}},
		{"file.json: UserConfig.Namespaces[0].Queues[0].Name: it is missing (fix: give the entity a name)", []string{
			"--topology", file(`{"UserConfig":{"Namespaces":[{"Queues":[{}]}]}}`),
		}},
		{"file.json: unexpected EOF (fix: write it as", []string{"--topology", file(`{"topic":`)}},
	} {
		root := newRoot()
		root.SetArgs(append([]string{"broker"}, c.args...))
		root.SetOut(io.Discard)
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %s", c.args, err, c.want)
		}
	}
}
