package functionshost

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// route is a compiled route template of ASP.NET: literals (ignoring case), {name}, {name?}, {name=default},
// {name:constraint}, several of them in a segment, and a last {*rest}.
type route struct {
	text     string
	segments []segment
}

// segment is one part of a route between slashes.
type segment struct {
	literal string // when there are no parameters
	part    parameter
	several *regexp.Regexp // a segment of several parts; the names are in parts
	parts   []parameter
}

type parameter struct {
	name        string
	rest        bool
	optional    bool
	fallback    string
	constraints []func(string) bool
}

func parseRoute(text string) (*route, error) {
	r := &route{text: text}
	pieces := strings.Split(strings.TrimSuffix(text, "/"), "/")
	for i, piece := range pieces {
		s, err := parseSegment(piece)
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", text, err)
		}
		if s.part.rest && i != len(pieces)-1 {
			return nil, fmt.Errorf("route %q: a catch-all must be the last segment", text)
		}
		r.segments = append(r.segments, s)
	}
	return r, nil
}

func parseSegment(text string) (segment, error) {
	if !strings.ContainsAny(text, "{}") {
		return segment{literal: text}, nil
	}
	var pattern strings.Builder
	var parts []parameter
	literals := false
	for rest := text; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			open = len(rest)
		}
		literals = literals || open > 0
		pattern.WriteString(regexp.QuoteMeta(rest[:open]))
		if rest = rest[open:]; rest == "" {
			break
		}
		end := closingBrace(rest)
		if end < 0 {
			return segment{}, fmt.Errorf("segment %q: a brace isn't closed", text)
		}
		p, err := parseParameter(rest[1:end])
		if err != nil {
			return segment{}, fmt.Errorf("segment %q: %w", text, err)
		}
		parts = append(parts, p)
		pattern.WriteString("(.+)")
		rest = rest[end+1:]
	}
	if len(parts) == 1 && !literals {
		return segment{part: parts[0]}, nil
	}
	compiled, err := regexp.Compile("^(?i)" + pattern.String() + "$")
	return segment{several: compiled, parts: parts}, err
}

// closingBrace finds the end of a parameter; braces within are those of a regular expression.
func closingBrace(text string) int {
	depth := 0
	for i, c := range text {
		switch c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

var parameterName = regexp.MustCompile(`^(\*{0,2})([A-Za-z_][A-Za-z0-9_]*)(.*)$`)

func parseParameter(text string) (parameter, error) {
	m := parameterName.FindStringSubmatch(text)
	if m == nil {
		return parameter{}, fmt.Errorf("parameter %q is not supported", text)
	}
	p := parameter{name: m[2], rest: m[1] != ""}
	tail := m[3]
	for strings.HasPrefix(tail, ":") {
		end := endOfConstraint(tail[1:]) + 1
		check, err := constraintOf(tail[1:end])
		if err != nil {
			return p, err
		}
		p.constraints = append(p.constraints, check)
		tail = tail[end:]
	}
	switch {
	case tail == "?":
		p.optional = true
	case strings.HasPrefix(tail, "="):
		p.optional, p.fallback = true, tail[1:]
	case tail != "":
		return p, fmt.Errorf("parameter %q is not supported", text)
	}
	return p, nil
}

// endOfConstraint is where a constraint ends: before the next one, a default or the mark of an optional parameter.
func endOfConstraint(text string) int {
	depth := 0
	for i, c := range text {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && (c == ':' || c == '=' || c == '?'):
			return i
		}
	}
	return len(text)
}

// routeValue is one parameter of a matched route; Absent tells that an optional one wasn't given.
type routeValue struct {
	Name, Value string
	Absent      bool
}

var escapedSlash = regexp.MustCompile(`(?i)%(2f)`)

// decoded is one segment of a path; %2F stays as it is (recorded).
func decoded(text string) string {
	out, err := url.PathUnescape(escapedSlash.ReplaceAllString(text, "%25$1"))
	if err != nil {
		return text
	}
	return out
}

// match compares an escaped request path.
func (r *route) match(path string) ([]routeValue, bool) {
	pieces := strings.Split(strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/"), "/")
	for i := range pieces {
		pieces[i] = decoded(pieces[i])
	}
	var values []routeValue
	for i, s := range r.segments {
		if s.part.rest {
			return s.part.takeRest(values, pieces[min(i, len(pieces)):])
		}
		if i >= len(pieces) {
			if s.part.name == "" || !s.part.optional {
				return nil, false
			}
			values = append(values, routeValue{Name: s.part.name, Value: s.part.fallback, Absent: s.part.fallback == ""})
			continue
		}
		more, ok := s.match(pieces[i])
		if !ok {
			return nil, false
		}
		values = append(values, more...)
	}
	return values, len(pieces) <= len(r.segments)
}

// takeRest gives a catch-all what is left of a path. It doesn't begin with an empty segment (recorded: items//x).
func (p parameter) takeRest(values []routeValue, left []string) ([]routeValue, bool) {
	if len(left) > 1 && left[0] == "" {
		return nil, false
	}
	text := strings.Join(left, "/")
	if text == "" {
		text = p.fallback
	}
	return append(values, routeValue{Name: p.name, Value: text, Absent: text == ""}), p.allows(text)
}

func (p parameter) allows(text string) bool {
	return !slices.ContainsFunc(p.constraints, func(check func(string) bool) bool { return !check(text) })
}

func (s segment) match(text string) ([]routeValue, bool) {
	switch {
	case s.several != nil:
		m := s.several.FindStringSubmatch(text)
		if m == nil {
			return nil, false
		}
		var values []routeValue
		for i := len(s.parts) - 1; i >= 0; i-- { // from right to left, as ASP.NET finds them
			if !s.parts[i].allows(m[i+1]) {
				return nil, false
			}
			values = append(values, routeValue{Name: s.parts[i].name, Value: m[i+1]})
		}
		return values, true
	case s.part.name == "":
		return nil, strings.EqualFold(s.literal, text)
	}
	return []routeValue{{Name: s.part.name, Value: text}}, text != "" && s.part.allows(text)
}
