package sbwire

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// Descriptors of what enumerate-rules answers with (Service Bus documentation, "AMQP 1.0 in Azure Service Bus:
// request-response-based operations").
const (
	descriptorRule        uint64 = 0x0000013700000004
	descriptorNoAction    uint64 = 0x0000013700000005
	descriptorAction      uint64 = 0x0000013700000006
	descriptorSQL         uint64 = 0x0000001370000006
	descriptorTrue        uint64 = 0x0000001370000007
	descriptorFalse       uint64 = 0x0000001370000008
	descriptorCorrelation uint64 = 0x0000001370000009
)

// compatibility is the level of the SQL dialect that filters and actions are told with.
const compatibility int32 = 20

// addRule: rule-name, rule-description → nothing.
func (m management) addRule(body wire.Map) (response, error) {
	r, err := ruleOf(body)
	if err != nil {
		return response{}, err
	}
	return response{}, m.ruleTold(m.s.b.AddRule(m.entity, r), r.Name)
}

// ruleTold names the rule as the service does where a rule isn't there, or is there already: its text was seen in
// Azure/azure-sdk-for-java issue 36968 and, for one that exists, in NServiceBus.AzureFunctions.InProcess.ServiceBus issue 748.
func (m management) ruleTold(err error, name string) error {
	what := fmt.Sprintf("The messaging entity 'crosswalk:Topic:%s|%s'", ruleOwner.Replace(m.entity), name)
	switch {
	case errors.Is(err, broker.ErrRuleNotFound):
		return &wire.Error{Condition: wire.NotFound, Description: what + " could not be found."}
	case errors.Is(err, broker.ErrExists):
		return &wire.Error{Condition: conditionExists, Description: what + " already exists."}
	}
	return err
}

// ruleOwner writes a subscription's address as the service's errors do.
var ruleOwner = strings.NewReplacer("/Subscriptions/", "|", "/subscriptions/", "|")

// ruleOf reads rule-name and rule-description, a map of sql-filter {expression} or correlation-filter {…}, and
// sql-rule-action {expression}.
func ruleOf(body wire.Map) (broker.Rule, error) {
	var r broker.Rule
	var ok bool
	if r.Name, ok = wire.Text(body.Get("rule-name")); !ok {
		return r, argument("rule-name is missing")
	}
	description, _ := body.Get("rule-description").(wire.Map)
	if filter, is := description.Get("sql-filter").(wire.Map); is {
		if r.SQL, ok = wire.Text(filter.Get("expression")); !ok || r.SQL == "" {
			return r, argument("the SQL filter has no expression")
		}
		r.Never = r.SQL == "1=0" // as clients write the filter that selects nothing
		if r.Never || r.SQL == "1=1" {
			r.SQL = ""
		}
	}
	if filter, is := description.Get("correlation-filter").(wire.Map); is {
		r.Correlation = correlationOf(filter)
	}
	if action, is := description.Get("sql-rule-action").(wire.Map); is {
		r.Action, _ = wire.Text(action.Get("expression"))
	}
	return r, nil
}

// correlationKeys are the keys of a correlation filter in the order of the list that it's told as.
var correlationKeys = []string{"correlation-id", "message-id", "to", "reply-to", "label", "session-id", "reply-to-session-id", "content-type"}

func correlationFields(f *broker.CorrelationFilter) []*string {
	return []*string{&f.CorrelationID, &f.MessageID, &f.To, &f.ReplyTo, &f.Subject, &f.SessionID, &f.ReplyToSessionID, &f.ContentType}
}

func correlationOf(filter wire.Map) *broker.CorrelationFilter {
	f := &broker.CorrelationFilter{}
	for i, field := range correlationFields(f) {
		*field, _ = wire.Text(filter.Get(correlationKeys[i]))
	}
	if list, is := filter.Get("properties").(wire.Map); is {
		f.Properties = properties(list)
	}
	return f
}

// removeRule: rule-name → nothing.
func (m management) removeRule(body wire.Map) (response, error) {
	name, ok := wire.Text(body.Get("rule-name"))
	if !ok {
		return response{}, argument("rule-name is missing")
	}
	return response{}, m.ruleTold(m.s.b.RemoveRule(m.entity, name), name)
}

// rules: skip, top → rules, a list of maps whose rule-description is a described list; 204 when there are none.
func (m management) rules(body wire.Map) (response, error) {
	skip, ok := wire.Integer(body.Get("skip"))
	top, ok2 := wire.Integer(body.Get("top"))
	if !ok || !ok2 || skip < 0 || top < 0 {
		return response{}, argument("skip or top is missing")
	}
	all, err := m.s.b.Rules(m.entity)
	if err != nil {
		return response{}, err
	}
	all = all[min(skip, int64(len(all))):]
	all = all[:min(top, int64(len(all)))]
	if len(all) == 0 {
		return noContent, nil
	}
	list := make(wire.List, 0, len(all))
	for _, r := range all {
		list = append(list, wire.Map{{Key: "rule-description", Value: wire.Described{
			Descriptor: descriptorRule, Value: wire.List{filterTold(r), actionTold(r), r.Name, r.CreatedAt.Truncate(time.Millisecond)},
		}}})
	}
	return response{body: wire.Map{{Key: "rules", Value: list}}}, nil
}

func filterTold(r broker.Rule) wire.Described {
	switch {
	case r.SQL != "":
		return wire.Described{Descriptor: descriptorSQL, Value: wire.List{r.SQL, compatibility}}
	case r.Never:
		return wire.Described{Descriptor: descriptorFalse, Value: wire.List{}}
	case r.Correlation == nil:
		return wire.Described{Descriptor: descriptorTrue, Value: wire.List{}}
	}
	out := make(wire.List, 0, len(correlationKeys)+1)
	for _, field := range correlationFields(r.Correlation) {
		if *field == "" {
			out = append(out, nil)
		} else {
			out = append(out, *field)
		}
	}
	values := wire.Map{}
	for _, name := range slices.Sorted(maps.Keys(r.Correlation.Properties)) {
		values = append(values, wire.Entry{Key: name, Value: r.Correlation.Properties[name]})
	}
	return wire.Described{Descriptor: descriptorCorrelation, Value: append(out, values)}
}

func actionTold(r broker.Rule) wire.Described {
	if r.Action == "" {
		return wire.Described{Descriptor: descriptorNoAction, Value: wire.List{}}
	}
	return wire.Described{Descriptor: descriptorAction, Value: wire.List{r.Action, compatibility}}
}
