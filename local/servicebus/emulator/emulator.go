// Package emulator reads the Config.json of Microsoft's Service Bus emulator, in the form its documentation gives
// ("Test locally by using the Azure Service Bus emulator"): UserConfig.Namespaces[].Queues, Topics, Subscriptions, Rules.
//
// All namespaces of a file become one. UserConfig.Logging is accepted and not looked at. Anything else that isn't known
// is an error, so that a misspelt setting isn't silently left out.
package emulator

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/topology"
)

// Is reports whether a JSON document has the form of a Config.json, faults and all.
func Is(data []byte) bool {
	var top map[string]any
	if json.Unmarshal(bytes.TrimPrefix(data, byteOrderMark), &top) != nil {
		return false
	}
	for name := range top {
		if strings.EqualFold(name, "UserConfig") {
			return true
		}
	}
	return false
}

// NoEffect names the fields that tools write into a Config.json and that change nothing here. They are accepted wherever
// they stand, and [Parse] tells of them.
var NoEffect = []string{
	"AutoDeleteOnIdle", "ClientAffineProperties", "CompatibilityLevel", "EnableBatchedOperations", "EnableExpress", "EnablePartitioning",
	"IsClientAffine", "MaxMessageSizeInKilobytes", "Parameters", "RequiresPreprocessing", "SupportOrdering", "UserMetadata",
}

// Parse reads a Config.json, with or without a byte order mark. notes names the fields that are accepted and change nothing.
// The error names every fault, one per line: the field's path, what's wrong, and what to do.
func Parse(data []byte) (entities *servicebus.Entities, notes []string, err error) {
	data = bytes.TrimPrefix(data, byteOrderMark)
	var top any
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, nil, fmt.Errorf("no JSON: %w", err)
	}
	r := &reader{entities: &servicebus.Entities{}, queues: map[string]bool{}}
	root := r.object("", top, "UserConfig")
	config := r.object("UserConfig", root["UserConfig"], "Namespaces", "Logging")
	for at, namespace := range r.list("UserConfig.Namespaces", config["Namespaces"]) {
		r.namespace(at, namespace)
	}
	if len(r.entities.Queues)+len(r.entities.Topics) == 0 && len(r.faults) == 0 {
		r.fault("UserConfig.Namespaces", "there is no queue and no topic", "add one")
	}
	r.checkForwards()
	return r.entities, r.notes, errors.Join(r.faults...)
}

// byteOrderMark is what editors on Windows put before a text.
var byteOrderMark = []byte("\xef\xbb\xbf")

// reader collects entities and faults.
type reader struct {
	entities *servicebus.Entities
	faults   []error
	notes    []string
	queues   map[string]bool // queues and topics, in lower case
	forwards []forward
}

// forward is where an entity forwards to, checked when all names are known.
type forward struct{ at, to string }

func (r *reader) fault(at, wrong, fix string) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s (fix: %s)", at, wrong, fix))
}

func (r *reader) namespace(at string, v any) {
	n := r.object(at, v, "Name", "Properties", "Queues", "Topics")
	for at, v := range r.list(at+".Queues", n["Queues"]) {
		q := r.object(at, v, "Name", "Properties")
		name := r.name(at, q)
		p := r.object(at+".Properties", q["Properties"], append(receiving, duplicates...)...)
		r.entities.Queues = append(r.entities.Queues, servicebus.Queue{Name: name, QueueProperties: r.queue(at+".Properties", p)})
	}
	for at, v := range r.list(at+".Topics", n["Topics"]) {
		t := r.object(at, v, "Name", "Properties", "Subscriptions")
		name := r.name(at, t)
		p := r.object(at+".Properties", t["Properties"], append([]string{"DefaultMessageTimeToLive", "MaxSizeInMegabytes", "Status"}, duplicates...)...)
		r.entities.Topics = append(r.entities.Topics, servicebus.Topic{Name: name, TopicProperties: broker.TopicProperties{
			DefaultTTL: r.duration(at+".Properties", p, "DefaultMessageTimeToLive"), DuplicateDetection: r.duplicates(at+".Properties", p),
			MaxSize: r.megabytes(at+".Properties", p), Status: r.status(at+".Properties", p),
		}})
		for at, v := range r.list(at+".Subscriptions", t["Subscriptions"]) {
			r.subscription(at, name, v)
		}
	}
}

// The properties of what can be received from, and those of duplicate detection.
var (
	receiving = []string{
		"DeadLetteringOnMessageExpiration", "DefaultMessageTimeToLive", "ForwardDeadLetteredMessagesTo", "ForwardTo",
		"LockDuration", "MaxDeliveryCount", "RequiresSession", "MaxSizeInMegabytes", "Status",
	}
	duplicates = []string{"DuplicateDetectionHistoryTimeWindow", "RequiresDuplicateDetection"}
)

func (r *reader) queue(at string, p map[string]any) broker.QueueProperties {
	s := r.receivable(at, p)
	return broker.QueueProperties{
		LockDuration: s.LockDuration, DefaultTTL: s.DefaultTTL, MaxDeliveryCount: s.MaxDeliveryCount,
		RequiresSession: s.RequiresSession, DeadLetterOnExpiry: s.DeadLetterOnExpiry, ForwardTo: s.ForwardTo,
		ForwardDeadLetteredTo: s.ForwardDeadLetteredTo, Status: s.Status,
		DuplicateDetection: r.duplicates(at, p), MaxSize: r.megabytes(at, p),
	}
}

func (r *reader) subscription(at, topic string, v any) {
	s := r.object(at, v, "Name", "Properties", "Rules")
	name := r.text(at, s, "Name")
	if name == "" || len(name) > topology.MaxNameLength {
		r.fault(at+".Name", "a subscription's name has 1 to 50 characters", "give one")
	}
	p := r.receivable(at+".Properties", r.object(at+".Properties", s["Properties"],
		append([]string{"DeadLetteringOnFilterEvaluationExceptions"}, receiving...)...))
	if props, ok := s["Properties"].(map[string]any); ok {
		p.DeadLetterOnFilterError = r.flag(at+".Properties", props, "DeadLetteringOnFilterEvaluationExceptions")
	}
	for at, v := range r.list(at+".Rules", s["Rules"]) {
		p.Rules = append(p.Rules, r.rule(at, v))
	}
	r.entities.Subscriptions = append(r.entities.Subscriptions, servicebus.Subscription{Topic: topic, Name: name, SubscriptionProperties: p})
}

func (r *reader) receivable(at string, p map[string]any) broker.SubscriptionProperties {
	out := broker.SubscriptionProperties{
		LockDuration: r.duration(at, p, "LockDuration"), DefaultTTL: r.duration(at, p, "DefaultMessageTimeToLive"),
		MaxDeliveryCount: r.number(at, p, "MaxDeliveryCount", 1, 2000), RequiresSession: r.flag(at, p, "RequiresSession"),
		DeadLetterOnExpiry: r.flag(at, p, "DeadLetteringOnMessageExpiration"), ForwardTo: r.text(at, p, "ForwardTo"),
		ForwardDeadLetteredTo: r.text(at, p, "ForwardDeadLetteredMessagesTo"), Status: r.status(at, p),
	}
	if out.LockDuration > broker.MaxLockDuration {
		r.fault(at+".LockDuration", "a lock lasts five minutes at most", "write PT5M or less")
	}
	if out.RequiresSession && out.ForwardTo != "" {
		r.fault(at+".ForwardTo", "an entity with sessions can't forward", "remove one of RequiresSession and ForwardTo")
	}
	for _, f := range []forward{{at + ".ForwardTo", out.ForwardTo}, {at + ".ForwardDeadLetteredMessagesTo", out.ForwardDeadLetteredTo}} {
		if f.to != "" {
			r.forwards = append(r.forwards, f)
		}
	}
	return out
}

// checkForwards sees that what is forwarded to is there.
func (r *reader) checkForwards() {
	for _, f := range r.forwards {
		if !r.queues[strings.ToLower(f.to)] {
			r.fault(f.at, fmt.Sprintf("there is no queue or topic %q", f.to), "write the name of one that this file has")
		}
	}
}

func (r *reader) duplicates(at string, p map[string]any) time.Duration {
	window := r.duration(at, p, "DuplicateDetectionHistoryTimeWindow")
	if !r.flag(at, p, "RequiresDuplicateDetection") {
		return 0
	}
	if window == 0 {
		return 10 * time.Minute // the service's default
	}
	return window
}

func (r *reader) megabytes(at string, p map[string]any) int64 {
	return int64(r.number(at, p, "MaxSizeInMegabytes", 1, 1<<20)) << 20
}

var statuses = map[string]broker.Status{
	"": broker.Enabled, "active": broker.Enabled, "disabled": broker.Disabled,
	"senddisabled": broker.SendDisabled, "receivedisabled": broker.ReceiveDisabled,
}

func (r *reader) status(at string, p map[string]any) broker.Status {
	s, ok := statuses[strings.ToLower(r.text(at, p, "Status"))]
	if !ok {
		r.fault(at+".Status", "it is unknown", "write Active, Disabled, SendDisabled or ReceiveDisabled")
	}
	return s
}

// name reads the name of a queue or topic, which is there once.
func (r *reader) name(at string, o map[string]any) string {
	name := r.text(at, o, "Name")
	switch folded := strings.ToLower(name); {
	case name == "":
		r.fault(at+".Name", "it is missing", "give the entity a name")
	case r.queues[folded]:
		r.fault(at+".Name", fmt.Sprintf("%q is there twice; queues and topics share their names, whose case doesn't count", name), "rename one")
	default:
		r.queues[folded] = true
	}
	return name
}

// known lists names for an error.
func known(names []string) string { return strings.Join(slices.Sorted(slices.Values(names)), ", ") }

// object reads an object that has no other fields than these; null and nothing count as empty.
func (r *reader) object(at string, v any, fields ...string) map[string]any {
	if v == nil {
		return nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		r.fault(at, "it is no object", "write {…}")
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		switch {
		case slices.Contains(fields, name):
		case slices.Contains(NoEffect, name):
			r.notes = append(r.notes, strings.TrimPrefix(at+"."+name, ".")+" has no effect here")
		default:
			r.fault(strings.TrimPrefix(at+"."+name, "."), "it is unknown here", "remove it, or write one of "+known(fields))
		}
	}
	return o
}

// list yields the items of a list with their paths.
func (r *reader) list(at string, v any) func(yield func(string, any) bool) {
	items, ok := v.([]any)
	if !ok && v != nil {
		r.fault(at, "it is no list", "write […]")
	}
	return func(yield func(string, any) bool) {
		for i, item := range items {
			if !yield(fmt.Sprintf("%s[%d]", at, i), item) {
				return
			}
		}
	}
}
