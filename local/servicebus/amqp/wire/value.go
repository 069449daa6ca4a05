// Package wire encodes and decodes AMQP 1.0 (OASIS standard, parts 1 to 3 and 5): values, frames, performatives, SASL
// frames and message sections. It knows nothing of connections and nothing of Service Bus.
//
// Everything that is read may be hostile: lengths, counts, nesting and the number of values are checked before memory is
// taken for them, and no input makes a function of this package panic.
//
// Go types of AMQP values:
//
//	null nil                 boolean bool             ubyte, ushort, uint, ulong  uint8 … uint64
//	byte, short, int, long   int8 … int64             float, double               float32, float64
//	char Char                decimal32, 64, 128       Decimal32, Decimal64, Decimal128
//	timestamp time.Time      uuid UUID                binary []byte
//	string string            symbol Symbol            list List
//	map Map (order kept)     array Array              described Described
package wire

import (
	"encoding/hex"
	"time"
)

// Symbol is an AMQP symbol: text of a constrained domain, such as an error condition.
type Symbol string

// Char is an AMQP char, one Unicode character.
type Char rune

// Decimal32, Decimal64 and Decimal128 are IEEE 754-2008 decimals in the bytes they came in.
type (
	Decimal32  [4]byte
	Decimal64  [8]byte
	Decimal128 [16]byte
)

// UUID is an AMQP uuid in RFC 4122 byte order.
type UUID [16]byte

// String returns the form 8-4-4-4-12 in lower case.
func (u UUID) String() string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// List is an AMQP list.
type List []any

// Entry is one key and value of a Map.
type Entry struct{ Key, Value any }

// Map is an AMQP map. It is kept as a sequence, in the order of the wire, because AMQP allows keys that Go's maps don't.
type Map []Entry

// Get returns the value whose key is this string or this symbol, nil where there is none. SDKs differ in which of the
// two they write.
func (m Map) Get(key string) any {
	for _, e := range m {
		switch k := e.Key.(type) {
		case string:
			if k == key {
				return e.Value
			}
		case Symbol:
			if string(k) == key {
				return e.Value
			}
		}
	}
	return nil
}

// Array is an AMQP array: items that all have the type that Code (the wide format code of part 1, section 1.6) names,
// and the same Descriptor where that isn't nil. Items hold the values without the descriptor.
type Array struct {
	Code       byte
	Descriptor any
	Items      []any
}

// Described is a value with a descriptor that this package gives no meaning to.
type Described struct{ Descriptor, Value any }

// Longs returns an array of long.
func Longs(values []int64) Array { return array(codeLong, values) }

// Timestamps returns an array of timestamp.
func Timestamps(values []time.Time) Array { return array(codeTimestamp, values) }

// Symbols returns an array of symbol.
func Symbols(values ...Symbol) Array { return array(codeSymbol32, values) }

// Strings returns an array of string.
func Strings(values []string) Array { return array(codeString32, values) }

// UUIDs returns an array of uuid.
func UUIDs(values []UUID) Array { return array(codeUUID, values) }

func array[T any](code byte, values []T) Array {
	items := make([]any, len(values))
	for i, v := range values {
		items[i] = v
	}
	return Array{Code: code, Items: items}
}

// Items returns the elements of a list, of an array, or of a single value taken as a list of one (AMQP's rule for fields
// that may be multiple); nil for nil.
func Items(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case List:
		return v
	case Array:
		return v.Items
	}
	return []any{v}
}

// Text returns a string or symbol as a string.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Symbol:
		return string(v), true
	}
	return "", false
}

// Integer returns any AMQP integer as an int64; false for another type and for a ulong that doesn't fit.
func Integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(v), v <= 1<<63-1
	}
	return 0, false
}

// Format codes of part 1, section 1.6. Arrays use the wide form of each type only.
const (
	codeDescribed  = 0x00
	codeNull       = 0x40
	codeTrue       = 0x41
	codeFalse      = 0x42
	codeUint0      = 0x43
	codeUlong0     = 0x44
	codeList0      = 0x45
	codeUbyte      = 0x50
	codeByte       = 0x51
	codeSmallUint  = 0x52
	codeSmallUlong = 0x53
	codeSmallInt   = 0x54
	codeSmallLong  = 0x55
	codeBoolean    = 0x56
	codeUshort     = 0x60
	codeShort      = 0x61
	codeUint       = 0x70
	codeInt        = 0x71
	codeFloat      = 0x72
	codeChar       = 0x73
	codeDecimal32  = 0x74
	codeUlong      = 0x80
	codeLong       = 0x81
	codeDouble     = 0x82
	codeTimestamp  = 0x83
	codeDecimal64  = 0x84
	codeDecimal128 = 0x94
	codeUUID       = 0x98
	codeBinary8    = 0xa0
	codeString8    = 0xa1
	codeSymbol8    = 0xa3
	codeBinary32   = 0xb0
	codeString32   = 0xb1
	codeSymbol32   = 0xb3
	codeList8      = 0xc0
	codeMap8       = 0xc1
	codeList32     = 0xd0
	codeMap32      = 0xd1
	codeArray8     = 0xe0
	codeArray32    = 0xf0
)

// wide returns the format code that arrays of this type are written with.
func wide(code byte) byte {
	switch code {
	case codeTrue, codeFalse:
		return codeBoolean
	case codeUint0, codeSmallUint:
		return codeUint
	case codeUlong0, codeSmallUlong:
		return codeUlong
	case codeSmallInt:
		return codeInt
	case codeSmallLong:
		return codeLong
	case codeBinary8:
		return codeBinary32
	case codeString8:
		return codeString32
	case codeSymbol8:
		return codeSymbol32
	case codeList0, codeList8:
		return codeList32
	case codeMap8:
		return codeMap32
	case codeArray8:
		return codeArray32
	}
	return code
}
