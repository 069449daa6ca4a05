package broker

import (
	"fmt"
	"strings"

	"crosswalk/local/servicebus/broker/sqlfilter"
)

// Rule selects messages for a subscription. With neither SQL nor Correlation it selects all.
type Rule struct {
	Name string
	// SQL is a filter in the language of package sqlfilter.
	SQL string
	// Correlation is a filter by equality; a rule has one filter, not both.
	Correlation *CorrelationFilter
	// Action is a SQL action (SET, REMOVE) on the selected message: ErrNotImplemented for now.
	Action string
}

// CorrelationFilter selects messages all of whose named properties are equal, case included. An empty text isn't
// compared.
type CorrelationFilter struct {
	CorrelationID, MessageID, To, ReplyTo, Subject, SessionID, ReplyToSessionID, ContentType string
	// Properties are application properties: string, bool and numbers.
	Properties map[string]any
}

// DefaultRuleName is the name of the rule a subscription has when none is given.
const DefaultRuleName = "$Default"

const maxRuleNameLength = 50

// rule is a Rule, compiled.
type rule struct {
	name    string
	selects func(m *Message) (bool, error)
	// An action will come here: func(m *Message) error on a copy of its own, so that rules with actions that match the
	// same message make one copy each.
}

// compileRules checks rules and makes them ready; nil stands for one that selects all.
func compileRules(rules []Rule) ([]*rule, error) {
	if rules == nil {
		rules = []Rule{{Name: DefaultRuleName}}
	}
	var out []*rule
	names := map[string]bool{}
	for _, r := range rules {
		if r.Name == "" || len([]rune(r.Name)) > maxRuleNameLength || names[strings.ToLower(r.Name)] {
			return nil, fmt.Errorf("%w: rule %q: a name has 1 to %d characters and is used once", ErrInvalid, r.Name, maxRuleNameLength)
		}
		names[strings.ToLower(r.Name)] = true
		compiled, err := r.compile()
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", r.Name, err)
		}
		out = append(out, compiled)
	}
	return out, nil
}

func (r Rule) compile() (*rule, error) {
	out := &rule{name: r.Name}
	switch {
	case r.Action != "":
		return nil, fmt.Errorf("%w: SQL actions", ErrNotImplemented)
	case r.SQL != "" && r.Correlation != nil:
		return nil, fmt.Errorf("%w: a SQL and a correlation filter in one rule", ErrInvalid)
	case r.SQL != "":
		filter, err := sqlfilter.Parse(r.SQL)
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrInvalid, err)
		}
		out.selects = func(m *Message) (bool, error) { return filter.Matches(propertySource{m}) }
	case r.Correlation != nil:
		filter := *r.Correlation
		out.selects = func(m *Message) (bool, error) { return filter.selects(m), nil }
	default:
		out.selects = func(*Message) (bool, error) { return true, nil }
	}
	return out, nil
}

func (f *CorrelationFilter) selects(m *Message) bool {
	for _, c := range []struct{ want, got string }{
		{f.MessageID, m.MessageID}, {f.To, m.To}, {f.ReplyTo, m.ReplyTo}, {f.Subject, m.Subject}, {f.SessionID, m.SessionID},
		{f.ReplyToSessionID, m.ReplyToSessionID}, {f.ContentType, m.ContentType},
	} {
		if c.want != "" && c.want != c.got {
			return false
		}
	}
	if f.CorrelationID != "" && !sqlfilter.Equal(f.CorrelationID, m.CorrelationID) {
		return false
	}
	source := propertySource{m}
	for name, want := range f.Properties {
		got, ok := source.Property(name)
		if !ok || !sqlfilter.Equal(want, got) {
			return false
		}
	}
	return true
}

// selects says whether one of a subscription's rules selects a message. The error, of a filter that can't be evaluated,
// counts only when no rule selects it and the subscription wants to know.
func (t *entity) selects(m *Message) (bool, error) {
	var failed error
	for _, r := range t.rules {
		selected, err := r.selects(m)
		if selected {
			return true, nil
		}
		if err != nil && failed == nil && t.deadLetterOnFilterError {
			failed = err
		}
	}
	return false, failed
}

// propertySource shows a message to a filter.
type propertySource struct{ m *Message }

// Property looks an application property up. Names are compared without case (Service Bus documentation, page on SQL
// filters); one that is written exactly so goes first.
func (s propertySource) Property(name string) (any, bool) {
	if v, ok := s.m.Properties[name]; ok {
		return v, true
	}
	found, best := false, ""
	for candidate := range s.m.Properties {
		if strings.EqualFold(candidate, name) && (!found || candidate < best) {
			found, best = true, candidate
		}
	}
	return s.m.Properties[best], found
}

// SystemProperty looks a property of the message itself up.
func (s propertySource) SystemProperty(name string) (any, bool) { return s.m.system(name) }
