package infra_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// busMetrics are the metrics of a namespace that are used here, from Azure's "supported metrics for
// Microsoft.ServiceBus/namespaces". The first four have the dimension EntityName, which is a queue or a topic, never a
// subscription.
var busMetrics = []string{"DeadletteredMessages", "ActiveMessages", "ScheduledMessages", "Size", "ThrottledRequests", "ServerErrors"}

// groupOf returns the action group that a rule of either kind names, by its name.
func groupsOf(d *deployment, r resource) (names []string, unknown []string) {
	var ids []any
	for i := 0; r.property("actions", i, "actionGroupId") != nil; i++ {
		ids = append(ids, r.property("actions", i, "actionGroupId"))
	}
	if list, ok := r.property("actions", "actionGroups").([]any); ok {
		ids = append(ids, list...)
	}
	for _, id := range ids {
		if !d.has(fmt.Sprint(id)) {
			unknown = append(unknown, fmt.Sprint(id))
		}
		names = append(names, path.Base(fmt.Sprint(id)))
	}
	return names, unknown
}

// checkAlerts wants every queue watched for its team, and every rule about something that exists.
func checkAlerts(w *world, d *deployment) (f faults) {
	watched := map[string]string{} // "metric queue" → action group
	for _, r := range d.all("Insights/metricAlerts") {
		f.want(r.property("scopes", 0) == d.one(bus).id() && r.property("enabled") == true, "%s looks at something that isn't deployed", r.name())
		criterion, _ := r.property("criteria", "allOf", 0).(map[string]any)
		metric := fmt.Sprint(criterion["metricName"])
		f.want(slices.Contains(busMetrics, metric), "%s: Service Bus has no metric %s", r.name(), metric)
		groups, _ := groupsOf(d, r)
		f.want(len(groups) == 1, "%s tells %d teams", r.name(), len(groups))
		dimensions, _ := criterion["dimensions"].([]any)
		for _, dimension := range dimensions {
			of, _ := dimension.(map[string]any)
			f.want(of["name"] == "EntityName", "%s: dimension %v", r.name(), of["name"])
			entities, _ := of["values"].([]any)
			for _, entity := range entities {
				name := fmt.Sprint(entity)
				f.want(d.named(bus+"/queues", name) != nil || d.named(bus+"/topics", name) != nil, "%s is about %v, which isn't deployed", r.name(), entity)
				watched[metric+" "+name] = strings.Join(groups, " ")
			}
		}
	}
	for queue, team := range w.queueTeams() {
		for _, metric := range []string{"DeadletteredMessages", "ActiveMessages"} {
			f.want(watched[metric+" "+queue] == "crosswalk-"+team, "%s of queue %s: %q is told, not team %s", metric, queue, watched[metric+" "+queue], team)
		}
	}
	// What nobody asks for stays in the topic, where no queue's alert sees it.
	topic := d.one(bus + "/topics").name()
	f.want(watched["Size "+topic] == "crosswalk-platform", "nobody is told that topic %s fills up", topic)
	for _, r := range d.all("Insights/scheduledQueryRules") {
		f.want(r.property("scopes", 0) == d.one("OperationalInsights/workspaces").id() && r.property("enabled") == true, "%s looks at something that isn't deployed", r.name())
		for _, fault := range faultsOfQuery(w, fmt.Sprint(r.property("criteria", "allOf", 0, "query"))) {
			f.add("%s: %s", r.name(), fault)
		}
	}
	for _, name := range []string{"needs-a-person", "abandoned", "handler-ends", "nothing-runs", "daily-cap"} {
		f.want(d.named("Insights/scheduledQueryRules", name) != nil, "the alert %s is missing", name)
	}
	f = append(f, teamAlerts(w, d)...)
	for _, kind := range []string{"Insights/metricAlerts", "Insights/scheduledQueryRules"} {
		for _, r := range d.all(kind) {
			groups, unknown := groupsOf(d, r)
			f.want(len(groups) > 0 && len(unknown) == 0, "%s tells nobody, or %v, which isn't deployed", r.name(), unknown)
			f.want(fmt.Sprint(r.property("description")) != "", "%s doesn't say what to do", r.name())
		}
	}
	return append(f, certificateAlert(d)...)
}

// teamAlerts wants each function's failures and throttled calls told to exactly one team: that of its contract, or the platform.
func teamAlerts(w *world, d *deployment) (f faults) {
	for name, fn := range w.functions {
		team := fn.team
		if team == "" {
			team = "platform"
		}
		kinds := []string{"function-failures-", "throttled-by-a-system-"}
		if fn.team != "" {
			kinds = append(kinds, "misconfigured-")
		}
		for _, kind := range kinds {
			rule := d.named("Insights/scheduledQueryRules", kind+team)
			if rule == nil {
				f.add("the alert %s%s is missing", kind, team)
				continue
			}
			groups, _ := groupsOf(d, rule)
			f.want(slices.Equal(groups, []string{"crosswalk-" + team}), "%s tells %v", rule.name(), groups)
			query := fmt.Sprint(rule.property("criteria", "allOf", 0, "query"))
			listed := strings.Contains(query, `"`+name+`"`)
			f.want(listed != strings.Contains(query, "!in ("), "%s leaves out %s", rule.name(), name)
		}
	}
	return f
}

// certificateAlert wants an alert on the certificate exactly where there is one.
func certificateAlert(d *deployment) (f faults) {
	if d.appSettings()["ENTRA_CERTIFICATE_VAULT"] == "" {
		f.want(len(d.all("EventGrid/systemTopics")) == 0, "there is no certificate, and its expiry is watched")
		return f
	}
	f.want(d.one("EventGrid/systemTopics").property("source") == d.one("KeyVault/vaults").id(), "nobody listens to Key Vault")
	subscription := d.one("EventGrid/systemTopics/eventSubscriptions")
	events, _ := subscription.property("filter", "includedEventTypes").([]any)
	f.want(slices.Contains(events, any("Microsoft.KeyVault.CertificateNearExpiry")), "nobody is told that the certificate is about to expire")
	f.want(subscription.property("destination", "endpointType") == "MonitorAlert" && subscription.property("eventDeliverySchema") == "CloudEventSchemaV1_0",
		"Azure Monitor takes events as CloudEvents only")
	f.want(d.has(fmt.Sprint(subscription.property("destination", "properties", "actionGroups", 0))), "the certificate's alert tells nobody")
	return f
}

// checkTeams wants an action group with somebody in it for each team of a contract and for the platform.
func checkTeams(w *world, d *deployment) (f faults) {
	teams := map[string]bool{"platform": true}
	for _, fn := range w.functions {
		if fn.team != "" {
			teams[fn.team] = true
		}
	}
	for team := range teams {
		group := d.named("Insights/actionGroups", "crosswalk-"+team)
		if group == nil {
			f.add("team %s has no action group", team)
			continue
		}
		to, _ := group.property("emailReceivers").([]any)
		f.want(len(to) > 0 && group.property("enabled") == true, "nobody in team %s is told", team)
		short := fmt.Sprint(group.property("groupShortName"))
		f.want(len(short) >= 1 && len(short) <= 12, "the short name %q of team %s isn't 1 to 12 characters", short, team)
	}
	for _, group := range d.all("Insights/actionGroups") {
		f.want(teams[strings.TrimPrefix(group.name(), "crosswalk-")], "action group %s is of a team that no contract names", group.name())
	}
	return f
}

// checkWorkbook wants every query, chart and link of the workbook to lead to something that exists.
func checkWorkbook(w *world, d *deployment) (f faults) {
	book := d.one("Insights/workbooks")
	var page struct {
		Items []struct {
			Type    int            `json:"type"`
			Name    string         `json:"name"`
			Content map[string]any `json:"content"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(book.propertyText("serializedData")), &page); err != nil {
		f.add("the workbook's data: %v", err)
		return f
	}
	f.want(d.has(fmt.Sprint(book.property("sourceId"))), "the workbook belongs to nothing that is deployed")
	links := map[string]bool{}
	charts := map[string]bool{}
	for _, item := range page.Items {
		content := resource{"properties": item.Content}
		switch item.Type {
		case 1:
			for _, fault := range faultsOfLinks(d, fmt.Sprint(item.Content["json"]), links) {
				f.add("%s: %s", item.Name, fault)
			}
		case 3:
			for _, fault := range faultsOfQuery(w, fmt.Sprint(item.Content["query"])) {
				f.add("%s: %s", item.Name, fault)
			}
			f.want(d.has(fmt.Sprint(content.property("crossComponentResources", 0))), "%s asks something that isn't deployed", item.Name)
		case 10:
			metric := strings.TrimPrefix(fmt.Sprint(content.property("metrics", 0, "metric")), "microsoft.servicebus/namespaces--")
			f.want(slices.Contains(busMetrics, metric), "%s: Service Bus has no metric %s", item.Name, metric)
			f.want(d.has(fmt.Sprint(content.property("resourceIds", 0))), "%s charts something that isn't deployed", item.Name)
			queues, _ := content.property("filters", 0, "values").([]any)
			for _, queue := range queues {
				f.want(d.named(bus+"/queues", fmt.Sprint(queue)) != nil, "%s charts queue %v, which isn't deployed", item.Name, queue)
			}
			f.want(len(queues) == len(d.all(bus+"/queues")), "%s shows %d queues", item.Name, len(queues))
			charts[metric] = true
		}
	}
	f.want(charts["DeadletteredMessages"], "dead letters aren't shown")
	for queue := range w.queueTeams() {
		f.want(links[queue], "queue %s has no link", queue)
	}
	return f
}

// propertyText returns a text below properties.
func (r resource) propertyText(key string) string { s, _ := r.property(key).(string); return s }

var (
	linkTarget  = regexp.MustCompile(`\]\(([^)]+)\)`)
	catalogPage = regexp.MustCompile(`flows/([\w-]+\.md)`)
)

// faultsOfLinks follows the links of a text: those into the portal to resources, which it adds to found by name, the others to
// pages of the catalog.
func faultsOfLinks(d *deployment, markdown string, found map[string]bool) (f faults) {
	for _, m := range linkTarget.FindAllStringSubmatch(markdown, -1) {
		id, portal := strings.CutPrefix(m[1], "https://portal.azure.com/#resource")
		if !portal {
			f.want(catalogPage.MatchString(m[1]), "%s leads nowhere that is known", m[1])
			continue
		}
		id = strings.TrimSuffix(id, "/overview")
		f.want(d.has(id), "a link leads to %s, which isn't deployed", id)
		found[path.Base(id)] = true
	}
	for _, m := range catalogPage.FindAllStringSubmatch(markdown, -1) {
		_, err := os.Stat("../docs/catalog/flows/" + m[1])
		f.want(err == nil, "the catalog has no page %s", m[1])
	}
	return f
}

func TestEveryAlertOfAMetricIsOneOfServiceBus(t *testing.T) {
	for name, d := range deployments(t) {
		if n := len(d.all("Insights/metricAlerts")); n != 2*len(d.all(bus+"/queues"))+3 {
			t.Errorf("%s: %d rules on metrics", name, n)
		}
	}
}
