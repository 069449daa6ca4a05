package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	if torn {
		if err := l.checkCut(name, whole); err != nil {
			return wrapped(err)
		}
	}
	if whole == 0 { // not even the magic is there
		f, err := create(name, l.o.Sync)
		l.file = f
		return wrapped(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil && torn {
		err = errors.Join(f.Truncate(whole), l.o.Sync(f))
	}
	if err != nil {
		f.Close()
		return wrapped(err)
	}
	l.file = f
	return nil
}

// checkCut keeps what is about to be cut off a segment, and says so; or returns ErrDamaged.
func (l *Log) checkCut(name string, whole int64) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if whole == 0 && info.Size() <= frameHeader {
		return nil // the file had just been made
	}
	if !l.o.CutDamaged {
		if err := checkTorn(name, whole); err != nil {
			return err
		}
	}
	kept := name + tailSuffix
	for n := 2; ; n++ {
		if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
			break
		}
		kept = fmt.Sprintf("%s.%d%s", name, n, tailSuffix)
	}
	if err := l.keepTail(name, kept, whole); err != nil {
		return err
	}
	l.o.Warnf("journal: %s: from byte %d on there is no whole frame: a write that a crash cut short, or damage; %d bytes are cut off and kept in %s",
		name, whole, info.Size()-whole, kept)
	return nil
}

// maxSearched bounds the search for a whole frame behind a damaged place, in bytes that are summed up.
const maxSearched = 1 << 30

// checkTorn returns ErrDamaged where a whole frame lies somewhere behind the place from which on nothing could be read.
func checkTorn(name string, from int64) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	searched := 0
	for at := int(from) + 1; at+frameHeader < len(data) && searched < maxSearched; at++ {
		n := int(binary.LittleEndian.Uint32(data[at:]))
		if n == 0 || n > len(data)-at-frameHeader {
			continue
		}
		searched += n
		payload := data[at+frameHeader : at+frameHeader+n]
		if frameSum(data[at:at+4], payload) == binary.LittleEndian.Uint32(data[at+4:]) {
			return fmt.Errorf("%s: at byte %d %w: a whole frame lies at byte %d. Changes that were acknowledged would be lost. Nothing was changed "+
				"(fix: restore the file; or, to go on without all from byte %d on, CutDamaged or --cut-damaged, which keeps that part in a %s file)",
				name, from, ErrDamaged, at, from, tailSuffix)
		}
	}
	return nil
}

// tailSuffix is what the name of a file ends in that holds the end of a segment which no frame could be read from; a second
// one of the same segment has a number before it.
const tailSuffix = ".cut"

// keepTail copies the end of a segment beside it: whether it's a write cut short or damage can't be told for sure.
func (l *Log) keepTail(name, kept string, from int64) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if _, err := in.Seek(from, io.SeekStart); err != nil {
		return err
	}
	out, err := os.OpenFile(kept, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, l.o.Sync(out), out.Close())
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
