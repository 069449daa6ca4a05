package atom

import (
	"encoding/xml"
	"errors"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"crosswalk/local/servicebus/broker"
)

// ruleDescription is a rule of a subscription.
type ruleDescription struct {
	XMLName   xml.Name
	Instance  string `xml:"xmlns:i,attr,omitempty"`
	Filter    *filter
	Action    *action
	CreatedAt string `xml:",omitempty"`
	Name      string
}

// filter is a rule's filter; its type says which of its elements count.
type filter struct {
	Type kind `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`

	SqlExpression      *string
	CompatibilityLevel int `xml:",omitempty"`
	Parameters         *values

	CorrelationId, MessageId, To, ReplyTo, Label, SessionId, ReplyToSessionId, ContentType *string
	Properties                                                                             *values
}

type action struct {
	Type               kind `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	SqlExpression      string
	CompatibilityLevel int `xml:",omitempty"`
	Parameters         *values
}

// MarshalXML writes an action without expression, which is none, without elements.
func (a action) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if a.Type == typeNoAction {
		return e.EncodeElement(struct {
			Type kind `xml:"type,attr"`
		}{a.Type}, start)
	}
	type plain action
	return e.EncodeElement(plain(a), start)
}

// values are named values with their types.
type values struct {
	Items []namedValue `xml:"KeyValueOfstringanyType"`
}

type namedValue struct {
	Key   string
	Value typedValue
}

type typedValue struct {
	Schema string `xml:"xmlns:d6p1,attr"`
	Type   kind   `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	Text   string `xml:",chardata"`
}

// The types of filters and actions.
const (
	typeTrue        kind = "TrueFilter"
	typeFalse       kind = "FalseFilter"
	typeSQL         kind = "SqlFilter"
	typeCorrelation kind = "CorrelationFilter"
	typeNoAction    kind = "EmptyRuleAction"
	typeAction      kind = "SqlRuleAction"
)

// compatibilityLevel is the one value the service knows.
const compatibilityLevel = 20

// rule reads a description; name is the rule's where the description gives none.
func (d *ruleDescription) rule(name string) (broker.Rule, error) {
	r := broker.Rule{Name: d.Name}
	if r.Name == "" {
		r.Name = name
	}
	if r.Name == "" {
		r.Name = broker.DefaultRuleName
	}
	var err error
	if f := d.Filter; f != nil {
		switch f.Type {
		case typeTrue, "":
		case typeFalse:
			r.Never = true
		case typeSQL:
			if f.SqlExpression == nil || *f.SqlExpression == "" {
				return r, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. The filter has no expression")
			}
			r.SQL = *f.SqlExpression
			r.Parameters, err = f.Parameters.read()
		case typeCorrelation:
			r.Correlation, err = f.correlation()
		default:
			return r, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. There is no filter of the type %q", f.Type)
		}
		if err != nil {
			return r, err
		}
	}
	if a := d.Action; a != nil {
		switch a.Type {
		case typeNoAction, "":
		case typeAction:
			r.Action = a.SqlExpression
			r.ActionParameters, err = a.Parameters.read()
		default:
			return r, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. There is no action of the type %q", a.Type)
		}
	}
	return r, err
}

func (f *filter) correlation() (*broker.CorrelationFilter, error) {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	properties, err := f.Properties.read()
	return &broker.CorrelationFilter{
		CorrelationID: text(f.CorrelationId), MessageID: text(f.MessageId), To: text(f.To), ReplyTo: text(f.ReplyTo),
		Subject: text(f.Label), SessionID: text(f.SessionId), ReplyToSessionID: text(f.ReplyToSessionId),
		ContentType: text(f.ContentType), Properties: properties,
	}, err
}

// read turns values into Go's: string, bool, int64, float64, time.Time.
func (v *values) read() (map[string]any, error) {
	if v == nil || len(v.Items) == 0 {
		return nil, nil
	}
	out := make(map[string]any, len(v.Items))
	for _, item := range v.Items {
		_, name, prefixed := strings.Cut(string(item.Value.Type), ":")
		if !prefixed {
			name = string(item.Value.Type)
		}
		var value any
		var err error
		switch text := item.Value.Text; name {
		case "string", "guid", "duration", "":
			value = text
		case "boolean":
			value, err = strconv.ParseBool(strings.TrimSpace(text))
		case "int", "long", "short", "byte", "unsignedByte", "unsignedShort", "unsignedInt":
			value, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		case "double", "float", "decimal":
			value, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
		case "dateTime":
			value, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(text))
		default:
			err = errors.New("the type is not supported")
		}
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. The value of %q is no %s", item.Key, name)
		}
		out[item.Key] = value
	}
	return out, nil
}

func valuesOf(m map[string]any) *values {
	out := &values{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		v := typedValue{Schema: nsSchema}
		switch value := m[key].(type) {
		case string:
			v.Type, v.Text = "d6p1:string", value
		case bool:
			v.Type, v.Text = "d6p1:boolean", strconv.FormatBool(value)
		case int64:
			v.Type, v.Text = "d6p1:int", strconv.FormatInt(value, 10)
			if value < math.MinInt32 || value > math.MaxInt32 {
				v.Type = "d6p1:long"
			}
		case float64:
			v.Type, v.Text = "d6p1:double", strconv.FormatFloat(value, 'g', -1, 64)
		case time.Time:
			v.Type, v.Text = "d6p1:dateTime", value.UTC().Format(time.RFC3339Nano)
		default:
			continue // of a rule that wasn't made here
		}
		out.Items = append(out.Items, namedValue{key, v})
	}
	return out
}

func describeRule(r broker.Rule) ruleDescription {
	out := ruleDescription{
		XMLName:  xml.Name{Space: nsServiceBus, Local: "RuleDescription"},
		Instance: nsInstance, Name: r.Name, CreatedAt: timestamp(r.CreatedAt),
		Action: &action{Type: typeNoAction},
	}
	switch c := r.Correlation; {
	case r.Never:
		out.Filter = &filter{Type: typeFalse, SqlExpression: new("1=0"), CompatibilityLevel: compatibilityLevel}
	case r.SQL != "":
		out.Filter = &filter{
			Type: typeSQL, SqlExpression: &r.SQL, CompatibilityLevel: compatibilityLevel, Parameters: valuesOf(r.Parameters),
		}
	case c != nil:
		set := func(s string) *string {
			if s == "" {
				return nil
			}
			return &s
		}
		out.Filter = &filter{
			Type: typeCorrelation, CorrelationId: set(c.CorrelationID), MessageId: set(c.MessageID), To: set(c.To),
			ReplyTo: set(c.ReplyTo), Label: set(c.Subject), SessionId: set(c.SessionID),
			ReplyToSessionId: set(c.ReplyToSessionID), ContentType: set(c.ContentType), Properties: valuesOf(c.Properties),
		}
	default:
		out.Filter = &filter{Type: typeTrue, SqlExpression: new("1=1"), CompatibilityLevel: compatibilityLevel}
	}
	if r.Action != "" {
		out.Action = &action{
			Type: typeAction, SqlExpression: r.Action, CompatibilityLevel: compatibilityLevel, Parameters: valuesOf(r.ActionParameters),
		}
	}
	return out
}

func (q query) ruleEntry(r broker.Rule) entry {
	path := q.target.subscription() + "/Rules/" + r.Name
	return q.h.entry(q.r, path, r.Name, r.CreatedAt, r.CreatedAt, describeRule(r))
}

func (q query) listRules(skip, top int) error {
	rules, err := q.h.o.Broker.Rules(q.target.subscription())
	if err != nil {
		return err
	}
	rules = rules[min(skip, len(rules)):]
	rules = rules[:min(top+1, len(rules))]
	entries := make([]entry, 0, len(rules))
	for _, r := range rules {
		entries = append(entries, q.ruleEntry(r))
	}
	entries, next := q.pageOf(entries, skip, top)
	return q.h.writeFeed(q.w, q.r, q.target.path, "Rules", entries, next...)
}

// rule finds the rule that the path names.
func (q query) rule() (broker.Rule, bool, error) {
	rules, err := q.h.o.Broker.Rules(q.target.subscription())
	for _, r := range rules {
		if strings.EqualFold(r.Name, q.target.rule) {
			return r, true, nil
		}
	}
	return broker.Rule{}, false, err
}

func (q query) getRule() error {
	r, found, err := q.rule()
	if !found && (err == nil || errors.Is(err, broker.ErrNotFound)) {
		return q.h.writeMissing(q.w, q.r, q.target.path)
	}
	if err != nil {
		return err
	}
	return q.h.write(q.w, q.r, http.StatusOK, "entry", q.ruleEntry(r))
}

func (q query) putRule() error {
	d, err := read[ruleDescription](q.r)
	if err != nil {
		return err
	}
	rule, err := d.rule(q.target.rule)
	if err != nil {
		return err
	}
	rule.Name = q.target.rule
	code := http.StatusCreated
	if q.updating() {
		code = http.StatusOK
		err = q.h.o.Broker.UpdateRule(q.target.subscription(), rule)
	} else {
		err = q.h.o.Broker.AddRule(q.target.subscription(), rule)
	}
	if err != nil {
		return err
	}
	r, _, err := q.rule()
	if err != nil {
		return err
	}
	return q.h.write(q.w, q.r, code, "entry", q.ruleEntry(r))
}
