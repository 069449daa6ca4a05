package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Append appends the encoding of a value of the Go types that the package comment lists (and of int, as long) to dst.
func Append(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, codeNull), nil
	case bool:
		if v {
			return append(dst, codeTrue), nil
		}
		return append(dst, codeFalse), nil
	case uint32:
		return appendUint32(dst, v), nil
	case uint64:
		return appendUint64(dst, v), nil
	case int32:
		if v == int32(int8(v)) {
			return append(dst, codeSmallInt, byte(v)), nil
		}
	case int64:
		return appendInt64(dst, v), nil
	case int:
		return appendInt64(dst, int64(v)), nil
	case []byte:
		return appendBinary(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case Symbol:
		return appendSymbol(dst, v), nil
	case List:
		if len(v) == 0 {
			return append(dst, codeList0), nil
		}
	case Described:
		dst, err := Append(append(dst, codeDescribed), v.Descriptor)
		if err != nil {
			return dst, err
		}
		return Append(dst, v.Value)
	}
	code, ok := wideCodeOf(v)
	if !ok {
		return dst, fmt.Errorf("amqp: a value of type %T can't be encoded", v)
	}
	return appendWide(append(dst, code), v)
}

func wideCodeOf(v any) (byte, bool) {
	switch v.(type) {
	case nil:
		return codeNull, true
	case bool:
		return codeBoolean, true
	case uint8:
		return codeUbyte, true
	case int8:
		return codeByte, true
	case uint16:
		return codeUshort, true
	case int16:
		return codeShort, true
	case uint32:
		return codeUint, true
	case int32:
		return codeInt, true
	case uint64:
		return codeUlong, true
	case int64:
		return codeLong, true
	case float32:
		return codeFloat, true
	case float64:
		return codeDouble, true
	case Char:
		return codeChar, true
	case Decimal32:
		return codeDecimal32, true
	case Decimal64:
		return codeDecimal64, true
	case Decimal128:
		return codeDecimal128, true
	case time.Time:
		return codeTimestamp, true
	case UUID:
		return codeUUID, true
	case []byte:
		return codeBinary32, true
	case string:
		return codeString32, true
	case Symbol:
		return codeSymbol32, true
	case List:
		return codeList32, true
	case Map:
		return codeMap32, true
	case Array:
		return codeArray32, true
	}
	return 0, false
}

// appendWide appends the bytes of a value in its widest form, without the format code.
func appendWide(dst []byte, v any) ([]byte, error) {
	be := binary.BigEndian
	switch v := v.(type) {
	case nil:
		return dst, nil
	case bool:
		if v {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case uint8:
		return append(dst, v), nil
	case int8:
		return append(dst, byte(v)), nil
	case uint16:
		return be.AppendUint16(dst, v), nil
	case int16:
		return be.AppendUint16(dst, uint16(v)), nil
	case uint32:
		return be.AppendUint32(dst, v), nil
	case int32:
		return be.AppendUint32(dst, uint32(v)), nil
	case uint64:
		return be.AppendUint64(dst, v), nil
	case int64:
		return be.AppendUint64(dst, uint64(v)), nil
	case float32:
		return be.AppendUint32(dst, math.Float32bits(v)), nil
	case float64:
		return be.AppendUint64(dst, math.Float64bits(v)), nil
	case Char:
		return be.AppendUint32(dst, uint32(v)), nil
	case Decimal32:
		return append(dst, v[:]...), nil
	case Decimal64:
		return append(dst, v[:]...), nil
	case Decimal128:
		return append(dst, v[:]...), nil
	case time.Time:
		return be.AppendUint64(dst, uint64(v.UnixMilli())), nil
	case UUID:
		return append(dst, v[:]...), nil
	case []byte:
		return append(be.AppendUint32(dst, uint32(len(v))), v...), nil
	case string:
		return append(be.AppendUint32(dst, uint32(len(v))), v...), nil
	case Symbol:
		return append(be.AppendUint32(dst, uint32(len(v))), v...), nil
	}
	return appendCompound(dst, v)
}

// appendCompound appends size, count and elements of a list, map or array.
func appendCompound(dst []byte, v any) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	var err error
	count := 0
	switch v := v.(type) {
	case List:
		count = len(v)
		for _, item := range v {
			if dst, err = Append(dst, item); err != nil {
				return dst, err
			}
		}
	case Map:
		count = 2 * len(v)
		for _, e := range v {
			if dst, err = Append(dst, e.Key); err != nil {
				return dst, err
			}
			if dst, err = Append(dst, e.Value); err != nil {
				return dst, err
			}
		}
	case Array:
		count = len(v.Items)
		if dst, err = appendItems(dst, v); err != nil {
			return dst, err
		}
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	binary.BigEndian.PutUint32(dst[start+4:], uint32(count))
	return dst, nil
}

func appendItems(dst []byte, a Array) ([]byte, error) {
	var err error
	if a.Descriptor != nil {
		if dst, err = Append(append(dst, codeDescribed), a.Descriptor); err != nil {
			return dst, err
		}
	}
	code := a.Code
	if code == 0 && len(a.Items) > 0 {
		code, _ = wideCodeOf(a.Items[0])
	}
	if code == 0 {
		code = codeNull
	}
	dst = append(dst, code)
	for _, item := range a.Items {
		if c, ok := wideCodeOf(item); !ok || c != code {
			return dst, fmt.Errorf("amqp: a value of type %T doesn't fit an array of format code 0x%02x", item, code)
		}
		if dst, err = appendWide(dst, item); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendUint32(dst []byte, v uint32) []byte {
	switch {
	case v == 0:
		return append(dst, codeUint0)
	case v <= math.MaxUint8:
		return append(dst, codeSmallUint, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(dst, codeUint), v)
}

func appendUint64(dst []byte, v uint64) []byte {
	switch {
	case v == 0:
		return append(dst, codeUlong0)
	case v <= math.MaxUint8:
		return append(dst, codeSmallUlong, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeUlong), v)
}

func appendInt64(dst []byte, v int64) []byte {
	if v == int64(int8(v)) {
		return append(dst, codeSmallLong, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, codeLong), uint64(v))
}

func appendBinary(dst, v []byte) []byte {
	return append(appendLength(dst, codeBinary8, codeBinary32, len(v)), v...)
}

func appendString(dst []byte, v string) []byte {
	return append(appendLength(dst, codeString8, codeString32, len(v)), v...)
}

func appendSymbol(dst []byte, v Symbol) []byte {
	return append(appendLength(dst, codeSymbol8, codeSymbol32, len(v)), v...)
}

func appendLength(dst []byte, small, large byte, n int) []byte {
	if n <= math.MaxUint8 {
		return append(dst, small, byte(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, large), uint32(n))
}
