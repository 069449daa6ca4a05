package functionshost

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// constraints are those of a route's parameter that take no argument.
var constraints = map[string]func(string) bool{
	"int":      func(s string) bool { _, err := strconv.ParseInt(s, 10, 32); return err == nil },
	"long":     func(s string) bool { _, err := strconv.ParseInt(s, 10, 64); return err == nil },
	"bool":     func(s string) bool { return isOneOf(s, "true", "false") },
	"guid":     func(s string) bool { _, err := uuid.Parse(s); return err == nil },
	"alpha":    regexp.MustCompile(`^[A-Za-z]*$`).MatchString,
	"required": func(s string) bool { return s != "" },
	"double":   isNumber,
	"float":    isNumber,
	"decimal":  regexp.MustCompile(`^[+-]?\d*\.?\d+$`).MatchString,
	"datetime": isDate,
}

func isNumber(s string) bool { _, err := strconv.ParseFloat(s, 64); return err == nil }

func isDate(s string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02", "01/02/2006"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

// constraintOf compiles int, alpha, min(3), range(1,9), length(2,4), regex(^x) …; names ignore case.
func constraintOf(text string) (func(string) bool, error) {
	name, arguments, ok := strings.Cut(text, "(")
	if !ok {
		if check, ok := constraints[strings.ToLower(name)]; ok {
			return check, nil
		}
		return nil, fmt.Errorf("constraint %q is not supported", text)
	}
	arguments, ok = strings.CutSuffix(arguments, ")")
	if !ok {
		return nil, fmt.Errorf("constraint %q isn't closed", text)
	}
	if strings.EqualFold(name, "regex") {
		pattern, err := regexp.Compile("(?i)" + strings.NewReplacer("{{", "{", "}}", "}", "[[", "[", "]]", "]").Replace(arguments))
		if err != nil {
			return nil, fmt.Errorf("constraint %q: %w", text, err)
		}
		return pattern.MatchString, nil
	}
	var n []int64
	for _, a := range strings.Split(arguments, ",") {
		v, err := strconv.ParseInt(strings.TrimSpace(a), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("constraint %q: %q is no whole number", text, a)
		}
		n = append(n, v)
	}
	return numeric(strings.ToLower(name), n, text)
}

func numeric(name string, n []int64, text string) (func(string) bool, error) {
	least, most := n[0], n[len(n)-1]
	within := func(v int64) bool { return v >= least && v <= most }
	value := func(ok func(int64) bool) func(string) bool {
		return func(s string) bool { v, err := strconv.ParseInt(s, 10, 64); return err == nil && ok(v) }
	}
	length := func(ok func(int64) bool) func(string) bool {
		return func(s string) bool { return ok(int64(utf8.RuneCountInString(s))) }
	}
	switch {
	case name == "min" && len(n) == 1:
		return value(func(v int64) bool { return v >= least }), nil
	case name == "max" && len(n) == 1:
		return value(func(v int64) bool { return v <= most }), nil
	case name == "range" && len(n) == 2:
		return value(within), nil
	case name == "length" && len(n) <= 2:
		return length(within), nil
	case name == "minlength" && len(n) == 1:
		return length(func(v int64) bool { return v >= least }), nil
	case name == "maxlength" && len(n) == 1:
		return length(func(v int64) bool { return v <= most }), nil
	}
	return nil, fmt.Errorf("constraint %q is not supported", text)
}
