package deployment

import (
	"context"
	"fmt"
	"strings"

	"crosswalk/shared/topology"
)

// Bus says which namespace to look at.
type Bus struct{ Subscription, ResourceGroup, Namespace string }

// rule is one of a subscription, as `az servicebus topic subscription rule list` shows it.
type rule struct {
	Name       string `json:"name"`
	FilterType string `json:"filterType"`
	SQL        *struct {
		Expression string `json:"sqlExpression"`
	} `json:"sqlFilter"`
}

// takesAll is how Azure shows the filter of the rule that it makes itself.
const takesAll = "1=1"

// CheckRules compares the rules that subscriptions have in Azure with the topology's and returns a line for each difference.
// One that takes everything is the worst: the function gets every event. An error means that it couldn't be asked.
func CheckRules(ctx context.Context, c Commands, bus Bus, t *topology.Topology) ([]string, error) {
	var out []string
	for _, s := range t.Entities().Subscriptions {
		var have []rule
		args := []string{
			"servicebus", "topic", "subscription", "rule", "list", "--resource-group", bus.ResourceGroup, "--namespace-name", bus.Namespace,
			"--topic-name", t.Topic.Name, "--subscription-name", s.Name,
		}
		if bus.Subscription != "" {
			args = append(args, "--subscription", bus.Subscription)
		}
		if err := ask(ctx, c, &have, "az", args...); err != nil {
			return nil, err
		}
		out = append(out, compare(t.Topic.Name+"/"+s.Name, s.Filters, have)...)
	}
	return out, nil
}

func compare(subscription string, want []topology.Filter, have []rule) []string {
	var out []string
	report := func(format string, args ...any) {
		out = append(out, "subscription "+subscription+": "+fmt.Sprintf(format, args...))
	}
	wanted := map[string]string{}
	for _, f := range want {
		wanted[strings.ToLower(f.Name)] = f.SQL
	}
	for _, r := range have {
		sql, ok := wanted[strings.ToLower(r.Name)]
		delete(wanted, strings.ToLower(r.Name))
		switch {
		case r.takesAll():
			report("rule %s takes everything; its queue gets every event (fix: azd provision, and if it stays, delete the rule)", r.Name)
		case !ok:
			report("rule %s isn't in the topology (fix: delete it, or add it to shared/topology/topology.json)", r.Name)
		case r.SQL == nil || r.SQL.Expression != sql:
			report("rule %s isn't the topology's, %s (fix: azd provision)", r.Name, sql)
		}
	}
	for _, f := range want {
		if _, missing := wanted[strings.ToLower(f.Name)]; missing {
			report("rule %s is missing: %s (fix: azd provision)", f.Name, f.SQL)
		}
	}
	return out
}

func (r rule) takesAll() bool {
	return r.SQL != nil && strings.ReplaceAll(r.SQL.Expression, " ", "") == takesAll
}
