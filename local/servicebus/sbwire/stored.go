package sbwire

import (
	"fmt"

	"crosswalk/local/servicebus/amqp/wire"
)

// Codec writes the parts of messages that only this package understands for a journal: as AMQP, in the types they came
// in. It's a broker.Codec.
type Codec struct{}

// AppendValue appends an AMQP value; a Go int counts as a long, a [16]byte as a uuid.
func (Codec) AppendValue(dst []byte, v any) ([]byte, error) {
	switch n := v.(type) {
	case int:
		v = int64(n)
	case [16]byte:
		v = wire.UUID(n)
	}
	return wire.Append(dst, v)
}

// Value reads an AMQP value, which shares no memory with b, and returns what follows it.
func (Codec) Value(b []byte) (any, []byte, error) { return wire.Decode(b) }

// AppendWire appends what decodeOne left in Message.Wire: an encoded message without a body.
func (Codec) AppendWire(dst []byte, v any) ([]byte, error) {
	switch m := v.(type) {
	case nil:
		return dst, nil
	case *wire.Message:
		return m.AppendTo(dst)
	}
	return dst, fmt.Errorf("a message of type %T can't be written to a journal", v)
}

// Wire reads it back.
func (Codec) Wire(b []byte) (any, error) {
	if len(b) == 0 {
		return nil, nil
	}
	return wire.ParseMessage(b)
}
