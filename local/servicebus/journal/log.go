// Package journal keeps a broker's changes in a folder, so that a broker that ended in any way, kill -9 and loss of power
// included, comes back with all that was acknowledged and nothing that was settled.
//
// The folder holds segments (0000000000000001.log …), to which frames are only ever appended, and at most one snapshot
// (0000000000000007.snapshot), which stands for everything before the segment of the same number. A file is eight bytes of
// magic and then frames:
//
//	length uint32 | CRC-32C of length and payload uint32 | payload     (little endian)
//
// A frame is what one operation of the broker changed, so it counts whole or not at all. Replaying stops at the first
// frame of the last segment that isn't whole: that's where the process was cut off. Such a frame anywhere else is damage,
// and so is one that whole frames follow, since a process writes from the front to the end: [Log.Replay] refuses both.
// (Power that is lost may leave later pages of what was written and not earlier ones. None of it was acknowledged then,
// but that can't be told from damage: it's refused as well, and [Options].CutDamaged goes on.)
//
// Frames are written and flushed to the disk (fsync) by one goroutine, as many at a time as have come since the last
// flush. A change is durable when [Log.Wait] returns; [Log.Listener] makes every connection wait before it writes, so no
// answer leaves the process before what it answers is on the disk. That is what acknowledged means.
package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Options say how a log behaves. The zero value works.
type Options struct {
	// CompactAt is how many bytes a log has at least grown since the last snapshot before the next one is made, 16 MiB
	// when zero. A snapshot that is larger waits until the log is as large as it.
	CompactAt int64
	// Logf gets a line for a snapshot that failed; nil for none.
	Logf func(format string, args ...any)
	// Warnf gets a line for what was cut off at the start, with the file, the place, how much it was and where it's kept;
	// nil for Logf.
	Warnf func(format string, args ...any)
	// CutDamaged lets a log go on whose last segment is damaged before frames that are whole ([ErrDamaged]): all from the
	// damaged place on is cut off.
	CutDamaged bool
	// Sync flushes a file to the disk; nil for fsync. Tests count with it.
	Sync func(*os.File) error
}

const (
	defaultCompactAt = 16 << 20
	// maxQueued is how many bytes may wait to be written before the broker waits for the disk.
	maxQueued = 64 << 20
)

// ErrDamaged says that a log's last segment is damaged at a place that whole frames follow.
var ErrDamaged = errors.New("it is damaged, and this is no write that a crash cut short")

// ErrClosed says that the log was closed.
var ErrClosed = errors.New("the journal is closed")

// Log is the log of one broker. It's a broker.Journal.
type Log struct {
	dir    string
	o      Options
	unlock func()

	appended atomic.Int64 // bytes of frames that were given to the log
	synced   atomic.Int64 // of these on the disk
	failed   atomic.Bool

	mu      sync.Mutex
	changed sync.Cond // synced, err or queue changed
	queue   []chunk
	queued  int
	spare   []byte
	segment uint64 // that Append writes to
	grown   int64  // bytes of the segments since the last snapshot
	base    int64  // bytes of that snapshot
	err     error
	closed  bool

	file    *os.File // of the writer
	wg      sync.WaitGroup
	compact chan struct{}
	stop    chan struct{}
}

// chunk is what waits to be written to one segment.
type chunk struct {
	segment uint64
	bytes   []byte
}

// Open takes a folder, which it makes where it's missing. Nobody else can open it until Close or the process's end.
// [Log.Replay] comes next.
func Open(dir string, o Options) (*Log, error) {
	if o.CompactAt == 0 {
		o.CompactAt = defaultCompactAt
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Warnf == nil {
		o.Warnf = o.Logf
	}
	if o.Sync == nil {
		o.Sync = (*os.File).Sync
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	unlock, err := lockDir(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("journal: %s is in use by another broker: %w", dir, err)
	}
	l := &Log{dir: dir, o: o, unlock: unlock, compact: make(chan struct{}, 1), stop: make(chan struct{})}
	l.changed.L = &l.mu
	return l, nil
}

// Append takes a frame; it's written later. It waits only while very much waits already.
func (l *Log) Append(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.queued > maxQueued && l.err == nil && !l.closed {
		l.changed.Wait()
	}
	if l.err != nil || l.closed {
		l.appended.Add(1) // never synced: nothing may be acknowledged
		return
	}
	last := len(l.queue) - 1
	if last < 0 || l.queue[last].segment != l.segment {
		l.queue = append(l.queue, chunk{segment: l.segment, bytes: l.spare[:0]})
		l.spare = nil
		last++
	}
	c := &l.queue[last]
	before := len(c.bytes)
	c.bytes = appendFrame(c.bytes, frame)
	n := len(c.bytes) - before
	l.queued += n
	l.appended.Add(int64(n))
	if l.grown += int64(n); l.grown >= max(l.o.CompactAt, l.base) {
		select {
		case l.compact <- struct{}{}:
		default:
		}
	}
	l.changed.Broadcast()
}

// Fail ends the log: from now on [Log.Wait] returns this error.
func (l *Log) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail(err)
}

func (l *Log) fail(err error) {
	if l.err == nil {
		l.err = fmt.Errorf("journal: %w", err)
		l.failed.Store(true)
		l.o.Logf("%v; nothing is acknowledged any more", l.err)
	}
	l.changed.Broadcast()
}

// Wait returns nil once everything that was appended before the call is on the disk, and an error when it can't get
// there.
func (l *Log) Wait() error {
	want := l.appended.Load()
	if l.synced.Load() >= want && !l.failed.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.synced.Load() < want && l.err == nil && !l.closed {
		l.changed.Wait()
	}
	switch {
	case l.err != nil:
		return l.err
	case l.synced.Load() < want:
		return ErrClosed
	}
	return nil
}

// write is the writing goroutine.
func (l *Log) write() {
	for {
		l.mu.Lock()
		for len(l.queue) == 0 && l.err == nil && !l.closed {
			l.changed.Wait()
		}
		chunks := l.queue
		l.queue, l.queued = nil, 0
		done := l.err != nil || l.closed && len(chunks) == 0
		l.changed.Broadcast() // there's room again
		l.mu.Unlock()
		if done {
			return
		}
		n, err := l.writeChunks(chunks)
		l.mu.Lock()
		if err != nil {
			l.fail(err)
		} else {
			l.synced.Add(n)
			if b := chunks[len(chunks)-1].bytes; l.spare == nil && cap(b) <= 8<<20 {
				l.spare = b
			}
		}
		l.changed.Broadcast()
		l.mu.Unlock()
	}
}

// writeChunks writes and flushes; each segment is on the disk before the next is begun.
func (l *Log) writeChunks(chunks []chunk) (n int64, err error) {
	for _, c := range chunks {
		if name := l.path(c.segment, segmentSuffix); l.file.Name() != name {
			if err := errors.Join(l.o.Sync(l.file), l.file.Close()); err != nil {
				return n, err
			}
			if l.file, err = create(name, l.o.Sync); err != nil {
				return n, err
			}
		}
		if _, err := l.file.Write(c.bytes); err != nil {
			return n, err
		}
		n += int64(len(c.bytes))
	}
	return n, l.o.Sync(l.file)
}

// Close writes what waits, and ends.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.stop)
	l.changed.Broadcast()
	l.mu.Unlock()
	l.wg.Wait()
	var err error
	if l.file != nil {
		err = l.file.Close()
	}
	l.unlock()
	return errors.Join(l.err, err)
}
