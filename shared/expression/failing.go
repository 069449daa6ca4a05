//go:build !noexpressions

package expression

import (
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// failing finds calls that fail for every record, because of what is written out in them: decimal("1,5"), or
// At.getFullYear("Europe/Berlinn").
func failing(a *ast.AST) []Problem {
	var out []Problem
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 1 || e.AsCall().Args()[0].Kind() != ast.LiteralKind {
			return
		}
		call, literal := e.AsCall(), e.AsCall().Args()[0]
		text, isText := literal.AsLiteral().(types.String)
		_, decimal := parseDecimal(string(text))
		switch name := call.FunctionName(); {
		case !isText:
		case name == "decimal" && !decimal:
			out = append(out, at(a, literal, strconv.Quote(string(text))+" is no decimal number", `write it like decimal("12.50")`))
		case call.IsMemberFunction() && strings.HasPrefix(name, "get") && !isZone(string(text)):
			out = append(out, at(a, literal, "there is no zone "+strconv.Quote(string(text)), "write a name of the IANA time zone database, such as Europe/Berlin"))
		}
	}))
	return out
}

// isZone reports whether CEL takes a text for a zone: a name, or an offset such as +01:00. "Local" would be another on each machine.
func isZone(text string) bool {
	if strings.Contains(text, ":") {
		_, err := time.Parse("-07:00", "+"+strings.TrimLeft(text, "+-"))
		return err == nil
	}
	_, err := time.LoadLocation(text)
	return err == nil && text != "Local"
}
