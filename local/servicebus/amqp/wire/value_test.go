package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

var values = []any{
	nil, true, false,
	uint8(7), uint16(300), uint32(0), uint32(255), uint32(1 << 30), uint64(0), uint64(255), uint64(math.MaxUint64),
	int8(-7), int16(-300), int32(-1), int32(math.MinInt32), int64(127), int64(-128), int64(math.MinInt64), int64(1)<<53 + 1,
	float32(1.5), 2.5, math.Inf(-1), Char('☃'),
	Decimal32{1, 2, 3, 4}, Decimal64{1, 2, 3, 4, 5, 6, 7, 8}, Decimal128{15: 9},
	time.UnixMilli(0).UTC(), time.Date(2026, 7, 1, 16, 53, 19, 123e6, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	UUID{0: 1, 15: 2}, []byte{}, []byte{1, 2}, bytes.Repeat([]byte{9}, 300), "", "Grüße", strings.Repeat("x", 300),
	Symbol("amqp:not-found"), Symbol(strings.Repeat("s", 256)),
	List{}, List{int64(1), "two", nil, List{uint8(3)}},
	Map{}, Map{{"a", int32(1)}, {Symbol("b"), List{}}, {List{"odd key"}, nil}},
	Longs([]int64{1, -1, 1 << 60}), Symbols("a", "b"), UUIDs([]UUID{{1}, {2}}), Timestamps([]time.Time{time.UnixMilli(1).UTC()}),
	Array{Code: codeArray32, Items: []any{Longs([]int64{1}), Longs([]int64{})}},
	Array{Code: codeLong, Descriptor: Symbol("d"), Items: []any{int64(1)}},
	Array{Code: codeBoolean, Items: []any{true, false}}, Array{Code: codeMap32, Items: []any{Map{{"k", "v"}}}},
	Described{uint64(0x137000000C), "session"}, Described{Symbol("x:y"), Described{uint64(1), nil}},
}

func TestValuesSurvive(t *testing.T) {
	for _, v := range values {
		encoded, err := Append(nil, v)
		if err != nil {
			t.Errorf("%#v: %v", v, err)
			continue
		}
		got, rest, err := Decode(append(encoded, 0xff))
		if err != nil || len(rest) != 1 || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v came back as %#v with %d bytes left: %v", v, got, len(rest)-1, err)
		}
		for cut := range encoded {
			if _, _, err := Decode(encoded[:cut]); err == nil {
				t.Errorf("%#v: %d of %d bytes decode without error", v, cut, len(encoded))
			}
		}
	}
}

func TestHostileValuesAreRefused(t *testing.T) {
	deep := bytes.Repeat([]byte{codeList8, 255, 1}, 5000)
	for name, b := range map[string][]byte{
		"nothing":                     {},
		"unknown code":                {0x0f},
		"unknown code in an array":    {codeArray8, 2, 0, 0x4f},
		"deep lists":                  deep,
		"deep descriptors":            bytes.Repeat([]byte{codeDescribed}, 5000),
		"deep arrays":                 bytes.Repeat([]byte{codeArray8, 250, 1}, 5000),
		"string of 4 GB":              {codeString32, 0xff, 0xff, 0xff, 0xff},
		"binary of 2 GB":              {codeBinary32, 0x7f, 0xff, 0xff, 0xff},
		"list of a billion":           {codeList32, 0, 0, 0, 4, 0x40, 0, 0, 0},
		"list longer than its size":   {codeList8, 2, 2, codeNull},
		"list shorter than its size":  {codeList8, 3, 1, codeNull, codeNull},
		"map with half an entry":      {codeMap8, 2, 1, codeNull},
		"array of a billion nulls":    {codeArray32, 0, 0, 0, 5, 0x3f, 0xff, 0xff, 0xff, codeNull},
		"arrays of nulls in an array": append([]byte{codeArray32, 0, 0, 4, 5, 0, 0, 1, 0, codeArray8}, bytes.Repeat([]byte{2, 255, codeTrue}, 256)...),
		"size under its own count":    {codeList32, 0, 0, 0, 2, 0, 0},
		"no UTF-8":                    {codeString8, 1, 0xff},
		"boolean of two":              {codeBoolean, 2},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v, _, err := Decode(b)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: decoded as %#v", name, v)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
			t.Errorf("%s: %d bytes of input took %d bytes of memory", name, len(b), took)
		}
	}
}

func TestNoEncodingForForeignTypes(t *testing.T) {
	for _, v := range []any{struct{}{}, map[string]any{}, List{make(chan int)}, Map{{"k", struct{}{}}}, Array{Code: codeLong, Items: []any{"text"}}, Described{uint64(1), struct{}{}}} {
		if b, err := Append(nil, v); err == nil {
			t.Errorf("%#v was encoded as % x", v, b)
		}
	}
}

// FuzzDecode holds that decoding never panics and that what it returns can be written and read again without change.
func FuzzDecode(f *testing.F) {
	for _, v := range values {
		b, err := Append(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _, err := Decode(b)
		if err != nil {
			return
		}
		once, err := Append(nil, v)
		if err != nil {
			t.Fatalf("%#v can't be written: %v", v, err)
		}
		again, rest, err := Decode(once)
		if errors.Is(err, errCount) {
			return // arrays of elements without bytes grow when written
		}
		if err != nil || len(rest) > 0 {
			t.Fatalf("%#v can't be read again: %v", v, err)
		}
		if twice, err := Append(nil, again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("% x became % x (%v)", once, twice, err)
		}
	})
}
