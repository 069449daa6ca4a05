package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

const (
	segmentSuffix  = ".log"
	snapshotSuffix = ".snapshot"
	magic          = "CWSBLOG1"
	frameHeader    = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (l *Log) path(number uint64, suffix string) string {
	return filepath.Join(l.dir, fmt.Sprintf("%016d%s", number, suffix))
}

func appendFrame(dst, payload []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	return append(binary.LittleEndian.AppendUint32(dst, frameSum(dst[start:], payload)), payload...)
}

// frameSum is the sum of a frame's length, as it's written, and payload.
func frameSum(length, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, payload)
}

// errTorn says that a file ends, or goes on, with something that is no whole frame.
var errTorn = errors.New("no whole frame")

// readFrames calls yield for each frame of a file and returns the length of what was whole. An error that wraps errTorn
// says that there is more than that. The frame belongs to yield until it returns.
func readFrames(name string, yield func(frame []byte) error) (whole int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return scan(bufio.NewReaderSize(f, 1<<20), info.Size(), yield)
}

// scan reads the frames of a file of this size.
func scan(in io.Reader, size int64, yield func(frame []byte) error) (whole int64, err error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(in, head[:]); err != nil || string(head[:]) != magic {
		return 0, fmt.Errorf("%w: the file doesn't begin as a journal does", errTorn)
	}
	whole = frameHeader
	var buf []byte
	for whole < size {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return whole, fmt.Errorf("%w at byte %d", errTorn, whole)
		}
		n := int64(binary.LittleEndian.Uint32(head[:4]))
		if n > size-whole-frameHeader {
			return whole, fmt.Errorf("%w at byte %d", errTorn, whole)
		}
		if int64(cap(buf)) < n {
			buf = make([]byte, n)
		}
		buf = buf[:n]
		if _, err := io.ReadFull(in, buf); err != nil {
			return whole, err
		}
		if frameSum(head[:4], buf) != binary.LittleEndian.Uint32(head[4:]) {
			return whole, fmt.Errorf("%w at byte %d", errTorn, whole)
		}
		if err := yield(buf); err != nil {
			return whole, fmt.Errorf("at byte %d: %w", whole, err)
		}
		whole += frameHeader + n
	}
	return whole, nil
}

// create makes an empty journal file that is there after a crash, too.
func create(name string, sync func(*os.File) error) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = f.WriteString(magic); err == nil {
		err = sync(f)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
