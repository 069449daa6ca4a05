package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Replay gives every frame that was kept to restore, in order, and makes the log ready for Append. The frame is
// restore's only until it returns. An error names the file; nothing was changed then.
func (l *Log) Replay(restore func(frame []byte) error) error {
	snapshots, segments, err := l.list()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	first := uint64(1)
	if n := len(snapshots); n > 0 {
		first = snapshots[n-1]
		if l.base, err = readSnapshot(l.path(first, snapshotSuffix), restore); err != nil {
			return fmt.Errorf("journal: %s: %w", l.path(first, snapshotSuffix), err)
		}
	}
	segments = slices.DeleteFunc(segments, func(n uint64) bool { return n < first })
	if err := l.replaySegments(first, segments, restore); err != nil {
		return err
	}
	l.removeBefore(first)
	l.wg.Go(l.write)
	return nil
}

func (l *Log) replaySegments(first uint64, segments []uint64, restore func([]byte) error) error {
	var err error
	if len(segments) == 0 {
		l.segment = first
		l.file, err = create(l.path(first, segmentSuffix), l.o.Sync)
		return wrapped(err)
	}
	for i, n := range segments {
		name := l.path(n, segmentSuffix)
		if n != first+uint64(i) {
			return fmt.Errorf("journal: %s is missing", l.path(first+uint64(i), segmentSuffix))
		}
		whole, err := readFrames(name, restore)
		torn := errors.Is(err, errTorn)
		if err != nil && (!torn || i < len(segments)-1) {
			return fmt.Errorf("journal: %s is damaged: %w", name, err)
		}
		l.grown += whole
		if i == len(segments)-1 {
			l.segment = n
			return l.resume(name, whole, torn)
		}
	}
	return nil
}

// resume opens the last segment for appending and cuts off what isn't whole.
func (l *Log) resume(name string, whole int64, torn bool) error {
	if whole == 0 { // not even the magic was written
		f, err := create(name, l.o.Sync)
		l.file = f
		return wrapped(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return wrapped(err)
	}
	if torn {
		info, err := f.Stat()
		if err == nil {
			err = keepTail(name, whole)
		}
		if err == nil {
			l.o.Logf("journal: %s: %d bytes at the end are no whole frame: a write that a crash cut short, or damage; they are kept in %s", name, info.Size()-whole, name+tailSuffix)
			err = errors.Join(f.Truncate(whole), l.o.Sync(f))
		}
		if err != nil {
			f.Close()
			return wrapped(err)
		}
	}
	l.file = f
	return nil
}

// tailSuffix is what the name of a file ends in that holds the end of a segment which no frame could be read from.
const tailSuffix = ".cut"

// keepTail copies the end of a segment beside it: whether it's a write cut short or damage can't be told for sure.
func keepTail(name string, from int64) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := in.Seek(from, io.SeekStart); err != nil {
		return err
	}
	out, err := os.Create(name + tailSuffix)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("journal: %w", err)
}

// list returns the numbers of the snapshots and segments, each in order. What a crash left unfinished isn't among them.
func (l *Log) list() (snapshots, segments []uint64, err error) {
	entries, err := os.ReadDir(l.dir) // sorted by name, and so by number
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		suffix := filepath.Ext(e.Name())
		n, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), suffix), 10, 64)
		switch {
		case err != nil || n == 0:
		case suffix == snapshotSuffix:
			snapshots = append(snapshots, n)
		case suffix == segmentSuffix:
			segments = append(segments, n)
		}
	}
	return snapshots, segments, nil
}
