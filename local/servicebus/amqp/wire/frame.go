package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Protocol headers, the first eight bytes of a connection and of its SASL layer (part 2, section 2.2; part 5, 5.3.1).
const (
	HeaderAMQP = "AMQP\x00\x01\x00\x00"
	HeaderSASL = "AMQP\x03\x01\x00\x00"
)

// Frame types.
const (
	FrameAMQP uint8 = 0
	FrameSASL uint8 = 1
)

const (
	frameHeaderSize = 8
	// MinMaxFrameSize is the smallest limit a peer may set (part 2, section 2.7.1).
	MinMaxFrameSize = 512
)

// ErrFrame is wrapped by the errors of ReadFrame that come from the bytes and not from the reader.
var ErrFrame = errors.New("amqp: malformed frame")

// Frame is one frame. Body is empty in a heartbeat.
type Frame struct {
	Type    uint8
	Channel uint16
	Body    []byte
}

// ReadFrame reads a frame of at most maxSize bytes. The body lies in buf where that is large enough; the buffer to use
// for the next call is returned.
func ReadFrame(r io.Reader, maxSize uint32, buf []byte) (Frame, []byte, error) {
	var head [frameHeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, buf, err
	}
	size := binary.BigEndian.Uint32(head[:])
	offset := uint32(head[4]) * 4
	switch {
	case size < frameHeaderSize || size > maxSize:
		return Frame{}, buf, fmt.Errorf("%w: %d bytes, limit %d", ErrFrame, size, maxSize)
	case offset < frameHeaderSize || offset > size:
		return Frame{}, buf, fmt.Errorf("%w: data offset %d of %d", ErrFrame, offset, size)
	}
	n := int(size - frameHeaderSize)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, buf, err
	}
	f := Frame{Type: head[5], Channel: binary.BigEndian.Uint16(head[6:])}
	if f.Type > FrameSASL {
		return Frame{}, buf, fmt.Errorf("%w: type %d", ErrFrame, f.Type)
	}
	f.Body = buf[offset-frameHeaderSize:]
	return f, buf, nil
}

// AppendFrame appends a whole frame: header, performative (nil for a heartbeat) and payload.
func AppendFrame(dst []byte, frameType uint8, channel uint16, p Performative, payload []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 2, frameType)
	dst = binary.BigEndian.AppendUint16(dst, channel)
	if p != nil {
		var err error
		if dst, err = p.appendTo(dst); err != nil {
			return dst[:start], err
		}
	}
	dst = append(dst, payload...)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst, nil
}
