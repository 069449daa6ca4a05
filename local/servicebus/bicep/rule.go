package bicep

import (
	"fmt"
	"strings"

	"crosswalk/local/servicebus/broker"
)

const defaultRule = broker.DefaultRuleName

// expression is a SQL filter or action.
type expression struct {
	SQLExpression         string `json:"sqlExpression"`
	CompatibilityLevel    int    `json:"compatibilityLevel"`
	RequiresPreprocessing bool   `json:"requiresPreprocessing"`
}

// correlation is a filter by equality.
type correlation struct {
	ContentType           string         `json:"contentType"`
	CorrelationID         string         `json:"correlationId"`
	Label                 string         `json:"label"`
	MessageID             string         `json:"messageId"`
	ReplyTo               string         `json:"replyTo"`
	ReplyToSessionID      string         `json:"replyToSessionId"`
	SessionID             string         `json:"sessionId"`
	To                    string         `json:"to"`
	Properties            map[string]any `json:"properties"`
	RequiresPreprocessing bool           `json:"requiresPreprocessing"`
}

func (r *reader) readRule(res resource, subscription, name string) {
	var p struct {
		FilterType        string       `json:"filterType"`
		SQLFilter         *expression  `json:"sqlFilter"`
		CorrelationFilter *correlation `json:"correlationFilter"`
		Action            *expression  `json:"action"`
	}
	if !r.decode(res.at+": properties", res.Properties, &p) {
		return
	}
	at, ok := r.rules[strings.ToLower(subscription)]
	if !ok {
		r.fault(res.at, fmt.Sprintf("there is no subscription %q", subscription), "take a snapshot with the whole namespace")
		return
	}
	rule := broker.Rule{Name: name}
	if p.Action != nil {
		rule.Action = p.Action.SQLExpression
	}
	switch {
	case strings.EqualFold(p.FilterType, "SqlFilter") && p.SQLFilter != nil && p.SQLFilter.SQLExpression != "" && p.CorrelationFilter == nil:
		rule.SQL = p.SQLFilter.SQLExpression
	case strings.EqualFold(p.FilterType, "CorrelationFilter") && p.CorrelationFilter != nil && p.SQLFilter == nil:
		f := p.CorrelationFilter
		rule.Correlation = &broker.CorrelationFilter{
			CorrelationID: f.CorrelationID, MessageID: f.MessageID, To: f.To, ReplyTo: f.ReplyTo, Subject: f.Label, SessionID: f.SessionID,
			ReplyToSessionID: f.ReplyToSessionID, ContentType: f.ContentType, Properties: f.Properties,
		}
	default:
		r.fault(res.at+": properties.filterType", "Azure takes the filter that filterType names, and no other", "write SqlFilter with sqlFilter, or CorrelationFilter with correlationFilter")
		return
	}
	if err := broker.CheckRule(rule); err != nil {
		r.fault(res.at, err.Error(), "correct the expression")
	}
	s := &r.namespace.Entities.Subscriptions[at]
	s.Rules = append(s.Rules, rule)
}
