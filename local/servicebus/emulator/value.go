package emulator

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/topology"
)

func (r *reader) text(at string, o map[string]any, field string) string {
	switch v := o[field].(type) {
	case nil:
		return ""
	case string:
		return v
	}
	r.fault(at+"."+field, "it is no text", `write "…"`)
	return ""
}

func (r *reader) flag(at string, o map[string]any, field string) bool {
	switch v := o[field].(type) {
	case nil:
		return false
	case bool:
		return v
	}
	r.fault(at+"."+field, "it is neither true nor false", "write true or false, without quotes")
	return false
}

func (r *reader) number(at string, o map[string]any, field string, least, most int) int {
	v, ok := o[field]
	if !ok || v == nil {
		return 0
	}
	n, ok := v.(float64)
	if !ok || n != float64(int(n)) || int(n) < least || int(n) > most {
		r.fault(at+"."+field, fmt.Sprintf("it is no whole number between %d and %d", least, most), "write one, without quotes")
		return 0
	}
	return int(n)
}

// forEver is how .NET writes the longest time there is, which stands for no end.
const forEver = "P10675199D"

func (r *reader) duration(at string, o map[string]any, field string) time.Duration {
	text := r.text(at, o, field)
	if text == "" || strings.HasPrefix(text, forEver) {
		return 0
	}
	var d topology.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil || d <= 0 {
		r.fault(at+"."+field, "it is no ISO 8601 duration", "write one such as PT1M or P1DT2H")
		return 0
	}
	return time.Duration(d)
}

func (r *reader) rule(at string, v any) broker.Rule {
	o := r.object(at, v, "Name", "Properties")
	out := broker.Rule{Name: r.text(at, o, "Name")}
	if out.Name == "" {
		r.fault(at+".Name", "it is missing", "give the rule a name")
	}
	at += ".Properties"
	p := r.object(at, o["Properties"], "FilterType", "CorrelationFilter", "SqlFilter", "Action")
	out.Action = r.text(at+".Action", r.object(at+".Action", p["Action"], "SqlExpression"), "SqlExpression")
	switch kind := strings.ToLower(r.text(at, p, "FilterType")); {
	case kind == "correlation" || kind == "correlationfilter" || kind == "" && p["CorrelationFilter"] != nil:
		out.Correlation = r.correlation(at+".CorrelationFilter", p["CorrelationFilter"])
	case kind == "sql" || kind == "sqlfilter" || kind == "" && p["SqlFilter"] != nil:
		out.SQL = r.text(at+".SqlFilter", r.object(at+".SqlFilter", p["SqlFilter"], "SqlExpression"), "SqlExpression")
		if out.SQL == "" {
			r.fault(at+".SqlFilter.SqlExpression", "it is missing", "write the filter, or 1=1 for all messages")
		}
	case kind == "":
		r.fault(at+".FilterType", "it is missing", "write Sql or Correlation")
	default:
		r.fault(at+".FilterType", fmt.Sprintf("%q is unknown", kind), "write Sql or Correlation")
	}
	if err := broker.CheckRule(out); err != nil && out.Name != "" {
		r.fault(at, err.Error(), "correct the expression")
	}
	return out
}

func (r *reader) correlation(at string, v any) *broker.CorrelationFilter {
	o := r.object(at, v, "ContentType", "CorrelationId", "Label", "Subject", "SendTo", "MessageId", "ReplyTo", "ReplyToSessionId", "SessionId",
		"To", "Properties")
	f := &broker.CorrelationFilter{
		ContentType: r.text(at, o, "ContentType"), CorrelationID: r.text(at, o, "CorrelationId"), Subject: r.text(at, o, "Label"),
		MessageID: r.text(at, o, "MessageId"), ReplyTo: r.text(at, o, "ReplyTo"), SessionID: r.text(at, o, "SessionId"),
		ReplyToSessionID: r.text(at, o, "ReplyToSessionId"), To: r.text(at, o, "To"),
	}
	// Some tools write the names that the SDKs have today.
	f.Subject, f.To = cmp.Or(f.Subject, r.text(at, o, "Subject")), cmp.Or(f.To, r.text(at, o, "SendTo"))
	switch properties := o["Properties"].(type) {
	case nil:
	case map[string]any:
		f.Properties = map[string]any{}
		for name, value := range properties {
			switch value.(type) {
			case string, bool, float64:
				f.Properties[name] = value
			default:
				r.fault(at+".Properties."+name, "it is no text, number or truth value", "write one")
			}
		}
	default:
		r.fault(at+".Properties", "it is no object", "write {…}")
	}
	return f
}
