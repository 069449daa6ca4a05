package sqlfilter

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// normal brings a property's value to the types expressions have. A NaN is unknown, since it has no place in any order.
func normal(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case uint:
		return unsigned(uint64(v))
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		return unsigned(v)
	case float32:
		return normal(float64(v))
	case float64:
		if math.IsNaN(v) {
			return nil
		}
	case nil, string, bool, int64, []byte, [16]byte, time.Time:
	default:
		return underlying(v)
	}
	return v
}

// underlying gives texts and uuids of a type of their own, as the wire layer has them, the plain type.
func underlying(v any) any {
	r := reflect.ValueOf(v)
	switch {
	case r.Kind() == reflect.String:
		return r.String()
	case r.Kind() == reflect.Array && r.Type().ConvertibleTo(reflect.TypeFor[[16]byte]()):
		return r.Convert(reflect.TypeFor[[16]byte]()).Interface()
	}
	return v
}

// unsigned is int64 where it fits, else a double, as C# converts ulong to double.
func unsigned(v uint64) any {
	if v > math.MaxInt64 {
		return float64(v)
	}
	return int64(v)
}

// Equal says whether two property values are equal as filters see it: numbers by value whatever their type, texts with
// their case. Null equals nothing.
func Equal(a, b any) bool { return compare("=", normal(a), normal(b)) == yes }

// compare applies a comparison operator to two normal values.
func compare(operator string, a, b any) truth {
	if a == nil || b == nil {
		return unknown
	}
	order, ordered, comparable := relate(a, b)
	if !comparable {
		return unknown
	}
	switch operator {
	case "=":
		return truthOf(order == 0)
	case "<>", "!=":
		return truthOf(order != 0)
	}
	if !ordered {
		return unknown
	}
	switch operator {
	case "<":
		return truthOf(order < 0)
	case "<=":
		return truthOf(order <= 0)
	case ">":
		return truthOf(order > 0)
	default: // ">="
		return truthOf(order >= 0)
	}
}

// relate orders two normal values. Kinds without an order (booleans, uuids) only say whether they're equal; different
// kinds aren't comparable. Texts are compared by their code points, case included.
func relate(a, b any) (order int, ordered, comparable bool) {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return strings.Compare(a, b), true, true
		}
	case int64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, b), true, true
		case float64:
			return cmp.Compare(float64(a), b), true, true
		}
	case float64:
		switch b := b.(type) {
		case int64:
			return cmp.Compare(a, float64(b)), true, true
		case float64:
			return cmp.Compare(a, b), true, true
		}
	case time.Time:
		if b, ok := b.(time.Time); ok {
			return a.Compare(b), true, true
		}
	case []byte:
		if b, ok := b.([]byte); ok {
			return bytes.Compare(a, b), false, true
		}
	case bool:
		if b, ok := b.(bool); ok {
			return same(a == b), false, true
		}
	case [16]byte:
		if b, ok := b.([16]byte); ok {
			return same(a == b), false, true
		}
	}
	return 0, false, false
}

func same(equal bool) int {
	if equal {
		return 0
	}
	return 1
}

// maxText bounds in bytes what joining texts can make: as much as all properties of a message may have.
const maxText = 64 * 1024

// compute applies an arithmetic operator to two known values: whole numbers stay whole and mustn't overflow, with a
// double the result is one. Texts are joined by "+", as in C#.
func compute(operator string, a, b any) (any, error) {
	if x, ok := a.(string); ok && operator == "+" {
		if y, ok := b.(string); ok {
			if len(x)+len(y) > maxText {
				return nil, fmt.Errorf("%w: a joined text is longer than %d bytes", ErrEvaluation, maxText)
			}
			return x + y, nil
		}
	}
	x, wholeX := a.(int64)
	y, wholeY := b.(int64)
	if wholeX && wholeY {
		return computeWhole(operator, x, y)
	}
	f, okF := double(a)
	g, okG := double(b)
	if !okF || !okG {
		return nil, fmt.Errorf("%w: %q wants numbers", ErrEvaluation, operator)
	}
	switch operator {
	case "+":
		f += g
	case "-":
		f -= g
	case "*":
		f *= g
	case "/":
		f /= g
	case "%":
		f = math.Mod(f, g)
	}
	return normal(f), nil
}

func double(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func computeWhole(operator string, x, y int64) (any, error) {
	overflow := false
	var out int64
	switch operator {
	case "+":
		out = x + y
		overflow = (out > x) != (y > 0) && y != 0
	case "-":
		out = x - y
		overflow = (out < x) != (y > 0) && y != 0
	case "*":
		out = x * y
		overflow = x != 0 && (out/x != y || x == -1 && y == math.MinInt64)
	case "/", "%":
		if y == 0 {
			return nil, fmt.Errorf("%w: division by zero", ErrEvaluation)
		}
		if overflow = x == math.MinInt64 && y == -1; overflow {
			break
		}
		if out = x / y; operator == "%" {
			out = x % y
		}
	}
	if overflow {
		return nil, fmt.Errorf("%w: %q overflows 64 bits", ErrEvaluation, operator)
	}
	return out, nil
}
