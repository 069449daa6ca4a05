package functionshost

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// route is a compiled route template: literals (ignoring case), {name}, {name?}, {name=default}, {name:constraint} and a
// last {*rest}.
type route struct {
	text     string
	segments []segment
}

type segment struct {
	literal     string // when name is empty
	name        string
	rest        bool
	optional    bool
	fallback    string
	constraints []func(string) bool
}

var parameter = regexp.MustCompile(`^\{(\*{0,2})([A-Za-z_][A-Za-z0-9_]*)((?::[^=?{}]+)?)(\?|=[^{}]*)?\}$`)

func parseRoute(text string) (*route, error) {
	r := &route{text: text}
	parts := strings.Split(strings.TrimSuffix(text, "/"), "/")
	for i, part := range parts {
		if !strings.ContainsAny(part, "{}") {
			r.segments = append(r.segments, segment{literal: part})
			continue
		}
		m := parameter.FindStringSubmatch(part)
		if m == nil {
			return nil, fmt.Errorf("route %q: segment %q is not supported", text, part)
		}
		s := segment{name: m[2], rest: m[1] != "", optional: m[4] == "?"}
		if value, ok := strings.CutPrefix(m[4], "="); ok {
			s.optional, s.fallback = true, value
		}
		if s.rest && i != len(parts)-1 {
			return nil, fmt.Errorf("route %q: a catch-all must be the last segment", text)
		}
		for _, name := range strings.Split(strings.TrimPrefix(m[3], ":"), ":") {
			if name == "" {
				continue
			}
			check, ok := constraints[strings.ToLower(name)]
			if !ok {
				return nil, fmt.Errorf("route %q: constraint %q is not supported", text, name)
			}
			s.constraints = append(s.constraints, check)
		}
		r.segments = append(r.segments, s)
	}
	return r, nil
}

var constraints = map[string]func(string) bool{
	"int":   func(s string) bool { _, err := strconv.ParseInt(s, 10, 32); return err == nil },
	"long":  func(s string) bool { _, err := strconv.ParseInt(s, 10, 64); return err == nil },
	"bool":  func(s string) bool { return isOneOf(s, "true", "false") },
	"guid":  func(s string) bool { _, err := uuid.Parse(s); return err == nil },
	"alpha": regexp.MustCompile(`^[A-Za-z]*$`).MatchString,
}

// routeValue is one parameter of a matched route; Absent tells that an optional one wasn't given.
type routeValue struct {
	Name, Value string
	Absent      bool
}

// match compares an escaped request path. %2F stays escaped in a value (recorded).
func (r *route) match(path string) ([]routeValue, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) == 1 && parts[0] == "" {
		parts = nil
	}
	var values []routeValue
	for i, s := range r.segments {
		if s.rest {
			value := strings.Join(parts[min(i, len(parts)):], "/")
			return append(values, routeValue{Name: s.name, Value: value, Absent: value == ""}), true
		}
		if i >= len(parts) {
			if !s.optional {
				return nil, false
			}
			values = append(values, routeValue{Name: s.name, Value: s.fallback, Absent: s.fallback == ""})
			continue
		}
		if s.name == "" {
			if !strings.EqualFold(s.literal, parts[i]) {
				return nil, false
			}
			continue
		}
		for _, check := range s.constraints {
			if !check(parts[i]) {
				return nil, false
			}
		}
		if parts[i] == "" {
			return nil, false
		}
		values = append(values, routeValue{Name: s.name, Value: parts[i]})
	}
	return values, len(parts) <= len(r.segments)
}
