// Package topology is the one description of queues, topic, subscriptions and rules that the broker, the handler, the
// tests and the infrastructure read: topology.json beside this file.
//
//	ingress queues   what F&O and Dataverse send to; one batch function reads each
//	topic            every event, as a CloudEvent
//	subscription     one per function, named like it, forwarding to the function's own work queue
//	unrouted         the subscription that keeps what no rule matches
package topology

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

//go:embed topology.json
var embedded []byte

// UnroutedProperty is the application property the publisher stamps (value true) on an event that no rule matches.
// Service Bus has no else-rule, so the subscription for unrouted events selects on it.
const UnroutedProperty = "cwunrouted"

// MaxNameLength is the longest name of a subscription that Service Bus allows, so of a function too.
const MaxNameLength = 50

// Topology is the content of topology.json.
type Topology struct {
	Topic     Topic      `json:"topic"`
	Queues    Queues     `json:"queues"`
	Ingress   []Ingress  `json:"ingress"`
	Functions []Function `json:"functions"`
}

// Topic is the one topic all events pass.
type Topic struct {
	Name string `json:"name"`
	// DuplicateDetection is how long the topic remembers message ids.
	DuplicateDetection Duration `json:"duplicateDetection"`
	// Unrouted names the subscription that keeps what no function asked for.
	Unrouted string `json:"unrouted"`
}

// Queues holds the settings of the two kinds of queue.
type Queues struct {
	Ingress QueueSettings `json:"ingress"`
	Work    QueueSettings `json:"work"`
}

// QueueSettings are the properties of a queue.
type QueueSettings struct {
	LockDuration     Duration `json:"lockDuration"`
	MaxDeliveryCount int      `json:"maxDeliveryCount"`
}

// Ingress is a queue that a source system sends to and the function that reads it.
type Ingress struct {
	Queue    string `json:"queue"`
	Function string `json:"function"`
}

// Function is a function with a work queue and a subscription of its own, all three of the same name.
type Function struct {
	Name   string `json:"name"`
	Events []Rule `json:"events"`
}

// Rule selects events by type and, where Source isn't empty, by source. Either may end in "*", which stands for any
// rest; nothing else is a wildcard. Comparison is exact, case included.
type Rule struct {
	Type   string `json:"type"`
	Source string `json:"source,omitempty"`
}

// Default returns the topology that is built into the program.
func Default() *Topology {
	t, err := Parse(embedded)
	if err != nil {
		panic("topology.json: " + err.Error()) // a test holds that the embedded file is sound
	}
	return t
}

// Parse reads and checks a topology file. The error names every fault it found.
func Parse(data []byte) (*Topology, error) {
	dec := json.NewDecoder(strings.NewReader(string(data)))
	dec.DisallowUnknownFields()
	var t Topology
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return nil, errors.New("the file begins with a byte order mark, which JSON doesn't allow: save it as UTF-8 without one")
	}
	if err := dec.Decode(&t); err != nil {
		return nil, at(err, data)
	}
	if faults := t.faults(); len(faults) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return &t, nil
}

// at puts the place, line:column, before what the decoder says about it.
func at(err error, data []byte) error {
	var offset int64
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	default:
		return err
	}
	before := data[:min(max(offset-1, 0), int64(len(data)))]
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("%d:%d: %w", bytes.Count(before, []byte("\n"))+1, column, err)
}

func (t *Topology) faults() []string {
	var out []string
	seen := map[string]bool{t.Topic.Name: true, t.Topic.Unrouted: true}
	name := func(kind, n string) {
		switch {
		case n == "":
			out = append(out, kind+" without a name")
		case len(n) > MaxNameLength:
			out = append(out, fmt.Sprintf("%s %q is longer than the %d characters a subscription's name may have", kind, n, MaxNameLength))
		case seen[n]:
			out = append(out, fmt.Sprintf("%s %q: the name is taken", kind, n))
		}
		seen[n] = true
	}
	if t.Topic.Name == "" || t.Topic.Unrouted == "" {
		out = append(out, "topic needs name and unrouted")
	}
	for _, q := range []QueueSettings{t.Queues.Ingress, t.Queues.Work} {
		if q.LockDuration <= 0 || time.Duration(q.LockDuration) > 5*time.Minute || q.MaxDeliveryCount < 1 {
			out = append(out, "queues: lockDuration is between PT1S and PT5M, maxDeliveryCount at least 1")
		}
	}
	for _, in := range t.Ingress {
		name("ingress queue", in.Queue)
		if in.Function == "" {
			out = append(out, fmt.Sprintf("ingress queue %q has no function", in.Queue))
		}
	}
	for _, f := range t.Functions {
		name("function", f.Name)
		if len(f.Events) == 0 {
			out = append(out, fmt.Sprintf("function %q asks for no event", f.Name))
		}
		for _, r := range f.Events {
			if strings.Contains(strings.TrimSuffix(r.Type, "*"), "*") || strings.Contains(strings.TrimSuffix(r.Source, "*"), "*") || r.Type == "" {
				out = append(out, fmt.Sprintf("function %q: an event rule needs a type, and \"*\" may stand only at its end", f.Name))
			}
		}
	}
	return out
}

// Routes returns the names of the functions that ask for an event of this type and source, in the file's order.
func (t *Topology) Routes(eventType, source string) []string {
	var out []string
	for _, f := range t.Functions {
		if slices.ContainsFunc(f.Events, func(r Rule) bool { return r.Matches(eventType, source) }) {
			out = append(out, f.Name)
		}
	}
	return out
}

// Matches reports whether the rule selects an event of this type and source.
func (r Rule) Matches(eventType, source string) bool {
	return matches(r.Type, eventType) && (r.Source == "" || matches(r.Source, source))
}

func matches(pattern, s string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(s, prefix)
	}
	return pattern == s
}

// SQL returns the rule as a Service Bus SQL filter over the CloudEvents properties of the AMQP binding. It selects
// exactly what [Rule.Matches] selects.
func (r Rule) SQL() string {
	sql := condition("cloudEvents:type", r.Type)
	if r.Source != "" {
		sql += " AND " + condition("cloudEvents:source", r.Source)
	}
	return sql
}

// UnroutedSQL returns the filter of the subscription for unrouted events.
func UnroutedSQL() string { return "[" + UnroutedProperty + "] = TRUE" }

func condition(property, pattern string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	prefix, wild := strings.CutSuffix(pattern, "*")
	if !wild {
		return "[" + property + "] = " + quote(pattern)
	}
	escaped := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(prefix)
	sql := "[" + property + "] LIKE " + quote(escaped+"%")
	if escaped != prefix {
		sql += ` ESCAPE '\'`
	}
	return sql
}
