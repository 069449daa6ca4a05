package infra_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosswalk/shared/topology"
)

const bus = "ServiceBus/namespaces"

// checkEntities compares queues, topic, subscriptions and rules with the topology: the same ones, with the same properties
// and no others.
func checkEntities(w *world, d *deployment) faults { return entitiesAre(w.topology, d) }

func entitiesAre(t *topology.Topology, d *deployment) (f faults) {
	want := map[string]map[string]any{t.Topic.Name: {
		"requiresDuplicateDetection": true, "duplicateDetectionHistoryTimeWindow": duration(t.Topic.DuplicateDetection),
	}}
	entities := t.Entities()
	for _, q := range entities.Queues {
		want[q.Name] = map[string]any{
			"lockDuration": duration(q.LockDuration), "maxDeliveryCount": float64(q.MaxDeliveryCount),
			"deadLetteringOnMessageExpiration": true, "requiresDuplicateDetection": false, "requiresSession": false,
		}
	}
	for _, s := range entities.Subscriptions {
		p := map[string]any{
			"lockDuration": duration(s.LockDuration), "maxDeliveryCount": float64(s.MaxDeliveryCount),
			"deadLetteringOnMessageExpiration": true, "deadLetteringOnFilterEvaluationExceptions": true, "requiresSession": false,
		}
		if s.ForwardTo != "" {
			p["forwardTo"] = s.ForwardTo
		}
		want[t.Topic.Name+"/"+s.Name] = p
		for _, rule := range s.Filters {
			want[t.Topic.Name+"/"+s.Name+"/"+rule.Name] = map[string]any{
				"filterType": "SqlFilter", "sqlFilter": map[string]any{"sqlExpression": rule.SQL},
			}
		}
	}
	got := map[string]map[string]any{}
	for _, kind := range []string{"/queues", "/topics", "/topics/subscriptions", "/topics/subscriptions/rules"} {
		for _, r := range d.all(bus + kind) {
			_, name, _ := strings.Cut(r.text("name"), "/")
			got[name], _ = r.property().(map[string]any)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.add("the entities are not those of shared/topology/topology.json (fix: make snapshots) (-want +got):\n%s", diff)
	}
	return f
}

// duration returns a duration as topology.json writes it: in one unit, the largest that it is a whole number of.
func duration(d topology.Duration) string {
	switch v := time.Duration(d); {
	case v%time.Hour == 0:
		return fmt.Sprintf("PT%dH", v/time.Hour)
	case v%time.Minute == 0:
		return fmt.Sprintf("PT%dM", v/time.Minute)
	default:
		return fmt.Sprintf("PT%dS", v/time.Second)
	}
}

// Names, quotes, wildcards and escapes that the built-in topology doesn't have give the same rules in Bicep as in Go.
func TestOddTopologiesGiveTheSameEntities(t *testing.T) {
	data, err := os.ReadFile("test/odd-topology.json")
	if err != nil {
		t.Fatal(err)
	}
	odd, err := topology.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	d := readSnapshot(t, "rules")
	for _, fault := range entitiesAre(odd, d) {
		t.Error(fault)
	}
	rules := d.all(bus + "/topics/subscriptions/rules")
	rules[len(rules)-1].property("sqlFilter").(map[string]any)["sqlExpression"] = "1=1"
	if len(entitiesAre(odd, d)) == 0 {
		t.Error("another rule makes no difference")
	}
}

// maxHops is how often Service Bus forwards a message on before it gives up.
const maxHops = 4

// checkForwarding follows every forward to its end.
func checkForwarding(_ *world, d *deployment) (f faults) {
	next := map[string]string{}
	sessions := map[string]bool{}
	for _, kind := range []string{"/queues", "/topics/subscriptions"} {
		for _, r := range d.all(bus + kind) {
			_, name, _ := strings.Cut(r.text("name"), "/")
			sessions[name] = r.property("requiresSession") == true
			for _, key := range []string{"forwardTo", "forwardDeadLetteredMessagesTo"} {
				to, _ := r.property(key).(string)
				if to == "" {
					continue
				}
				f.want(d.named(bus+"/queues", to) != nil || d.named(bus+"/topics", to) != nil, "%s: %s names %q, which isn't deployed", name, key, to)
				f.want(!sessions[name], "%s has sessions, so it can't forward", name)
				if key == "forwardTo" {
					next[name] = to
				}
			}
		}
	}
	for start := range next {
		hops := 0
		for at := start; next[at] != "" && hops <= maxHops; at = next[at] {
			hops++
		}
		f.want(hops <= maxHops, "%s: messages are forwarded in a circle or more than %d times", start, maxHops)
	}
	return f
}

// checkLimits holds the numbers to what Service Bus and Azure Monitor accept.
func checkLimits(_ *world, d *deployment) (f faults) {
	bounded := func(r resource, key string, least, most time.Duration) {
		text, _ := r.property(key).(string)
		var v topology.Duration
		if err := v.UnmarshalText([]byte(text)); err != nil {
			f.add("%s: %s: %v", r.name(), key, err)
			return
		}
		f.want(time.Duration(v) >= least && time.Duration(v) <= most, "%s: %s is %s, allowed are %v to %v", r.name(), key, text, least, most)
	}
	for _, kind := range []string{"/queues", "/topics/subscriptions"} {
		for _, r := range d.all(bus + kind) {
			bounded(r, "lockDuration", time.Second, 5*time.Minute)
			n, _ := r.property("maxDeliveryCount").(float64)
			f.want(n >= 1 && n <= 2000, "%s: maxDeliveryCount is %v, allowed are 1 to 2000", r.name(), n)
		}
	}
	for _, r := range d.all(bus + "/topics") {
		bounded(r, "duplicateDetectionHistoryTimeWindow", 20*time.Second, 7*24*time.Hour)
	}
	for _, kind := range []string{"Insights/metricAlerts", "Insights/scheduledQueryRules"} {
		for _, r := range d.all(kind) {
			bounded(r, "windowSize", 5*time.Minute, 24*time.Hour)
			bounded(r, "evaluationFrequency", time.Minute, time.Hour)
			var window, frequency topology.Duration
			_ = window.UnmarshalText([]byte(fmt.Sprint(r.property("windowSize"))))
			_ = frequency.UnmarshalText([]byte(fmt.Sprint(r.property("evaluationFrequency"))))
			f.want(window >= frequency, "%s looks every %v at the last %v only", r.name(), time.Duration(frequency), time.Duration(window))
		}
	}
	return f
}
