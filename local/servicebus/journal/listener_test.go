package journal_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"crosswalk/local/servicebus/journal"
)

// TestListenerWaits sees that a connection writes nothing before what was appended is flushed, and nothing at all once
// flushing has failed.
func TestListenerWaits(t *testing.T) {
	var files atomic.Int64
	release := make(chan error)
	l, _ := opened(t, t.TempDir(), journal.Options{Sync: func(*os.File) error {
		if files.Add(1) == 1 { // that of the new file
			return nil
		}
		return <-release
	}})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	listener := l.Listener(inner)
	defer listener.Close()
	client, err := net.Dial("tcp", inner.Addr().String())
	must(t, err)
	defer client.Close()
	server, err := listener.Accept()
	must(t, err)
	defer server.Close()
	write := func(b string) chan error {
		done := make(chan error, 1)
		go func() {
			_, err := server.Write([]byte(b))
			done <- err
		}()
		return done
	}
	read := func(n int) (string, error) {
		must(t, client.SetReadDeadline(time.Now().Add(10*time.Second)))
		b := make([]byte, n)
		_, err := io.ReadFull(client, b)
		return string(b), err
	}
	must(t, <-write("nothing waits")) // nothing was appended
	if got, err := read(len("nothing waits")); got != "nothing waits" || err != nil {
		t.Fatal(got, err)
	}
	l.Append([]byte("a change"))
	done := write("its answer")
	must(t, client.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	if n, err := client.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes were written before the flush, %v", n, err)
	}
	release <- nil
	must(t, <-done)
	if got, err := read(len("its answer")); got != "its answer" || err != nil {
		t.Fatal(got, err)
	}
	l.Append([]byte("another"))
	done = write("never seen")
	release <- errors.New("no room")
	if <-done == nil {
		t.Error("a write succeeded that nothing stands for")
	}
	if got, err := read(1); err == nil {
		t.Errorf("%q was written", got)
	}
}
