package flow_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/handlers/flow"
	"crosswalk/shared/contract"
	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/settle"
)

// plan loads the contract of a function of this repository.
func plan(t *testing.T, function string) *contract.Plan {
	t.Helper()
	p, err := contract.Load(filepath.Join("..", "..", "functions", function, "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// example returns an example's input.
func example(t *testing.T, function, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "functions", function, "examples", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// occurrence makes an event; n orders it among others.
func occurrence(kind, subject string, n int, data string) event.Event {
	e := event.New()
	e.SetID(fmt.Sprintf("event-%d", 1000-n)) // against the order, so that only the sequence can tell
	e.SetType(kind)
	e.SetSource("/test")
	if subject != "" {
		e.SetSubject(subject)
	}
	e.SetTime(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC))
	e.SetExtension("sequence", fmt.Sprintf("%08d", n))
	if err := e.SetData(event.ApplicationJSON, []byte(data)); err != nil {
		panic(err)
	}
	return e
}

const posted = "fno.SalesInvoicePosted"

// rows is a target that keeps what it's told, and a source: JSON by id.
type rows struct {
	traits link.Traits
	held   map[string]string
}

func (r *rows) Traits() link.Traits { return r.traits }

func (r *rows) Find(_ context.Context, want *contract.Record) (link.Row, error) {
	for id, held := range r.held {
		if key := string(want.Key()[0].JSON); strings.Contains(held, key) {
			return link.Row{ID: id, JSON: []byte(held)}, nil
		}
	}
	return link.Row{}, link.ErrNotFound
}

func (r *rows) Read(_ context.Context, id string) (link.Row, error) {
	held, ok := r.held[id]
	if !ok {
		return link.Row{}, link.ErrNotFound
	}
	return link.Row{ID: id, JSON: []byte(held)}, nil
}

func (r *rows) Equal(_ context.Context, row link.Row, want *contract.Record) (bool, error) {
	return string(row.JSON) == string(want.JSON(true)), nil
}

func (r *rows) Create(_ context.Context, id string, want *contract.Record) error {
	if r.held[id] != "" {
		return link.ErrExists
	}
	r.held[id] = string(want.JSON(true))
	return nil
}

func (r *rows) Update(_ context.Context, id, _ string, want *contract.Record) error {
	if r.held[id] == "" {
		return link.ErrNotFound
	}
	r.held[id] = string(want.JSON(true))
	return nil
}

func (r *rows) Delete(_ context.Context, id, _ string) error {
	delete(r.held, id)
	return nil
}

// accounts is the source of a row flow.
type accounts map[string]string

func (a accounts) Read(_ context.Context, id string) ([]byte, error) {
	row, ok := a[id]
	if !ok {
		return nil, link.ErrNotFound
	}
	return []byte(row), nil
}

// step is one event and how it ends: an outcome, or a reason and a field.
type step struct {
	event         event.Event
	want          settle.Outcome
	reason, field string
}

func play(t *testing.T, h *flow.Handler, steps []step) {
	t.Helper()
	for i, s := range steps {
		outcome, err := h.Handle(t.Context(), s.event)
		if e := fault.Of(err); e != nil {
			if e.Reason != s.reason || e.Field != s.field {
				t.Errorf("step %d ends with %q, field %q (%v), want %q, field %q", i, e.Reason, e.Field, err, s.reason, s.field)
			}
			continue
		}
		if outcome != s.want || s.reason != "" {
			t.Errorf("step %d ends with %v, want %v %s", i, outcome, s.want, s.reason)
		}
	}
}

func TestEventFlow(t *testing.T) {
	target := &rows{link.Traits{IfMatch: true}, map[string]string{}}
	h, err := flow.New(plan(t, "invoice-to-dataverse"), link.NewMemory(), link.Options{}, nil, target)
	if err != nil {
		t.Fatal(err)
	}
	invoice := example(t, "invoice-to-dataverse", "posted")
	changed := strings.Replace(invoice, "12450.5", "12450.75", 1)
	play(t, h, []step{
		{event: occurrence(posted, "", 2, invoice), want: settle.Delivered("created")},
		{event: occurrence(posted, "", 2, invoice), want: settle.NothingToDo("duplicate")},
		{event: occurrence(posted, "", 1, changed), want: settle.NothingToDo("late")},
		{event: occurrence(posted, "", 3, invoice), want: settle.NothingToDo("unchanged")},
		{event: occurrence(posted, "", 4, changed), want: settle.Delivered("updated")},
		{event: occurrence(posted, "", 5, example(t, "invoice-to-dataverse", "no-invoice-number")), reason: "blank-required", field: "invoicenumber (from InvoiceId)"},
		{event: occurrence(posted, "", 6, `{"InvoiceId":`), reason: "malformed-json", field: "InvoiceId"},
	})
	if len(target.held) != 1 {
		t.Fatalf("the target holds %d rows", len(target.held))
	}
	for _, held := range target.held {
		if !strings.Contains(held, `"totalamount":12450.75`) {
			t.Errorf("the target holds %s", held)
		}
	}
}

func TestRowFlow(t *testing.T) {
	source := accounts{}
	target := &rows{link.Traits{KeyIsID: true}, map[string]string{}}
	h, err := flow.New(plan(t, "account-to-fno"), link.NewMemory(), link.Options{}, source, target)
	if err != nil {
		t.Fatal(err)
	}
	const id = "d290f1ee-6c54-4b01-90e6-d701748f0901"
	event := func(what string, n int) event.Event {
		return occurrence("dataverse.account."+what, "account/"+strings.ToUpper(id), n, `{"stripped":true}`)
	}
	account := example(t, "account-to-fno", "customer")
	play(t, h, []step{
		{event: event("created", 1), want: settle.NothingToDo("gone")},
		{event: occurrence("dataverse.account.updated", "", 1, "{}"), reason: "field-missing", field: "subject"},
		{event: occurrence("dataverse.account.updated", "account", 1, "{}"), reason: "bad-value", field: "subject"},
	})
	source[id] = account
	play(t, h, []step{
		{event: event("created", 1), want: settle.Delivered("created")},
		{event: event("created", 1), want: settle.NothingToDo("duplicate")},
		{event: event("updated", 2), want: settle.NothingToDo("unchanged")},
	})
	source[id] = strings.Replace(account, "Contoso 1", "Contoso & Sons", 1)
	play(t, h, []step{
		{event: event("updated", 4), want: settle.Delivered("updated")},
		{event: event("updated", 3), want: settle.NothingToDo("unchanged")}, // overtaken: the row was read
	})
	if held := target.held["usmf/C-01001"]; !strings.Contains(held, `"OrganizationName":"Contoso & Sons"`) {
		t.Errorf("the target holds %s", held)
	}
	delete(source, id)
	before := maps.Clone(target.held)
	play(t, h, []step{
		{event: event("updated", 5), want: settle.NothingToDo("gone")},
		{event: event("deleted", 6), reason: "delete-rejected"},
	})
	if !maps.Equal(before, target.held) {
		t.Error("a rejected delete changed the target")
	}
}

// A record that the contract doesn't want is nothing to do; the target keeps what it holds of it.
func TestNotWanted(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "functions", "account-to-fno", "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "when: customertypecode != 11", "when: creditonhold != true", 1)
	p, findings := contract.Parse("contract.yaml", "account-to-fno", []byte(changed))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	const id = "d290f1ee-6c54-4b01-90e6-d701748f0901"
	source := accounts{id: example(t, "account-to-fno", "customer")}
	target := &rows{link.Traits{KeyIsID: true}, map[string]string{}}
	h, err := flow.New(p, link.NewMemory(), link.Options{}, source, target)
	if err != nil {
		t.Fatal(err)
	}
	play(t, h, []step{{event: occurrence("dataverse.account.created", "account/"+id, 1, "{}"), want: settle.Delivered("created")}})
	before := maps.Clone(target.held)
	source[id] = strings.NewReplacer(`"creditonhold": false`, `"creditonhold": true`, `"Contoso 1"`, `"Contoso 2"`).Replace(source[id])
	play(t, h, []step{
		{event: occurrence("dataverse.account.updated", "account/"+id, 2, "{}"), want: settle.NothingToDo("not-wanted")},
		{event: occurrence("dataverse.account.updated", "account/"+id, 2, "{}"), want: settle.NothingToDo("not-wanted")},
	})
	if !maps.Equal(before, target.held) {
		t.Errorf("the target holds %v", target.held)
	}
	source[id] = strings.Replace(source[id], `"creditonhold": true`, `"creditonhold": false`, 1)
	play(t, h, []step{{event: occurrence("dataverse.account.updated", "account/"+id, 3, "{}"), want: settle.Delivered("updated")}})
}

func TestDeleteRule(t *testing.T) {
	const id = "d290f1ee-6c54-4b01-90e6-d701748f0901"
	for rule, want := range map[string]settle.Outcome{contract.DeleteRow: settle.Delivered("deleted"), contract.DeleteIgnore: settle.NothingToDo("ignored")} {
		source := accounts{id: example(t, "account-to-fno", "customer")}
		target := &rows{link.Traits{KeyIsID: true}, map[string]string{}}
		p := plan(t, "account-to-fno")
		p.Delete = rule
		h, err := flow.New(p, link.NewMemory(), link.Options{}, source, target)
		if err != nil {
			t.Fatal(err)
		}
		play(t, h, []step{{event: occurrence("dataverse.account.created", "account/"+id, 1, "{}"), want: settle.Delivered("created")}})
		delete(source, id)
		play(t, h, []step{{event: occurrence("dataverse.account.deleted", "account/"+id, 2, "{}"), want: want}})
		if left := len(target.held); (left == 0) != want.Delivered {
			t.Errorf("%s: %d rows are left", rule, left)
		}
	}
}

func TestNewRefusesWhatItCannotDo(t *testing.T) {
	target := &rows{}
	for name, change := range map[string]func(*contract.Plan){
		"no reader":       func(*contract.Plan) {},
		"unknown state":   func(p *contract.Plan) { p.From.State = "picture" },
		"unknown delete":  func(p *contract.Plan) { p.From.State, p.Delete = contract.StateEvent, "hide" },
		"one system only": func(p *contract.Plan) { p.From.System = p.To.System },
	} {
		p := plan(t, "account-to-fno")
		change(p)
		if _, err := flow.New(p, link.NewMemory(), link.Options{}, nil, target); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
