package journal

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Snapshot makes the frames of a snapshot: begin is called at the moment it stands for, in step with Append.
type Snapshot func(begin func()) func(yield func(frame []byte, err error) bool)

// Compacting makes a snapshot whenever the log has grown enough, until Close. A snapshot that fails is tried again when
// the log has grown once more; nothing is lost by it.
func (l *Log) Compacting(s Snapshot) {
	l.wg.Go(func() {
		for {
			select {
			case <-l.compact:
			case <-l.stop:
				return
			}
			if err := l.Compact(s); err != nil {
				l.o.Logf("%v", err)
			}
		}
	})
}

// Compact makes a snapshot and removes what it replaces.
func (l *Log) Compact(s Snapshot) error {
	var number uint64
	frames := s(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.segment++
		l.grown, number = 0, l.segment
		l.queue = append(l.queue, chunk{segment: number}) // the file is there even when nothing follows
		l.changed.Broadcast()
	})
	size, err := writeSnapshot(l.path(number, snapshotSuffix), frames, l.o.Sync)
	if err != nil {
		return fmt.Errorf("journal: snapshot %d: %w", number, err)
	}
	l.mu.Lock()
	l.base = size
	l.mu.Unlock()
	l.removeBefore(number)
	return nil
}

// removeBefore removes what the snapshot of this number replaces. The writer may still have a segment open: its frames
// are in the snapshot.
func (l *Log) removeBefore(number uint64) {
	snapshots, segments, _ := l.list()
	for _, n := range snapshots {
		if n < number {
			_ = os.Remove(l.path(n, snapshotSuffix)) // left over, it's removed next time
		}
	}
	for _, n := range segments {
		if n < number {
			_ = os.Remove(l.path(n, segmentSuffix))
		}
	}
}

// writeSnapshot writes a file that is there whole or not at all. An empty frame ends it.
func writeSnapshot(name string, frames func(func([]byte, error) bool), sync func(*os.File) error) (size int64, err error) {
	unfinished := name + ".unfinished"
	f, err := create(unfinished, sync)
	if err != nil {
		return 0, err
	}
	defer os.Remove(unfinished)
	out := bufio.NewWriterSize(f, 1<<20)
	size = frameHeader
	var buf []byte
	for frame, ferr := range frames {
		if err = ferr; err != nil {
			break
		}
		buf = appendFrame(buf[:0], frame)
		size += int64(len(buf))
		if _, err = out.Write(buf); err != nil {
			break
		}
	}
	if err == nil {
		_, err = out.Write(appendFrame(buf[:0], nil))
	}
	if err == nil {
		err = errors.Join(out.Flush(), sync(f))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(unfinished, name); err != nil {
		return 0, err
	}
	return size, syncDir(filepath.Dir(name))
}

func readSnapshot(name string, restore func([]byte) error) (size int64, err error) {
	ended := false
	size, err = readFrames(name, func(frame []byte) error {
		if ended {
			return errors.New("something follows the end")
		}
		if ended = len(frame) == 0; ended {
			return nil
		}
		return restore(frame)
	})
	if err == nil && !ended {
		err = errors.New("the end is missing")
	}
	return size, err
}
