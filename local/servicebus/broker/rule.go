package broker

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"crosswalk/local/servicebus/broker/sqlfilter"
)

// Rule selects messages for a subscription and may change what it selects. Of SQL, Correlation and Never one may be
// set; with none of them the rule selects all.
type Rule struct {
	Name string
	// SQL is a filter in the language of package sqlfilter, Parameters the values of the @names in it.
	SQL        string
	Parameters map[string]any
	// Correlation is a filter by equality.
	Correlation *CorrelationFilter
	// Never selects nothing: the service's FalseFilter.
	Never bool
	// Action is a SQL action (SET, REMOVE) on a copy of the selected message, ActionParameters the values of the @names
	// in it.
	Action           string
	ActionParameters map[string]any
	// CreatedAt is written by the broker where it's zero.
	CreatedAt time.Time
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

// propertyRuleName is the application property that names, on a copy that a rule's action made, the rule (Service Bus
// documentation, page on topic filters and actions).
const propertyRuleName = "RuleName"

// rule is a Rule, compiled.
type rule struct {
	source  Rule
	selects func(m *Message) (bool, error)
	action  *sqlfilter.Action // nil for none
}

// compileRules checks rules and makes them ready; nil stands for one that selects all.
func compileRules(rules []Rule) ([]*rule, error) {
	if rules == nil {
		rules = []Rule{{Name: DefaultRuleName}}
	}
	var out []*rule
	for _, r := range rules {
		if ruleNamed(out, r.Name) >= 0 {
			return nil, fmt.Errorf("%w: rule %q is there twice", ErrInvalid, r.Name)
		}
		compiled, err := r.compile()
		if err != nil {
			return nil, err
		}
		out = append(out, compiled)
	}
	return out, nil
}

// ruleNamed returns the place of a rule, whose name is compared without case, or -1.
func ruleNamed(rules []*rule, name string) int {
	for i, r := range rules {
		if strings.EqualFold(r.source.Name, name) {
			return i
		}
	}
	return -1
}

func (r Rule) compile() (*rule, error) {
	if r.Name == "" || len([]rune(r.Name)) > maxRuleNameLength {
		return nil, fmt.Errorf("%w: rule %q: a name has 1 to %d characters", ErrInvalid, r.Name, maxRuleNameLength)
	}
	out := &rule{source: r.clone()}
	var err error
	if out.selects, err = out.source.filter(); err != nil {
		return nil, fmt.Errorf("%w: rule %q: %v", ErrInvalid, r.Name, err)
	}
	if r.Action != "" {
		if out.action, err = sqlfilter.ParseAction(r.Action, r.ActionParameters, isSettable); err != nil {
			return nil, fmt.Errorf("%w: rule %q: %v", ErrInvalid, r.Name, err)
		}
	}
	return out, nil
}

func (r Rule) filter() (func(m *Message) (bool, error), error) {
	filters := 0
	for _, set := range []bool{r.SQL != "", r.Correlation != nil, r.Never} {
		if set {
			filters++
		}
	}
	switch {
	case filters > 1:
		return nil, fmt.Errorf("more than one filter")
	case r.SQL != "":
		filter, err := sqlfilter.ParseWith(r.SQL, r.Parameters)
		if err != nil {
			return nil, err
		}
		return func(m *Message) (bool, error) { return filter.Matches(propertySource{m}) }, nil
	case r.Correlation != nil:
		return func(m *Message) (bool, error) { return r.Correlation.selects(m), nil }, nil
	}
	return func(*Message) (bool, error) { return !r.Never, nil }, nil
}

// clone shares nothing with the rule but values nobody changes.
func (r Rule) clone() Rule {
	r.Parameters, r.ActionParameters = maps.Clone(r.Parameters), maps.Clone(r.ActionParameters)
	if r.Correlation != nil {
		c := *r.Correlation
		c.Properties = maps.Clone(c.Properties)
		r.Correlation = &c
	}
	return r
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

// selections gives the messages that a subscription gets of one message: one if any rule without an action selects it,
// and one more, changed, per rule with an action that does (Service Bus documentation, page on topic filters and
// actions). The error, of a rule that can't be evaluated, counts only when there are none and the subscription wants to
// know.
func (t *entity) selections(m *Message) ([]Message, error) {
	var out []Message
	var failed error
	plain := false
	for _, r := range t.rules {
		if plain && r.action == nil {
			continue
		}
		selected, err := r.selects(m)
		if selected && r.action == nil {
			plain = true
			out = append(out, *m)
		} else if selected {
			var changed Message
			if changed, err = r.apply(m); err == nil {
				out = append(out, changed)
			}
		}
		if err != nil && failed == nil {
			failed = err
		}
	}
	if len(out) > 0 || !t.deadLetterOnFilterError {
		return out, nil
	}
	return nil, failed
}

// Rules returns the rules of a subscription in the order in which they were added. ErrNotFound; ErrNotAllowed for what
// is no subscription.
func (b *Broker) Rules(subscription string) ([]Rule, error) {
	b.begin()
	defer b.end()
	t, err := b.ruled(subscription)
	if err != nil {
		return nil, err
	}
	out := make([]Rule, 0, len(t.rules))
	for _, r := range t.rules {
		c := r.source.clone()
		if c.CreatedAt.IsZero() {
			c.CreatedAt = t.created // it was made with the subscription
		}
		out = append(out, c)
	}
	return out, nil
}

// AddRule gives a subscription one more rule, for messages that come from now on. Errors: ErrNotFound, ErrNotAllowed,
// ErrExists, ErrInvalid.
func (b *Broker) AddRule(subscription string, r Rule) error {
	return b.changeRules(subscription, func(t *entity, now time.Time) error {
		if ruleNamed(t.rules, r.Name) >= 0 {
			return fmt.Errorf("%w: rule %q of %s", ErrExists, r.Name, t.path)
		}
		if r.CreatedAt.IsZero() {
			r.CreatedAt = now
		}
		compiled, err := r.compile()
		if err == nil {
			t.rules = append(t.rules, compiled)
		}
		return err
	})
}

// UpdateRule puts a rule in the place of the one of the same name. Errors: ErrNotFound (also of the rule),
// ErrNotAllowed, ErrInvalid.
func (b *Broker) UpdateRule(subscription string, r Rule) error {
	return b.changeRules(subscription, func(t *entity, _ time.Time) error {
		i := ruleNamed(t.rules, r.Name)
		if i < 0 {
			return fmt.Errorf("%w: rule %q of %s", ErrRuleNotFound, r.Name, t.path)
		}
		r.CreatedAt = t.rules[i].source.CreatedAt
		compiled, err := r.compile()
		if err == nil {
			t.rules[i] = compiled
		}
		return err
	})
}

// RemoveRule takes a rule away from a subscription. Errors: ErrNotFound (also of the rule), ErrNotAllowed.
func (b *Broker) RemoveRule(subscription, name string) error {
	return b.changeRules(subscription, func(t *entity, _ time.Time) error {
		i := ruleNamed(t.rules, name)
		if i < 0 {
			return fmt.Errorf("%w: rule %q of %s", ErrRuleNotFound, name, t.path)
		}
		t.rules = append(t.rules[:i:i], t.rules[i+1:]...)
		return nil
	})
}

// changeRules is the only way in which a subscription's rules change once it's there.
func (b *Broker) changeRules(subscription string, change func(t *entity, now time.Time) error) error {
	now := b.begin()
	defer b.end()
	t, err := b.ruled(subscription)
	if err != nil {
		return err
	}
	if err := change(t, now); err != nil {
		return err
	}
	b.recorder.define(t)
	return nil
}

// ruled finds a subscription.
func (b *Broker) ruled(subscription string) (*entity, error) {
	t, err := b.find(subscription)
	if err != nil {
		return nil, err
	}
	if t.kind != kindSubscription {
		return nil, t.refuse(ErrNotAllowed)
	}
	return t, nil
}

// propertySource shows a message to a filter.
type propertySource struct{ m *Message }

// Property looks an application property up. Names are compared without case (Service Bus documentation, page on SQL
// filters); one that is written exactly so goes first.
func (s propertySource) Property(name string) (any, bool) {
	if key, ok := s.key(name); ok {
		return s.m.Properties[key], true
	}
	return nil, false
}

// key is an application property's name as the message spells it.
func (s propertySource) key(name string) (string, bool) {
	if _, ok := s.m.Properties[name]; ok {
		return name, true
	}
	found, best := false, ""
	for candidate := range s.m.Properties {
		if strings.EqualFold(candidate, name) && (!found || candidate < best) {
			found, best = true, candidate
		}
	}
	return best, found
}

// SystemProperty looks a property of the message itself up.
func (s propertySource) SystemProperty(name string) (any, bool) { return s.m.system(name) }
