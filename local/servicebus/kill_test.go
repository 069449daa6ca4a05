package servicebus_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// dirVariable makes the test's program a broker on this folder.
const dirVariable = "CROSSWALK_TEST_BROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVariable); dir != "" {
		if err := beBroker(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beBroker runs a broker until standard input ends.
func beBroker(dir string) error {
	s, err := servicebus.Start(servicebus.Options{Dir: dir, Entities: &servicebus.Entities{
		Queues: []servicebus.Queue{{Name: "q", QueueProperties: broker.QueueProperties{MaxDeliveryCount: 1000}}},
	}})
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println(s.ConnectionString())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// process is a broker in a process of its own.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	client *azservicebus.Client
}

func startProcess(t *testing.T, dir string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), dirVariable+"="+dir)
	p.cmd.Stderr = os.Stderr
	stdin, err := p.cmd.StdinPipe()
	must(t, err)
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	must(t, err)
	must(t, p.cmd.Start())
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "Endpoint=") {
		t.Fatalf("the broker says %q, %v", line, err)
	}
	p.client, err = azservicebus.NewClientFromConnectionString(strings.TrimSpace(line), &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: -1},
	})
	must(t, err)
	return p
}

// kill ends the process as nothing else does: it gets no chance to do anything.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.stdin.Close()
}

// ledger is what clients were told.
type ledger struct {
	mu    sync.Mutex
	acked map[string]bool // sent, and told so
	gone  map[string]bool // completed, and told so
	tried map[string]bool // perhaps completed
	n     int
}

func (l *ledger) next() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	return fmt.Sprint("m", l.n)
}

func (l *ledger) note(set map[string]bool, id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	set[id] = true
	return len(l.acked)
}

// TestKill kills a broker while clients send and complete, again and again, and compares what is left with what they were
// told: nothing acknowledged is lost, nothing completed is back.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	l := &ledger{acked: map[string]bool{}, gone: map[string]bool{}, tried: map[string]bool{}}
	for round := range 4 {
		p := startProcess(t, dir)
		l.check(t, p)
		l.use(t, p, len(l.acked)+20+rand.IntN(100))
		t.Logf("round %d: %d acknowledged, %d completed, %d perhaps", round, len(l.acked), len(l.gone), len(l.tried))
	}
	p := startProcess(t, dir)
	l.check(t, p)
	p.kill()
}

// use sends and completes until so many messages are acknowledged, then kills the broker in the middle of it.
func (l *ledger) use(t *testing.T, p *process, acks int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	enough := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	for range 3 {
		sender, err := p.client.NewSender("q", nil)
		must(t, err)
		wg.Go(func() {
			for ctx.Err() == nil {
				id := l.next()
				if sender.SendMessage(ctx, &azservicebus.Message{MessageID: &id, Body: []byte(id)}, nil) != nil {
					return
				}
				if l.note(l.acked, id) >= acks {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	receiver, err := p.client.NewReceiverForQueue("q", nil)
	must(t, err)
	wg.Go(func() {
		for ctx.Err() == nil {
			msgs, err := receiver.ReceiveMessages(ctx, 5, nil)
			if err != nil {
				return
			}
			for _, m := range msgs {
				l.note(l.tried, m.MessageID)
				if receiver.CompleteMessage(ctx, m, nil) != nil {
					return
				}
				l.note(l.gone, m.MessageID)
			}
		}
	})
	select {
	case <-enough:
	case <-ctx.Done():
		t.Error("too few messages were acknowledged")
	}
	p.kill()
	cancel()
	wg.Wait()
}

// check looks at what the broker holds.
func (l *ledger) check(t *testing.T, p *process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	receiver, err := p.client.NewReceiverForQueue("q", nil)
	must(t, err)
	there := map[string]bool{}
	from := int64(0)
	for {
		msgs, err := receiver.PeekMessages(ctx, 100, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
		must(t, err)
		if len(msgs) == 0 {
			break
		}
		for _, m := range msgs {
			if there[m.MessageID] {
				t.Errorf("message %s is there twice", m.MessageID)
			}
			there[m.MessageID] = true
			from = *m.SequenceNumber + 1
		}
	}
	must(t, receiver.Close(ctx))
	for id := range l.acked {
		if !there[id] && !l.tried[id] {
			t.Errorf("message %s was acknowledged and is lost", id)
		}
	}
	for id := range l.gone {
		if there[id] {
			t.Errorf("message %s was completed and is back", id)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
