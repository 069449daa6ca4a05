package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/journal"
)

// opened is a log on a folder whose frames were replayed.
func opened(t testing.TB, dir string, o journal.Options) (*journal.Log, [][]byte) {
	t.Helper()
	l, err := journal.Open(dir, o)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	var all [][]byte
	must(t, l.Replay(func(f []byte) error {
		all = append(all, slices.Clone(f))
		return nil
	}))
	return l, all
}

func files(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var names []string
	for _, e := range entries {
		if e.Name() != "lock" {
			names = append(names, strings.TrimLeft(e.Name(), "0"))
		}
	}
	return strings.Join(names, " ")
}

// TestCutAtEveryByte writes a random history to a file, cuts the file off at each of its bytes, and compares what a broker
// started on that holds with the operations whose frames were whole.
func TestCutAtEveryByte(t *testing.T) {
	histories := rapid.Custom(func(t *rapid.T) *history {
		h, err := newHistory()
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			h.step(t)
		}
		return h
	})
	for seed := range 2 {
		cutEverywhere(t, histories.Example(seed))
	}
}

func cutEverywhere(t *testing.T, h *history) {
	dir := t.TempDir()
	name := filepath.Join(dir, "0000000000000001.log")
	l, _ := opened(t, dir, journal.Options{Sync: noSync})
	var ends []int64 // of each frame in the file
	for _, f := range h.journal.all {
		l.Append(f)
		must(t, l.Wait())
		info, err := os.Stat(name)
		must(t, err)
		ends = append(ends, info.Size())
	}
	must(t, l.Close())
	whole, err := os.ReadFile(name)
	must(t, err)
	checked := -1
	for cut := range int64(len(whole) + 1) {
		must(t, os.WriteFile(name, whole[:cut], 0o600))
		frames, _ := slices.BinarySearch(ends, cut+1)
		l, err := journal.Open(dir, journal.Options{Sync: noSync})
		must(t, err)
		var got [][]byte
		must(t, l.Replay(func(f []byte) error {
			got = append(got, slices.Clone(f))
			return nil
		}))
		must(t, l.Close())
		if err := os.Remove(name + ".cut"); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, h.journal.all[:frames], bytes.Equal) {
			t.Fatalf("cut at byte %d of %d: %d frames came back, want %d", cut, len(whole), len(got), frames)
		}
		if frames == checked {
			continue // these frames were checked already
		}
		checked = frames
		for i, m := range h.moments {
			if m.frames == frames {
				if err := m.check(restore(t, got, m.now).Broker); err != nil {
					t.Fatalf("cut at byte %d of %d, after operation %d: %v", cut, len(whole), i, err)
				}
			}
		}
	}
}

// TestAppendAfterCut sees that a log goes on after a torn end, and what was appended then is there the next time.
func TestAppendAfterCut(t *testing.T) {
	dir := t.TempDir()
	l, _ := opened(t, dir, journal.Options{})
	l.Append([]byte("one"))
	l.Append([]byte("two"))
	must(t, l.Close())
	name := filepath.Join(dir, "0000000000000001.log")
	whole, err := os.ReadFile(name)
	must(t, err)
	must(t, os.WriteFile(name, append(whole[:len(whole)-1], make([]byte, 100)...), 0o600)) // zeros, as a file system may leave
	l, got := opened(t, dir, journal.Options{Logf: t.Logf})
	if fmt.Sprintf("%s", got) != "[one]" {
		t.Fatalf("%s", got)
	}
	// What was cut off may be damage as well: it's kept.
	if tail, err := os.ReadFile(name + ".cut"); err != nil || !strings.Contains(string(tail), "two"[:2]) || len(tail) < 100 {
		t.Errorf("kept %q, %v", tail, err)
	}
	l.Append([]byte("three"))
	must(t, l.Close())
	whole, err = os.ReadFile(name)
	must(t, err)
	must(t, os.WriteFile(name, append(whole, "four"...), 0o600))
	l, _ = opened(t, dir, journal.Options{})
	must(t, l.Close())
	if tail, err := os.ReadFile(name + ".2.cut"); err != nil || string(tail) != "four" {
		t.Errorf("kept the second time %q, %v", tail, err)
	}
	if _, got = opened(t, dir, journal.Options{}); fmt.Sprintf("%s", got) != "[one three]" {
		t.Fatalf("%s", got)
	}
}

// TestDamageBeforeWholeFramesIsRefused flips each byte before the last frame of the only segment: what follows was
// acknowledged, so it isn't cut off unless it's asked for.
func TestDamageBeforeWholeFramesIsRefused(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "0000000000000001.log")
	l, _ := opened(t, dir, journal.Options{})
	for _, frame := range []string{"one", "two", "three"} {
		l.Append([]byte(frame))
	}
	must(t, l.Close())
	whole, err := os.ReadFile(name)
	must(t, err)
	const head, size = 8, 11 // of the file, and of the frames "one" and "two"
	for at := range head + 2*size {
		damaged := slices.Clone(whole)
		damaged[at] ^= 0x80
		must(t, os.WriteFile(name, damaged, 0o600))
		l, err := journal.Open(dir, journal.Options{})
		must(t, err)
		err = l.Replay(func([]byte) error { return nil })
		must(t, l.Close())
		from := 0
		if at >= head {
			from = head + (at-head)/size*size
		}
		if !errors.Is(err, journal.ErrDamaged) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), fmt.Sprintf("at byte %d it is damaged", from)) {
			t.Fatalf("byte %d flipped: error %v", at, err)
		}
		if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, damaged) {
			t.Fatalf("byte %d flipped: the file was changed, %v", at, err)
		}
	}
	var warned []string
	warn := func(format string, args ...any) { warned = append(warned, fmt.Sprintf(format, args...)) }
	_, got := opened(t, dir, journal.Options{CutDamaged: true, Warnf: warn})
	if fmt.Sprintf("%s", got) != "[one]" || len(warned) != 1 {
		t.Fatalf("%s, %q", got, warned)
	}
	for _, want := range []string{name + ":", "from byte 19 on", "24 bytes are cut off", name + ".cut"} {
		if !strings.Contains(warned[0], want) {
			t.Errorf("%q doesn't say %q", warned[0], want)
		}
	}
}

// TestDamageIsRefused flips each byte of a segment that isn't the last, and of a snapshot.
func TestDamageIsRefused(t *testing.T) {
	for _, name := range []string{"0000000000000001.log", "0000000000000002.snapshot"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, _ := opened(t, dir, journal.Options{})
			l.Append([]byte("one"))
			failing := errors.New("no room")
			err := l.Compact(func(begin func()) func(func([]byte, error) bool) {
				begin()
				return func(yield func([]byte, error) bool) {
					if name == "0000000000000001.log" {
						yield(nil, failing)
						return
					}
					yield([]byte("all"), nil)
				}
			})
			if (name == "0000000000000001.log") != errors.Is(err, failing) {
				t.Fatal(err)
			}
			l.Append([]byte("two"))
			must(t, l.Close())
			path := filepath.Join(dir, name)
			whole, err := os.ReadFile(path)
			must(t, err)
			for i := range whole {
				damaged := bytes.Clone(whole)
				damaged[i] ^= 0x10
				must(t, os.WriteFile(path, damaged, 0o600))
				l, err := journal.Open(dir, journal.Options{Sync: noSync})
				must(t, err)
				if err := l.Replay(func([]byte) error { return nil }); err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("byte %d: error %v, want one that names the file", i, err)
				}
				must(t, l.Close())
			}
		})
	}
}

// TestCompact sees that snapshots keep the folder small and lose nothing, wherever the process ends.
func TestCompact(t *testing.T) {
	dir := t.TempDir()
	c := &clock{epoch}
	l, err := journal.Open(dir, journal.Options{Sync: noSync})
	must(t, err)
	b := newBroker(c.Now, l)
	must(t, l.Replay(b.Restore))
	must(t, populate(b))
	for round := range 3 {
		for i := range 50 {
			must(t, b.Send("other", &broker.Message{MessageID: fmt.Sprint(round, i), Body: make([]byte, 100)}))
		}
		ms, err := b.Receive("other", 40, broker.ReceiveAndDelete)
		must(t, err)
		if len(ms) != 40 {
			t.Fatal(len(ms))
		}
		must(t, l.Wait())
		before := files(t, dir)
		must(t, l.Compact(b.Snapshot))
		must(t, b.Send("other", &broker.Message{MessageID: "after"}))
		must(t, l.Wait())
		if got, want := files(t, dir), fmt.Sprintf("%d.log %d.snapshot", round+2, round+2); got != want {
			t.Errorf("files %q, want %q; before %q", got, want, before)
		}
	}
	want := look(b)
	must(t, l.Close())
	l, err = journal.Open(dir, journal.Options{})
	must(t, err)
	defer l.Close()
	again := newBroker(c.Now, l)
	must(t, l.Replay(again.Restore))
	must(t, same(want, look(again)))
	// A segment that is left over from before the snapshot doesn't count.
	must(t, l.Close())
	must(t, os.WriteFile(filepath.Join(dir, "0000000000000001.log"), []byte("anything"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "0000000000000009.snapshot.unfinished"), []byte("half"), 0o600))
	_, _ = opened(t, dir, journal.Options{})
	if got := files(t, dir); got != "4.log 4.snapshot 9.snapshot.unfinished" {
		t.Errorf("files %q", got)
	}
}

// TestCompactingWhileInUse lets snapshots happen by themselves under load and compares the broker with one restored from
// the folder.
func TestCompactingWhileInUse(t *testing.T) {
	dir := t.TempDir()
	c := &clock{epoch}
	l, err := journal.Open(dir, journal.Options{Sync: noSync, CompactAt: 4 << 10})
	must(t, err)
	b := newBroker(c.Now, l)
	must(t, l.Replay(b.Restore))
	must(t, populate(b))
	l.Compacting(b.Snapshot)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 300 {
				if err := b.Send("other", &broker.Message{MessageID: fmt.Sprint(w, i), Body: make([]byte, 100)}); err != nil {
					t.Error(err)
				}
				if i%3 > 0 {
					if _, err := b.Receive("other", 1, broker.ReceiveAndDelete); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	must(t, l.Wait())
	want := look(b)
	must(t, l.Close())
	if got := files(t, dir); !strings.Contains(got, "snapshot") {
		t.Errorf("files %q, want a snapshot among them", got)
	}
	l, err = journal.Open(dir, journal.Options{})
	must(t, err)
	defer l.Close()
	again := newBroker(c.Now, l)
	must(t, l.Replay(again.Restore))
	must(t, same(want, look(again)))
}

// TestGroupCommit sees that many who wait share the flushes, and that nobody returns before a flush that began after the
// append.
func TestGroupCommit(t *testing.T) {
	var flushes atomic.Int64
	started := make(chan struct{})
	release := make(chan struct{})
	var first sync.Once
	l, _ := opened(t, t.TempDir(), journal.Options{Sync: func(f *os.File) error {
		if flushes.Add(1) == 2 { // the first was that of the new file
			first.Do(func() { close(started) })
			<-release
		}
		return f.Sync()
	}})
	l.Append([]byte("the first"))
	<-started
	var wg sync.WaitGroup
	for range 100 {
		l.Append([]byte("another"))
		wg.Go(func() { _ = l.Wait() })
	}
	close(release)
	wg.Wait()
	must(t, l.Wait())
	if n := flushes.Load(); n != 3 {
		t.Errorf("%d flushes for 101 frames, want 3: the file's, the first, and one for all others", n)
	}
}

// TestDiskFails sees that nothing is acknowledged once the disk refuses.
func TestDiskFails(t *testing.T) {
	var broken atomic.Bool
	l, _ := opened(t, t.TempDir(), journal.Options{Sync: func(*os.File) error {
		if broken.Load() {
			return errors.New("input/output error")
		}
		return nil
	}})
	l.Append([]byte("good"))
	must(t, l.Wait())
	broken.Store(true)
	l.Append([]byte("bad"))
	for range 2 {
		if err := l.Wait(); err == nil || !strings.Contains(err.Error(), "input/output error") {
			t.Errorf("error %v, want that of the disk", err)
		}
		broken.Store(false) // what was lost stays lost
		l.Append([]byte("later"))
	}
}

// TestOneBrokerPerFolder sees that a folder in use is refused.
func TestOneBrokerPerFolder(t *testing.T) {
	dir := t.TempDir()
	l, _ := opened(t, dir, journal.Options{})
	if _, err := journal.Open(dir, journal.Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("error %v, want one that says that the folder is in use", err)
	}
	must(t, l.Close())
	l, err := journal.Open(dir, journal.Options{})
	must(t, err)
	must(t, l.Close())
}
