package journal_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/journal"
)

// dirVariable makes the test's program a broker on this folder that says what is durable.
const dirVariable = "CROSSWALK_TEST_JOURNAL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(dirVariable); dir != "" {
		fmt.Println("error", work(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// start opens a folder with a broker that makes a snapshot every few operations.
func start(dir string) (*broker.Broker, *journal.Log, error) {
	l, err := journal.Open(dir, journal.Options{CompactAt: 2 << 10})
	if err != nil {
		return nil, nil, err
	}
	b := newBroker(time.Now, l)
	if err := l.Replay(b.Restore); err != nil {
		return nil, nil, err
	}
	if err := b.CreateQueue("q", broker.QueueProperties{}); err != nil && !errors.Is(err, broker.ErrExists) {
		return nil, nil, err
	}
	l.Compacting(b.Snapshot)
	return b, l, nil
}

// work sends and removes messages until it's killed. It says what it's about to do, and what is done and durable.
func work(dir string) error {
	b, l, err := start(dir)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		id := fmt.Sprintf("%d-%d", os.Getpid(), i)
		if err := b.Send("q", &broker.Message{MessageID: id, Body: make([]byte, 200)}); err != nil {
			return err
		}
		if err := l.Wait(); err != nil {
			return err
		}
		fmt.Println("sent", id)
		if i%2 == 0 {
			continue
		}
		ms, err := b.Receive("q", 1, broker.PeekLock)
		if err != nil || len(ms) == 0 {
			return fmt.Errorf("%d messages, %w", len(ms), err)
		}
		fmt.Println("trying", ms[0].MessageID)
		if err := b.Settle("q", ms[0].LockToken, broker.Disposition{}); err != nil {
			return err
		}
		if err := l.Wait(); err != nil {
			return err
		}
		fmt.Println("gone", ms[0].MessageID)
	}
}

// TestKillWhileCompacting kills a broker that makes snapshots all the time, and compares what is in its folder with what
// it said.
func TestKillWhileCompacting(t *testing.T) {
	dir := t.TempDir()
	said := map[string]map[string]bool{"sent": {}, "trying": {}, "gone": {}}
	for range 15 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), dirVariable+"="+dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewReader(out)
		limit := 10 + rand.IntN(100)
		for n := 0; ; n++ {
			if n == limit {
				must(t, cmd.Process.Kill())
			}
			line, err := lines.ReadString('\n')
			if err != nil { // what is cut off wasn't said
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			word, id, _ := strings.Cut(strings.TrimSpace(line), " ")
			if said[word] == nil {
				t.Fatal(line)
			}
			said[word][id] = true
		}
		_ = cmd.Wait() // killed
		b, l, err := start(dir)
		must(t, err)
		there := map[string]bool{}
		ms, err := b.Peek("q", 0, 100_000)
		must(t, err)
		for _, m := range ms {
			if there[m.MessageID] || said["gone"][m.MessageID] {
				t.Errorf("message %s is there twice, or was gone and is back", m.MessageID)
			}
			there[m.MessageID] = true
		}
		for id := range said["sent"] {
			if !there[id] && !said["trying"][id] {
				t.Errorf("message %s was durable and is lost", id)
			}
		}
		must(t, l.Close())
	}
	if got := files(t, dir); !strings.Contains(got, "snapshot") {
		t.Errorf("files %q: no snapshot was made", got)
	}
	t.Logf("%d sent, %d removed", len(said["sent"]), len(said["gone"]))
}
