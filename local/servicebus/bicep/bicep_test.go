package bicep_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/bicep"
	"crosswalk/local/servicebus/broker"
)

func snapshot(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "main.snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestEveryPropertyArrives(t *testing.T) {
	got, err := bicep.Parse([]byte(snapshot(t)))
	if err != nil {
		t.Fatal(err)
	}
	want := &bicep.Namespace{
		Name: "sbns-test", Premium: true,
		Entities: servicebus.Entities{
			Queues: []servicebus.Queue{
				{Name: "jobs"},
				{Name: "late", QueueProperties: broker.QueueProperties{
					LockDuration: 30 * time.Second, MaxDeliveryCount: 3, DefaultTTL: 14 * 24 * time.Hour, DeadLetterOnExpiry: true,
					ForwardDeadLetteredTo: "jobs", DuplicateDetection: 10 * time.Minute, MaxSize: 1 << 30, MaxMessageSize: 2 << 20,
				}},
			},
			Topics: []servicebus.Topic{{Name: "news", TopicProperties: broker.TopicProperties{DuplicateDetection: 30 * time.Minute}}},
			Subscriptions: []servicebus.Subscription{
				{Topic: "news", Name: "all", SubscriptionProperties: broker.SubscriptionProperties{RequiresSession: true}},
				{Topic: "news", Name: "some", SubscriptionProperties: broker.SubscriptionProperties{
					ForwardTo: "jobs", DeadLetterOnFilterError: true,
					Rules: []broker.Rule{
						{Name: "$Default", SQL: "[kind] = 'a'", Action: "SET seen = 1"},
						{Name: "labelled", Correlation: &broker.CorrelationFilter{Subject: "b", Properties: map[string]any{"region": "north"}}},
					},
				}},
			},
		},
		Keys: []access.Key{{Name: "both", Rights: access.Send | access.Listen}, {Name: "jobs-send", Rights: access.Send, Scope: "jobs"}},
	}
	byName := cmpopts.SortSlices(func(a, b access.Key) bool { return a.Name < b.Name })
	queues := cmpopts.SortSlices(func(a, b servicebus.Queue) bool { return a.Name > b.Name })
	subscriptions := cmpopts.SortSlices(func(a, b servicebus.Subscription) bool { return a.Name < b.Name })
	if diff := cmp.Diff(want, got, byName, queues, subscriptions, cmpopts.IgnoreFields(access.Key{}, "Key")); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsntUnderstoodIsNamed changes one place of the snapshot at a time.
func TestWhatIsntUnderstoodIsNamed(t *testing.T) {
	good := snapshot(t)
	for _, c := range []struct{ old, new, want string }{
		{`"maxDeliveryCount": 3`, `"maxDeliveryCuont": 3`, "Microsoft.ServiceBus/namespaces/queues sbns-test/late: properties: maxDeliveryCuont: it is unknown here (fix:"},
		{`"maxDeliveryCount": 3`, `"maxDeliveryCount": 2001`, "sbns-test/late: properties.maxDeliveryCount: it isn't between 1 and 2000"},
		{`"maxDeliveryCount": 3`, `"maxDeliveryCount": "[parameters('n')]"`, "sbns-test/late: properties: maxDeliveryCount: its value is of another kind"},
		{`"lockDuration": "PT30S"`, `"lockDuration": "[reference('x').lock]"`, `"[reference('x').lock]" is no ISO 8601 duration`},
		{`"lockDuration": "PT30S"`, `"lockDuration": "PT6M"`, "a lock lasts five minutes at most"},
		{`"forwardTo": "jobs"`, `"forwardTo": "wrok"`, `sbns-test/news/some: properties.forwardTo: there is no queue or topic "wrok"`},
		{`"name": "sbns-test/news/some/$Default"`, `"name": "sbns-test/news/some/first"`, "subscription news/some: it has rules, and none is named $Default"},
		{`"sqlExpression": "[kind] = 'a'"`, `"sqlExpression": "[kind] ="`, "sbns-test/news/some/$Default: "},
		{`"filterType": "SqlFilter"`, `"filterType": "CorrelationFilter"`, "properties.filterType: Azure takes the filter that filterType names"},
		{`"status": "Active"`, `"status": "Asleep"`, `properties.status: "Asleep" is unknown`},
		{`"autoDeleteOnIdle": "P10675199DT2H48M5.4775807S"`, `"autoDeleteOnIdle": "PT1H"`, "properties.autoDeleteOnIdle: the local broker deletes no entity"},
		{`"requiresSession": false`, `"requiresSession": true, "forwardTo": "late"`, "sbns-test/jobs: properties.forwardTo: an entity with sessions can't forward"},
		{`"name": "sbns-test/late"`, `"name": "sbns-other/late"`, `it isn't in namespace "sbns-test"`},
		{`"name": "sbns-test/late"`, `"name": "sbns-test/News"`, `"News" is there twice`},
		{`"type": "Microsoft.ServiceBus/namespaces/AuthorizationRules"`, `"type": "Microsoft.ServiceBus/namespaces/migrationConfigurations"`, "this type is unknown here"},
		{`"name": "Premium"`, `"name": "Standard"`, "properties.maxMessageSizeInKilobytes: Standard has no such setting"},
		{`"name": "Premium"`, `"name": "Basic"`, "Basic has no topics"},
		{`"name": "sbns-test/both"`, `"name": "sbns-test/jobs-send"`, `there is another key named "jobs-send"`},
		{`"apiVersion"`, `"apiVersoin"`, "apiVersoin: it is unknown here"},
		{`Microsoft.ServiceBus`, `Microsoft.Other`, "there is no Microsoft.ServiceBus/namespaces in it"},
		{`{`, ``, "no snapshot of a Bicep deployment"},
	} {
		n := 1
		if c.old == "Microsoft.ServiceBus" {
			n = -1
		}
		changed := strings.Replace(good, c.old, c.new, n)
		if changed == good {
			t.Errorf("the snapshot holds no %s", c.old)
			continue
		}
		if _, err := bicep.Parse([]byte(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s:\n got %v\nwant %s", c.old, c.new, err, c.want)
		}
	}
}

// TestTheKeyOfAQueueSendsThereAlone goes through the real client.
func TestTheKeyOfAQueueSendsThereAlone(t *testing.T) {
	n, err := bicep.Parse([]byte(snapshot(t)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := servicebus.Start(servicebus.Options{Entities: &n.Entities, Keys: n.Keys, Premium: n.Premium})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionStringOf("jobs-send"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(context.Background())
	send := func(entity string) error {
		sender, err := client.NewSender(entity, nil)
		if err != nil {
			t.Fatal(err)
		}
		return sender.SendMessage(ctx, &azservicebus.Message{Body: []byte("x")}, nil)
	}
	if err := send("jobs"); err != nil {
		t.Error(err)
	}
	var refused *azservicebus.Error
	if err := send("late"); !errors.As(err, &refused) || refused.Code != azservicebus.CodeUnauthorizedAccess {
		t.Errorf("sending to another queue: %v", err)
	}
}
