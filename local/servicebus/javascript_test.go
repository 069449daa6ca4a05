package servicebus_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"crosswalk/local/azurite"
	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// TestJavaScriptClient lets a second, independent client judge the broker.
func TestJavaScriptClient(t *testing.T) {
	nodeDir, err := filepath.Abs("../node")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // an installation included
	defer cancel()
	if err := azurite.Install(ctx, nodeDir, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	s, err := servicebus.Start(servicebus.Options{Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, err := range []error{
		s.Broker().CreateQueue("js", broker.QueueProperties{}),
		s.Broker().CreateQueue("sessions", broker.QueueProperties{RequiresSession: true}),
		s.Broker().CreateTopic("events", broker.TopicProperties{}),
		s.Broker().CreateSubscription("events", "wanted", broker.SubscriptionProperties{Rules: []broker.Rule{{Name: "r", SQL: "kind = 'wanted'"}}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/smoke.want")
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	cmd := exec.CommandContext(run, "node", "testdata/smoke.mjs")
	cmd.Env = append(os.Environ(), "NODE_DIR="+nodeDir, "CONNECTION_STRING="+s.ConnectionString(),
		"QUEUE=js", "SESSIONS=sessions", "TOPIC=events", "SUBSCRIPTION=wanted")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	got, err := cmd.Output()
	if err != nil {
		t.Errorf("node: %v\n%s", err, stderr.Bytes())
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestJavaScriptAdminClient lets it judge the admin API too, which it asks for over TLS.
func TestJavaScriptAdminClient(t *testing.T) {
	nodeDir, err := filepath.Abs("../node")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // an installation included
	defer cancel()
	if err := azurite.Install(ctx, nodeDir, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	s, err := servicebus.Start(servicebus.Options{Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, s.CertificatePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/admin.want")
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	cmd := exec.CommandContext(run, "node", "testdata/admin.mjs")
	cmd.Env = append(os.Environ(), "NODE_DIR="+nodeDir, "CONNECTION_STRING="+secured(s.ConnectionString()), "NODE_EXTRA_CA_CERTS="+roots)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	got, err := cmd.Output()
	if err != nil {
		t.Errorf("node: %v\n%s", err, stderr.Bytes())
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
