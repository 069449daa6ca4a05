package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// maxDepth is how deep lists, maps, arrays and descriptors may lie in each other.
const maxDepth = 32

var (
	errTruncated = errors.New("amqp: the bytes end inside a value")
	errDepth     = fmt.Errorf("amqp: values nested deeper than %d", maxDepth)
	errCount     = errors.New("amqp: more values than the bytes can hold")
	errUTF8      = errors.New("amqp: a string is no UTF-8")
)

// Decode reads one value and returns it with the bytes after it. It keeps no reference to b.
func Decode(b []byte) (any, []byte, error) {
	r := newReader(b)
	v, err := r.value(0)
	return v, r.buf, err
}

// reader takes values off the front of buf. budget bounds the number of values, so that arrays whose elements take no
// bytes can't ask for more memory than the input's size justifies.
type reader struct {
	buf    []byte
	budget int
}

func newReader(b []byte) *reader { return &reader{buf: b, budget: len(b) + 256} }

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.buf) {
		return nil, errTruncated
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b, nil
}

func (r *reader) code() (byte, error) {
	b, err := r.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (r *reader) value(depth int) (any, error) {
	code, err := r.code()
	if err != nil {
		return nil, err
	}
	if code != codeDescribed {
		return r.body(code, depth)
	}
	if depth >= maxDepth {
		return nil, errDepth
	}
	descriptor, err := r.value(depth + 1)
	if err != nil {
		return nil, err
	}
	v, err := r.value(depth + 1)
	if err != nil {
		return nil, err
	}
	return Described{descriptor, v}, nil
}

// body reads the bytes of a value whose format code is known.
func (r *reader) body(code byte, depth int) (any, error) {
	if r.budget--; r.budget < 0 {
		return nil, errCount
	}
	switch code >> 4 {
	case 0x4:
		return emptyValue(code)
	case 0x5, 0x6, 0x7, 0x8, 0x9:
		return r.fixed(code)
	case 0xa, 0xb:
		return r.variable(code)
	case 0xc, 0xd:
		return r.compound(code, depth)
	case 0xe, 0xf:
		return r.array(code, depth)
	}
	return nil, unknownCode(code)
}

func unknownCode(code byte) error { return fmt.Errorf("amqp: unknown format code 0x%02x", code) }

func emptyValue(code byte) (any, error) {
	switch code {
	case codeNull:
		return nil, nil
	case codeTrue:
		return true, nil
	case codeFalse:
		return false, nil
	case codeUint0:
		return uint32(0), nil
	case codeUlong0:
		return uint64(0), nil
	case codeList0:
		return List{}, nil
	}
	return nil, unknownCode(code)
}

// width returns how many bytes a value of fixed width takes.
func width(code byte) int {
	switch code >> 4 {
	case 0x5:
		return 1
	case 0x6:
		return 2
	case 0x7:
		return 4
	case 0x8:
		return 8
	case 0x9:
		return 16
	}
	return 0
}

func (r *reader) fixed(code byte) (any, error) {
	b, err := r.take(width(code))
	if err != nil {
		return nil, err
	}
	switch code {
	case codeUbyte:
		return b[0], nil
	case codeByte:
		return int8(b[0]), nil
	case codeSmallUint:
		return uint32(b[0]), nil
	case codeSmallUlong:
		return uint64(b[0]), nil
	case codeSmallInt:
		return int32(int8(b[0])), nil
	case codeSmallLong:
		return int64(int8(b[0])), nil
	case codeBoolean:
		if b[0] > 1 {
			return nil, errors.New("amqp: a boolean is neither 0 nor 1")
		}
		return b[0] == 1, nil
	case codeUshort:
		return binary.BigEndian.Uint16(b), nil
	case codeShort:
		return int16(binary.BigEndian.Uint16(b)), nil
	case codeUint:
		return binary.BigEndian.Uint32(b), nil
	case codeInt:
		return int32(binary.BigEndian.Uint32(b)), nil
	case codeFloat:
		return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
	case codeChar:
		return Char(binary.BigEndian.Uint32(b)), nil
	case codeDecimal32:
		return Decimal32(b), nil
	case codeUlong:
		return binary.BigEndian.Uint64(b), nil
	case codeLong:
		return int64(binary.BigEndian.Uint64(b)), nil
	case codeDouble:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	case codeTimestamp:
		return time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), nil
	case codeDecimal64:
		return Decimal64(b), nil
	case codeDecimal128:
		return Decimal128(b), nil
	case codeUUID:
		return UUID(b), nil
	}
	return nil, unknownCode(code)
}

// length reads the one or four bytes that say how long a variable, compound or array value is.
func (r *reader) length(small bool) (int, error) {
	if small {
		b, err := r.take(1)
		if err != nil {
			return 0, err
		}
		return int(b[0]), nil
	}
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(b)
	if n > math.MaxInt32 {
		return 0, errTruncated
	}
	return int(n), nil
}

func (r *reader) variable(code byte) (any, error) {
	n, err := r.length(code>>4 == 0xa)
	if err != nil {
		return nil, err
	}
	b, err := r.take(n)
	if err != nil {
		return nil, err
	}
	switch code {
	case codeBinary8, codeBinary32:
		return append(make([]byte, 0, len(b)), b...), nil
	case codeString8, codeString32:
		if !utf8.Valid(b) {
			return nil, errUTF8
		}
		return string(b), nil
	case codeSymbol8, codeSymbol32:
		return Symbol(b), nil
	}
	return nil, unknownCode(code)
}

// nested opens a list, map or array: it takes size and count and returns a reader over the rest of the value.
func (r *reader) nested(small bool, depth int) (inner *reader, count int, err error) {
	if depth >= maxDepth {
		return nil, 0, errDepth
	}
	size, err := r.length(small)
	if err != nil {
		return nil, 0, err
	}
	b, err := r.take(size)
	if err != nil {
		return nil, 0, err
	}
	inner = &reader{buf: b, budget: r.budget}
	count, err = inner.length(small)
	if err != nil {
		return nil, 0, err
	}
	if count > inner.budget {
		return nil, 0, errCount
	}
	return inner, count, nil
}

func (r *reader) compound(code byte, depth int) (any, error) {
	isMap := code&0xf == 1
	if code&0xf > 1 {
		return nil, unknownCode(code)
	}
	inner, count, err := r.nested(code>>4 == 0xc, depth)
	if err != nil {
		return nil, err
	}
	if count > len(inner.buf) || (isMap && count%2 != 0) {
		return nil, errCount
	}
	items := make(List, 0, count)
	for range count {
		v, err := inner.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	r.budget = inner.budget
	if len(inner.buf) > 0 {
		return nil, errors.New("amqp: bytes left over inside a list or map")
	}
	if !isMap {
		return items, nil
	}
	m := make(Map, 0, count/2)
	for i := 0; i < count; i += 2 {
		m = append(m, Entry{items[i], items[i+1]})
	}
	return m, nil
}

func (r *reader) array(code byte, depth int) (any, error) {
	if code != codeArray8 && code != codeArray32 {
		return nil, unknownCode(code)
	}
	inner, count, err := r.nested(code == codeArray8, depth)
	if err != nil {
		return nil, err
	}
	if count == 0 && len(inner.buf) == 0 {
		return Array{Code: codeNull}, nil // some encoders leave the constructor away
	}
	var a Array
	item, err := inner.code()
	if err != nil {
		return nil, err
	}
	if item == codeDescribed {
		if a.Descriptor, err = inner.value(depth + 1); err != nil {
			return nil, err
		}
		if item, err = inner.code(); err != nil {
			return nil, err
		}
	}
	if item < codeNull {
		return nil, unknownCode(item)
	}
	a.Code = wide(item)
	a.Items = make([]any, 0, min(count, len(inner.buf)+1))
	for range count {
		v, err := inner.body(item, depth+1)
		if err != nil {
			return nil, err
		}
		a.Items = append(a.Items, v)
	}
	r.budget = inner.budget
	if len(inner.buf) > 0 {
		return nil, errors.New("amqp: bytes left over inside an array")
	}
	if !knownCode(a.Code) {
		return nil, unknownCode(a.Code)
	}
	return a, nil
}

// knownCode reports whether a wide format code names a type; an empty array doesn't show it by its elements.
func knownCode(code byte) bool {
	switch code {
	case codeNull, codeBoolean, codeUbyte, codeByte, codeUshort, codeShort, codeUint, codeInt, codeFloat, codeChar,
		codeDecimal32, codeUlong, codeLong, codeDouble, codeTimestamp, codeDecimal64, codeDecimal128, codeUUID,
		codeBinary32, codeString32, codeSymbol32, codeList32, codeMap32, codeArray32:
		return true
	}
	return false
}
