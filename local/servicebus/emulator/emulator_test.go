package emulator_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/emulator"
)

func TestParse(t *testing.T) {
	data, err := os.ReadFile("testdata/Config.json")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := emulator.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	want := &servicebus.Entities{
		Queues: []servicebus.Queue{
			{Name: "orders", QueueProperties: broker.QueueProperties{
				LockDuration: 30 * time.Second, DefaultTTL: time.Hour, MaxDeliveryCount: 3, DuplicateDetection: 20 * time.Second,
				DeadLetterOnExpiry: true, ForwardDeadLetteredTo: "failed",
			}},
			{Name: "failed"},
			{Name: "steps", QueueProperties: broker.QueueProperties{RequiresSession: true}},
		},
		Topics: []servicebus.Topic{{Name: "news", TopicProperties: broker.TopicProperties{DefaultTTL: time.Hour}}},
		Subscriptions: []servicebus.Subscription{
			{Topic: "news", Name: "some", SubscriptionProperties: broker.SubscriptionProperties{
				LockDuration: time.Minute, MaxDeliveryCount: 3, ForwardTo: "orders",
				Rules: []broker.Rule{
					{Name: "by-property", Correlation: &broker.CorrelationFilter{
						ContentType: "application/json", Subject: "sport", Properties: map[string]any{"region": "north"},
					}},
					{Name: "by-sql", SQL: "sys.MessageId = '123456' AND userProp1 = 'value1'", Action: "SET sys.To = 'Entity'"},
				},
			}},
			{Topic: "news", Name: "all"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !emulator.Is(data) || emulator.Is([]byte(`{"topic":{}}`)) {
		t.Error("the form isn't recognised")
	}
	// A broker takes them, also a second time from its folder.
	dir := t.TempDir()
	for range 2 {
		s, err := servicebus.Start(servicebus.Options{Entities: got, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if rules, err := s.Broker().Rules("news/Subscriptions/some"); err != nil || len(rules) != 2 {
			t.Errorf("%d rules, %v", len(rules), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFaults gives one fault at a time and wants its place and its fix.
func TestFaults(t *testing.T) {
	data, err := os.ReadFile("testdata/Config.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"PT30S"`, `"30 seconds"`, `UserConfig.Namespaces[0].Queues[0].Properties.LockDuration: it is no ISO 8601 duration (fix: write one such as PT1M`},
		{`"PT30S"`, `"PT6M"`, "Queues[0].Properties.LockDuration: a lock lasts five minutes at most (fix: write PT5M"},
		{`"MaxDeliveryCount": 3,`, `"MaxDeliveryCount": "3",`, "Queues[0].Properties.MaxDeliveryCount: it is no whole number"},
		{`"RequiresDuplicateDetection": true`, `"RequiresDuplicateDetection": "yes"`, "RequiresDuplicateDetection: it is neither true nor false (fix:"},
		{`"LockDuration": "PT30S"`, `"LockTime": "PT30S"`, "Properties.LockTime: it is unknown here (fix: remove it, or write one of DeadLettering"},
		{`"ForwardDeadLetteredMessagesTo": "failed"`, `"ForwardDeadLetteredMessagesTo": "nowhere"`, `ForwardDeadLetteredMessagesTo: there is no queue or topic "nowhere" (fix:`},
		{`"Name": "failed"`, `"Name": "ORDERS"`, `Queues[1].Name: "ORDERS" is there twice`},
		{`"Name": "news"`, `"Name": ""`, "Topics[0].Name: it is missing (fix:"},
		{`"FilterType": "Sql"`, `"FilterType": "Regex"`, `Rules[1].Properties.FilterType: "regex" is unknown (fix: write Sql or Correlation)`},
		{`sys.MessageId = '123456'`, `sys.MessageId = `, "Rules[1].Properties: "},
		{`"Queues": [`, `"Queues": 1, "Queue": [`, "UserConfig.Namespaces[0].Queue: it is unknown here"},
		{`"Logging"`, `"Namespaces"`, "no JSON"},
	} {
		broken := strings.Replace(string(data), c.old, c.new, 1)
		if broken == string(data) {
			t.Fatalf("%s isn't in the file", c.old)
		}
		if _, _, err := emulator.Parse([]byte(broken)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.new, err, c.want)
		}
	}
	if _, _, err := emulator.Parse([]byte(`{"UserConfig":{}}`)); err == nil {
		t.Error("a file without entities is no error")
	}
}

// What other tools write is read: a byte order mark, today's names, and fields that mean nothing to this broker.
func TestParseWhatToolsWrite(t *testing.T) {
	text := "\xef\xbb\xbf" + `{"UserConfig":{"Namespaces":[{"Name":"n","Properties":{},"Queues":[{"Name":"q","Properties":{"AutoDeleteOnIdle":"PT5M","MaxDeliveryCount":3}}],
		"Topics":[{"Name":"t","Properties":{"SupportOrdering":true},"Subscriptions":[{"Name":"s","Properties":{"EnableBatchedOperations":true},"Rules":[
			{"Name":"c","Properties":{"FilterType":"CorrelationFilter","CorrelationFilter":{"Subject":"x","SendTo":"y"}}},
			{"Name":"q","Properties":{"FilterType":"SqlFilter","SqlFilter":{"SqlExpression":"1=1","CompatibilityLevel":20}}}]}]}]}]}}`
	if !emulator.Is([]byte(text)) {
		t.Error("it isn't known as a Config.json")
	}
	got, notes, err := emulator.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rules := got.Subscriptions[0].Rules
	if c := rules[0].Correlation; c == nil || c.Subject != "x" || c.To != "y" || rules[1].SQL != "1=1" || got.Queues[0].MaxDeliveryCount != 3 {
		t.Errorf("read %+v", got)
	}
	want := []string{
		"UserConfig.Namespaces[0].Queues[0].Properties.AutoDeleteOnIdle has no effect here",
		"UserConfig.Namespaces[0].Topics[0].Properties.SupportOrdering has no effect here",
		"UserConfig.Namespaces[0].Topics[0].Subscriptions[0].Properties.EnableBatchedOperations has no effect here",
		"UserConfig.Namespaces[0].Topics[0].Subscriptions[0].Rules[1].Properties.SqlFilter.CompatibilityLevel has no effect here",
	}
	if !slices.Equal(notes, want) {
		t.Errorf("notes %q\nwant  %q", notes, want)
	}
}
