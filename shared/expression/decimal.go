//go:build !noexpressions

package expression

import (
	"errors"
	"reflect"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/shopspring/decimal"

	"crosswalk/shared/exact"
)

// decimalType is the type of exact decimal numbers. It can be added, subtracted, multiplied, negated and compared; there is no
// division, whose result can have no end.
var decimalType = types.NewObjectType("decimal", traits.AdderType, traits.SubtractorType, traits.MultiplierType, traits.NegatorType, traits.ComparerType)

// number is a value of decimalType.
type number struct{ decimal.Decimal }

func parseDecimal(text string) (*number, bool) {
	d, ok := exact.Parse(text)
	return &number{d}, ok
}

// decimalFunctions declares decimal("…"), decimal(1), string(d) and what the operators take.
func decimalFunctions() []cel.EnvOption {
	out := []cel.EnvOption{
		cel.Function("decimal",
			cel.Overload("string_to_decimal", []*cel.Type{cel.StringType}, decimalType, cel.UnaryBinding(func(v ref.Val) ref.Val {
				d, ok := parseDecimal(string(v.(types.String)))
				if !ok {
					return types.NewErr("the text is no decimal number")
				}
				return d
			})),
			cel.Overload("int_to_decimal", []*cel.Type{cel.IntType}, decimalType, cel.UnaryBinding(func(v ref.Val) ref.Val {
				return ofInt(v.(types.Int))
			}))),
		cel.Function("string", cel.Overload("decimal_to_string", []*cel.Type{decimalType}, cel.StringType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			n, ok := v.(*number)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.String(exact.Text(n.Decimal))
		}))),
		cel.Function(operators.Negate, cel.Overload("negate_decimal", []*cel.Type{decimalType}, decimalType)),
	}
	for _, op := range []struct {
		name, id string
		result   *cel.Type
	}{
		{operators.Add, "add", decimalType}, {operators.Subtract, "subtract", decimalType}, {operators.Multiply, "multiply", decimalType},
		{operators.Less, "less", cel.BoolType}, {operators.LessEquals, "less_equals", cel.BoolType},
		{operators.Greater, "greater", cel.BoolType}, {operators.GreaterEquals, "greater_equals", cel.BoolType},
	} {
		out = append(out, cel.Function(op.name,
			cel.Overload(op.id+"_decimal", []*cel.Type{decimalType, decimalType}, op.result),
			cel.Overload(op.id+"_decimal_int", []*cel.Type{decimalType, cel.IntType}, op.result)))
	}
	return out
}

func ofInt(i types.Int) *number { return &number{decimal.NewFromInt(int64(i))} }

// operand takes a decimal or a whole number.
func operand(v ref.Val) (*number, bool) {
	switch v := v.(type) {
	case *number:
		return v, true
	case types.Int:
		return ofInt(v), true
	}
	return nil, false
}

func (n *number) compute(other ref.Val, f func(x, y decimal.Decimal) decimal.Decimal) ref.Val {
	o, ok := operand(other)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	d := f(n.Decimal, o.Decimal)
	if !exact.Within(d, 2*exact.MaxDigits) {
		return types.NewErr("the number has too many digits")
	}
	return &number{d}
}

// Add implements [traits.Adder].
func (n *number) Add(other ref.Val) ref.Val { return n.compute(other, decimal.Decimal.Add) }

// Subtract implements [traits.Subtractor].
func (n *number) Subtract(other ref.Val) ref.Val { return n.compute(other, decimal.Decimal.Sub) }

// Multiply implements [traits.Multiplier].
func (n *number) Multiply(other ref.Val) ref.Val { return n.compute(other, decimal.Decimal.Mul) }

// Negate implements [traits.Negater].
func (n *number) Negate() ref.Val { return &number{n.Neg()} }

// Compare implements [traits.Comparer].
func (n *number) Compare(other ref.Val) ref.Val {
	o, ok := operand(other)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	return types.Int(n.Cmp(o.Decimal))
}

// Equal implements [ref.Val].
func (n *number) Equal(other ref.Val) ref.Val {
	o, ok := operand(other)
	return types.Bool(ok && n.Cmp(o.Decimal) == 0)
}

// Type implements [ref.Val].
func (n *number) Type() ref.Type { return decimalType }

// Value implements [ref.Val].
func (n *number) Value() any { return n }

// ConvertToType implements [ref.Val].
func (n *number) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.StringType:
		return types.String(exact.Text(n.Decimal))
	case decimalType:
		return n
	}
	return types.NewErr("a decimal isn't converted to %s", t.TypeName())
}

// ConvertToNative implements [ref.Val]. Nothing needs it.
func (n *number) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("a decimal stays a decimal")
}

var errRange = errors.New("a whole number goes further than 64 bits")

// celValue turns a column's value into CEL's.
func celValue(t Type, v Value) (ref.Val, error) {
	switch {
	case t == Text:
		return types.String(v.Text), nil
	case v.Null:
		return types.NullValue, nil
	case t == Integer:
		i, err := strconv.ParseInt(v.Text, 10, 64)
		if err != nil {
			return nil, errRange
		}
		return types.Int(i), nil
	case t == Decimal:
		d, ok := parseDecimal(v.Text)
		if !ok {
			return nil, errRange
		}
		return d, nil
	case t == Boolean:
		return types.Bool(v.Text == "true"), nil
	}
	return types.Timestamp{Time: v.Time}, nil
}

// valueOf turns CEL's value into ours.
func valueOf(v ref.Val) (Value, error) {
	switch v := v.(type) {
	case types.Null:
		return Value{Null: true}, nil
	case types.String:
		return Value{Text: string(v)}, nil
	case types.Int:
		return Value{Text: strconv.FormatInt(int64(v), 10)}, nil
	case types.Bool:
		return Value{Text: strconv.FormatBool(bool(v))}, nil
	case *number:
		return Value{Text: exact.Text(v.Decimal)}, nil
	case types.Timestamp:
		return Value{Time: v.Time}, nil
	}
	return Value{}, errFailed
}
