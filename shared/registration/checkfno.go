package registration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"crosswalk/shared/finops"
)

// endpointTypeQueue is F&O's name of an Azure Service Bus queue among endpoint types.
const endpointTypeQueue = "AzureServiceBusQueue"

// all is the legal entity of an activation for all of them. That F&O stores it as a blank one is UNCONFIRMED.
const all = ""

// endpoint is what F&O tells of an endpoint. Its application's secret is never asked for.
type endpoint struct {
	Type                string
	ServiceBusQueueName string
	KeyVaultDnsName     string
	KeyVaultSecretName  string
}

// activation is one business event that is switched on for one endpoint. Which of an event's names BusinessEventsTable holds
// is UNCONFIRMED; the BusinessEventId is taken.
type activation struct {
	Event       string `json:"BusinessEventsTable"`
	LegalEntity string
	Disabled    string
}

// CheckFnO compares F&O with what the contracts need and says what differs, one line each. With apply it switches on the
// business events that are missing or switched off; the endpoint, whose application secret only a person may know, and data
// events, which F&O has no entity for, stay work by hand. It reports how many things are left to do.
func (n *Needs) CheckFnO(ctx context.Context, client *finops.Client, e Environment, apply bool, say func(format string, args ...any)) (left int, err error) {
	todo := func(format string, args ...any) {
		left++
		say("MISSING: "+format, args...)
	}
	if len(n.BusinessEvents) == 0 {
		say("no contract starts with a business event")
	}
	there, err := n.checkEndpoint(ctx, client, e, todo)
	if err != nil {
		return left, err
	}
	var active []activation
	if there {
		rows, err := client.List(ctx, "BusinessEventsConfigurations", []finops.KeyValue{{Name: "BusinessEventsEndpoint_Name", Value: e.Endpoint, Quoted: true}}, []string{"BusinessEventsTable", "LegalEntity", "Disabled"})
		if err != nil {
			return left, err
		}
		for _, r := range rows {
			var a activation
			if err := json.Unmarshal(r.JSON, &a); err != nil {
				return left, errors.New("what F&O says of its active events can't be read")
			}
			active = append(active, a)
		}
	}
	for _, event := range n.BusinessEvents {
		if event.Begins {
			say("look yourself: events whose id begins with %s (needed by %s)", event.ID, strings.Join(event.Flows, ", "))
			continue
		}
		more, err := n.checkEvent(ctx, client, e, event, active, apply && there, say)
		left += more
		if err != nil {
			return left, err
		}
	}
	for _, a := range active {
		if a.Disabled != "Yes" && !slices.ContainsFunc(n.BusinessEvents, func(b BusinessEvent) bool {
			return strings.EqualFold(b.ID, a.Event) || b.Begins && strings.HasPrefix(a.Event, b.ID)
		}) {
			say("not needed: %s%s is sent, and no contract starts with it", a.Event, in(a.LegalEntity))
		}
	}
	for _, d := range n.DataEvents {
		say("look yourself: data event of %s (%s): %s, needed by %s", d.Set, d.Entity, strings.Join(d.Changes, ", "), strings.Join(d.Flows, ", "))
	}
	return left, nil
}

// checkEndpoint says what is wrong with the endpoint, and whether there is one.
func (n *Needs) checkEndpoint(ctx context.Context, client *finops.Client, e Environment, todo func(string, ...any)) (there bool, err error) {
	row, err := client.Read(ctx, "BusinessEventsEndpoints", []finops.KeyValue{{Name: "Name", Value: e.Endpoint, Quoted: true}}, []string{"Name", "Type", "ServiceBusQueueName", "KeyVaultDnsName", "KeyVaultSecretName"})
	if errors.Is(err, finops.ErrNotFound) {
		todo("endpoint %s: crosswalk register fno says how to make it", e.Endpoint)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var has endpoint
	if err := json.Unmarshal(row.JSON, &has); err != nil {
		return false, errors.New("what F&O says of its endpoint can't be read")
	}
	trim := func(s string) string { return strings.TrimSuffix(strings.ToLower(s), "/") }
	for _, f := range []struct{ name, has, want string }{
		{"type", has.Type, endpointTypeQueue},
		{"queue name", has.ServiceBusQueueName, n.Queues["fno"]},
		{"Key Vault DNS name", has.KeyVaultDnsName, e.VaultURL},
		{"Key Vault secret name", has.KeyVaultSecretName, e.FnOSecret},
	} {
		if f.want != "" && trim(f.has) != trim(f.want) {
			todo("endpoint %s: its %s is %q and should be %q", e.Endpoint, f.name, f.has, f.want)
		}
	}
	return true, nil
}

// checkEvent looks at one event in every legal entity that is wanted.
func (n *Needs) checkEvent(ctx context.Context, client *finops.Client, e Environment, event BusinessEvent, active []activation, apply bool, say func(string, ...any)) (left int, err error) {
	_, err = client.Read(ctx, "BusinessEventsCatalogs", []finops.KeyValue{{Name: "BusinessEventId", Value: event.ID, Quoted: true}}, []string{"BusinessEventId"})
	if errors.Is(err, finops.ErrNotFound) {
		say("MISSING: %s is not in the business event catalogue (Manage > Rebuild business event catalog; or its module is not there), needed by %s", event.ID, strings.Join(event.Flows, ", "))
		return 1, nil
	}
	if err != nil {
		return 0, err
	}
	wanted := e.LegalEntities
	if len(wanted) == 0 {
		wanted = []string{all}
	}
	for _, entity := range wanted {
		find := func(legalEntity string) int {
			return slices.IndexFunc(active, func(a activation) bool {
				return strings.EqualFold(a.Event, event.ID) && strings.EqualFold(a.LegalEntity, legalEntity)
			})
		}
		i := find(entity)
		if i < 0 {
			i = find(all) // switched on for all of them
		}
		switch {
		case i >= 0 && active[i].Disabled != "Yes":
			say("%s%s is sent", event.ID, in(active[i].LegalEntity))
		case !apply || entity == all && i < 0:
			left++
			say("MISSING: %s%s is not active with endpoint %s, needed by %s", event.ID, in(entity), e.Endpoint, strings.Join(event.Flows, ", "))
		default:
			if err := activate(ctx, client, e.Endpoint, event.ID, entity, i >= 0 && strings.EqualFold(active[i].LegalEntity, entity)); err != nil {
				return left, err
			}
			say("switched on: %s%s", event.ID, in(entity))
		}
	}
	return left, nil
}

// activate switches an event on. That F&O takes this for what its form does (test event included) is UNCONFIRMED.
func activate(ctx context.Context, client *finops.Client, endpoint, event, legalEntity string, exists bool) error {
	if exists {
		key := []finops.KeyValue{{Name: "BusinessEventsTable", Value: event, Quoted: true}, {Name: "LegalEntity", Value: legalEntity, Quoted: true}, {Name: "BusinessEventsEndpoint_Name", Value: endpoint, Quoted: true}}
		return client.Patch(ctx, "BusinessEventsConfigurations", key, []byte(`{"Disabled":"No"}`))
	}
	body, err := json.Marshal(map[string]string{"BusinessEventsTable": event, "LegalEntity": legalEntity, "BusinessEventsEndpoint_Name": endpoint, "Disabled": "No"})
	if err != nil {
		return err
	}
	err = client.Post(ctx, "BusinessEventsConfigurations", body)
	if errors.Is(err, finops.ErrExists) {
		return fmt.Errorf("%s%s is active already by another name; look at the form's tab Active events", event, in(legalEntity))
	}
	return err
}

func in(legalEntity string) string {
	if legalEntity == all {
		return " in all legal entities"
	}
	return " in " + legalEntity
}
