package broker

import (
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/google/uuid"

	"crosswalk/local/servicebus/broker/sqlfilter"
)

// apply gives the copy of a message that a rule's action makes.
func (r *rule) apply(m *Message) (Message, error) {
	c := *m
	c.Properties = maps.Clone(m.Properties)
	if c.Properties == nil {
		c.Properties = map[string]any{}
	}
	if err := r.action.Apply(actionTarget{propertySource{&c}}); err != nil {
		return c, err
	}
	c.Properties[propertyRuleName] = r.source.Name
	if err := checkProperties(c.Properties); err != nil {
		return c, err
	}
	return c, c.checkIDs()
}

// actionTarget lets an action change a copy of a message.
type actionTarget struct{ propertySource }

// SetProperty gives an application property a value; one that's there keeps its name and, where the value can be
// converted, its type (Service Bus documentation, "Subscription Rule SQL Action Syntax").
func (s actionTarget) SetProperty(name string, value any) {
	if key, ok := s.key(name); ok {
		s.m.Properties[key] = converted(value, s.m.Properties[key])
		return
	}
	s.m.Properties[name] = value
}

// RemoveProperty takes an application property away; one that isn't there is no error.
func (s actionTarget) RemoveProperty(name string) {
	if key, ok := s.key(name); ok {
		delete(s.m.Properties, key)
	}
}

// SetSystemProperty gives one of the message's own properties, all of which are texts, a value; null clears it.
func (s actionTarget) SetSystemProperty(name string, value any) error {
	to := s.m.settable(name)
	if to == nil {
		return fmt.Errorf("%w: sys.%s can't be set", sqlfilter.ErrEvaluation, name)
	}
	text := ""
	if value != nil {
		var ok bool
		if text, ok = converted(value, "").(string); !ok {
			return fmt.Errorf("%w: sys.%s wants a text", sqlfilter.ErrEvaluation, name)
		}
	}
	to(text)
	return nil
}

// isSettable says whether an action may set a property of the message itself.
func isSettable(name string) bool { return (&Message{}).settable(name) != nil }

// settable returns what sets a property of the message itself, nil for one that can't be set.
func (m *Message) settable(name string) func(string) {
	field := func(to *string) func(string) { return func(s string) { *to = s } }
	switch foldASCII(name) {
	case "messageid":
		return field(&m.MessageID)
	case "correlationid":
		return func(s string) {
			if m.CorrelationID = s; s == "" {
				m.CorrelationID = nil
			}
		}
	case "label", "subject":
		return field(&m.Subject)
	case "to":
		return field(&m.To)
	case "replyto":
		return field(&m.ReplyTo)
	case "contenttype":
		return field(&m.ContentType)
	case "sessionid":
		return func(s string) { m.SessionID, m.BlankSession = s, false }
	case "replytosessionid":
		return field(&m.ReplyToSessionID)
	case "partitionkey":
		return field(&m.PartitionKey)
	}
	return nil
}

// converted brings a value of an expression to the type of what it replaces, and leaves it where that can't be.
func converted(value, old any) any {
	switch old.(type) {
	case string:
		return asText(value)
	case int32:
		if n, ok := value.(int64); ok && int64(int32(n)) == n {
			return int32(n)
		}
	case float64:
		if n, ok := value.(int64); ok {
			return float64(n)
		}
	}
	return value
}

func asText(value any) any {
	switch v := value.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		if v {
			return "True" // as .NET writes it
		}
		return "False"
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case [16]byte:
		return uuid.UUID(v).String()
	}
	return value
}
