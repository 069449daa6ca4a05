package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
	"github.com/google/uuid"
)

// The questions of a passage.
const (
	published = "what Dataverse sends to its queue is received and published as a CloudEvent"
	worked    = "the event reaches its function, which asks Dataverse with its own identity"
)

// passage sends one event all the way: an update of a row that doesn't exist. The flow reads the row, finds nothing, and is
// done, so nothing is written.
func (d *Deployment) passage(ctx context.Context) []Finding {
	if d.RowFlow == "" || d.Admin == nil {
		return []Finding{unknown(worked, "have a flow that reads rows of Dataverse, and the right to manage Service Bus", "no event can be sent that writes nothing")}
	}
	row := uuid.NewString()
	watcher, err := d.watch(ctx, row)
	if err != nil {
		return []Finding{unknown(published, "give the right to manage (Azure Service Bus Data Owner)", "no subscription can be made to watch with (%T)", err)}
	}
	defer watcher.close()
	body, err := updateOf(d.RowTable, row)
	if err != nil {
		return []Finding{failed(published, "", "%v", err)}
	}
	if err := d.send(ctx, dataverseQueue, &azservicebus.Message{Body: body, ContentType: new("application/json")}); err != nil {
		return []Finding{failed(published, "see that you may send to queue "+dataverseQueue, "the event can't be sent (%T)", err)}
	}
	id, err := watcher.event(ctx)
	if id == "" {
		return []Finding{failed(published, "look at the log of the function that reads queue "+dataverseQueue+", and into that queue's dead letters",
			"nothing was published within %s (%v)", d.Patience, err)}
	}
	return []Finding{held(published, "event %s", id), d.worked(ctx, id)}
}

// dataverseQueue is the queue that Dataverse's service endpoint sends to.
const dataverseQueue = "dataverse-events"

// quiet is in how many looks, one after the other, an event must be missing to count as done.
const quiet = 4

// worked follows the event through the flow's queue.
func (d *Deployment) worked(ctx context.Context, id string) Finding {
	var waiting string
	absent := 0
	done, err := d.await(ctx, func(ctx context.Context) (bool, error) {
		dead, err := d.take(ctx, d.RowFlow, id)
		if err != nil {
			return false, err
		}
		if dead != nil {
			waiting = "dead-lettered: " + text(dead.DeadLetterReason) + ": " + text(dead.DeadLetterErrorDescription)
			return true, nil
		}
		receiver, err := d.Bus.NewReceiverForQueue(d.RowFlow, nil)
		if err != nil {
			return false, err
		}
		defer func() { _ = receiver.Close(context.WithoutCancel(ctx)) }()
		m, err := d.peek(ctx, receiver, id)
		switch {
		case err != nil:
			return false, err
		case m == nil: // done, or on its way from the topic
			waiting, absent = "", absent+1
			return absent == quiet, nil
		}
		absent = 0
		waiting = "still in the queue, untouched: the function doesn't take it"
		if m.ScheduledEnqueueTime != nil {
			waiting = "put off: the function could not read from Dataverse and comes back to it later"
		}
		return false, nil
	})
	switch {
	case err != nil:
		return unknown(worked, "see that you may listen to queue "+d.RowFlow, "the queue can't be looked into (%T)", err)
	case done && waiting == "":
		return held(worked, "it has left queue %s, and isn't among its dead letters", d.RowFlow)
	}
	return failed(worked, "look at the log of function "+d.RowFlow+"; is Crosswalk an application user in Dataverse (crosswalk register)?", "it was %s", waiting)
}

// updateOf is a RemoteExecutionContext of an update, as a service endpoint with format JSON sends it, cut to what a receiver
// reads.
func updateOf(table, row string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"MessageName": "Update", "PrimaryEntityName": table, "PrimaryEntityId": row, "OrganizationId": uuid.NewString(),
		"OperationId": uuid.NewString(), "CorrelationId": uuid.NewString(), "RequestId": uuid.NewString(), "Stage": 40, "Mode": 1, "Depth": 1,
		"OrganizationName": "crosswalk-verify", "OperationCreatedOn": "/Date(1767225600000)/",
		"OwningExtension": map[string]any{"Id": uuid.NewString(), "LogicalName": "sdkmessageprocessingstep", "Name": "crosswalk verify"},
		"InputParameters": []any{map[string]any{"key": "Target", "value": map[string]any{
			"__type": "Entity:http://schemas.microsoft.com/xrm/2011/Contracts", "Id": row, "LogicalName": table, "Attributes": []any{},
		}}},
		"PreEntityImages": []any{}, "PostEntityImages": []any{}, "OutputParameters": []any{}, "SharedVariables": []any{},
	})
}

// watcher is a subscription of our own, for one event.
type watcher struct {
	d        *Deployment
	name     string
	receiver *azservicebus.Receiver
}

// watcherPrefix begins the name of a subscription that verify makes for a moment.
const watcherPrefix = "verify-"

// watch makes a subscription that gets only what is about this row. It goes away by itself where close can't remove it.
func (d *Deployment) watch(ctx context.Context, row string) (*watcher, error) {
	w := &watcher{d: d, name: watcherPrefix + row}
	topic := d.Topology.Topic.Name
	subject := strings.ToLower(d.RowTable + "/" + row)
	_, err := d.Admin.CreateSubscription(ctx, topic, w.name, &admin.CreateSubscriptionOptions{Properties: &admin.SubscriptionProperties{
		AutoDeleteOnIdle: new("PT5M"),
		DefaultRule: &admin.RuleProperties{Name: "$Default", Filter: &admin.SQLFilter{
			Expression: fmt.Sprintf("[cloudEvents:subject] = '%s'", strings.ReplaceAll(subject, "'", "''")),
		}},
	}})
	if err != nil {
		return nil, err
	}
	if w.receiver, err = d.Bus.NewReceiverForSubscription(topic, w.name, &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete}); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// event waits for the event and returns its id.
func (w *watcher) event(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, w.d.Patience)
	defer cancel()
	messages, err := w.receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil || len(messages) == 0 {
		return "", err
	}
	id, _ := messages[0].ApplicationProperties["cloudEvents:id"].(string)
	return id, nil
}

func (w *watcher) close() {
	ctx, cancel := context.WithTimeout(context.Background(), w.d.Patience)
	defer cancel()
	if w.receiver != nil {
		_ = w.receiver.Close(ctx)
	}
	_, _ = w.d.Admin.DeleteSubscription(ctx, w.d.Topology.Topic.Name, w.name, nil) // it goes by itself after five idle minutes
}
