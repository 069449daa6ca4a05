package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"crosswalk/shared/topology"
)

// entities asks whether Service Bus has what the topology says: queues, subscriptions with where they forward to, and rules.
func (d *Deployment) entities(ctx context.Context) []Finding {
	const (
		fix       = "deploy the infrastructure again: azd provision"
		queues    = "Service Bus has every queue, with its lock and its deliveries"
		forwards  = "each subscription forwards to the queue of its function"
		filtering = "each subscription has exactly its rules, and no $Default that lets everything pass"
		surplus   = "Service Bus has no queue and no subscription of a flow that is gone"
	)
	if d.Admin == nil {
		return []Finding{unknown(filtering, "give the right to manage (Azure Service Bus Data Owner)", "nothing may be listed")}
	}
	want := d.Topology.Entities()
	var badQueues, badForwards, badRules []string
	for _, q := range want.Queues {
		if wrong := d.queue(ctx, q); wrong != "" {
			badQueues = append(badQueues, q.Name+": "+wrong)
		}
	}
	rules := 0
	for _, s := range want.Subscriptions {
		rules += len(s.Filters)
		if wrong := d.subscription(ctx, s); wrong != "" {
			badForwards = append(badForwards, s.Name+": "+wrong)
			continue
		}
		if wrong := d.rules(ctx, s); wrong != "" {
			badRules = append(badRules, s.Name+": "+wrong)
		}
	}
	verdict := func(question string, bad []string, evidence string, n int) Finding {
		if len(bad) > 0 {
			return failed(question, fix, "%s", strings.Join(bad, "; "))
		}
		return held(question, evidence, n)
	}
	return []Finding{
		verdict(queues, badQueues, "%d queues", len(want.Queues)),
		verdict(forwards, badForwards, "%d subscriptions", len(want.Subscriptions)),
		verdict(filtering, badRules, "%d rules", rules),
		d.surplus(ctx, surplus, want),
	}
}

// surplus looks for what a removed flow left: a deployment adds and changes, it never removes. Such a subscription goes on
// filling a queue that nothing reads.
func (d *Deployment) surplus(ctx context.Context, question string, want topology.Entities) Finding {
	var left []string
	for pager := d.Admin.NewListQueuesPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return unknown(question, "give the right to manage (Azure Service Bus Data Owner)", "the queues can't be listed (%T)", err)
		}
		for _, q := range page.Queues {
			if !slices.ContainsFunc(want.Queues, func(w topology.Queue) bool { return strings.EqualFold(w.Name, q.QueueName) }) {
				left = append(left, "queue "+q.QueueName)
			}
		}
	}
	for pager := d.Admin.NewListSubscriptionsPager(d.Topology.Topic.Name, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return unknown(question, "give the right to manage (Azure Service Bus Data Owner)", "the subscriptions can't be listed (%T)", err)
		}
		for _, s := range page.Subscriptions {
			ours := strings.HasPrefix(s.SubscriptionName, watcherPrefix) // somebody else verifies
			if !ours && !slices.ContainsFunc(want.Subscriptions, func(w topology.Subscription) bool { return strings.EqualFold(w.Name, s.SubscriptionName) }) {
				left = append(left, "subscription "+s.SubscriptionName)
			}
		}
	}
	if len(left) > 0 {
		return failed(question, "settle what is in it, then delete the subscription, and the queue after it (docs/operate.md)", "%s", strings.Join(left, ", "))
	}
	return held(question, "nothing but what the topology names")
}

func (d *Deployment) queue(ctx context.Context, want topology.Queue) string {
	got, err := d.Admin.GetQueue(ctx, want.Name, nil)
	switch {
	case err != nil:
		return fmt.Sprintf("can't be read (%T)", err)
	case got == nil:
		return "is missing"
	}
	return settings(want.QueueSettings, got.LockDuration, got.MaxDeliveryCount, got.Status)
}

func (d *Deployment) subscription(ctx context.Context, want topology.Subscription) string {
	got, err := d.Admin.GetSubscription(ctx, d.Topology.Topic.Name, want.Name, nil)
	switch {
	case err != nil:
		return fmt.Sprintf("can't be read (%T)", err)
	case got == nil:
		return "is missing"
	}
	to := ""
	if got.ForwardTo != nil {
		to = (*got.ForwardTo)[strings.LastIndexByte(*got.ForwardTo, '/')+1:] // the service returns an address
	}
	if to != want.ForwardTo {
		return fmt.Sprintf("forwards to %q, not %q", to, want.ForwardTo)
	}
	return settings(want.QueueSettings, got.LockDuration, got.MaxDeliveryCount, got.Status)
}

func settings(want topology.QueueSettings, lock *string, deliveries *int32, status *admin.EntityStatus) string {
	var held topology.Duration
	switch {
	case lock == nil || held.UnmarshalText([]byte(*lock)) != nil || held != want.LockDuration:
		return fmt.Sprintf("its lock isn't %s", time.Duration(want.LockDuration))
	case deliveries == nil || int(*deliveries) != want.MaxDeliveryCount:
		return fmt.Sprintf("it isn't delivered %d times at most", want.MaxDeliveryCount)
	case status != nil && *status != admin.EntityStatusActive:
		return "is " + string(*status)
	}
	return ""
}

// rules compares by name and SQL text, without regard to their order.
func (d *Deployment) rules(ctx context.Context, want topology.Subscription) string {
	var got []topology.Filter
	for pager := d.Admin.NewListRulesPager(d.Topology.Topic.Name, want.Name, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return fmt.Sprintf("its rules can't be read (%T)", err)
		}
		for _, r := range page.Rules {
			f := topology.Filter{Name: r.Name, SQL: fmt.Sprintf("a %T", r.Filter)}
			if sql, ok := r.Filter.(*admin.SQLFilter); ok {
				f.SQL = sql.Expression
			}
			got = append(got, f)
		}
	}
	for _, f := range want.Filters {
		i := slices.Index(got, f)
		if i < 0 {
			return "rule " + f.Name + " is missing or other than " + f.SQL
		}
		got = slices.Delete(got, i, i+1)
	}
	if len(got) > 0 {
		return "rule " + got[0].Name + " is not the topology's"
	}
	return ""
}
