package event

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/shared/fault"
)

func TestToProperties(t *testing.T) {
	p, err := Parse(sample(t, "fo-be-05-workflow-workitem"))
	if err != nil {
		t.Fatal(err)
	}
	e := p.Events[0]
	e.SetExtension("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	want := map[string]any{
		"cloudEvents:specversion": "1.0",
		"cloudEvents:id":          "0B4C7C61-1F5D-4F06-9A8B-2D6B6E2F7A10",
		"cloudEvents:type":        "fno.Workflow_PurchReqReview_000006_PurchReqApproval_WorkItem",
		"cloudEvents:source":      "/fno/usmf",
		"cloudEvents:subject":     "PR-000218, Müller & Søn \"Rush\"",
		"cloudEvents:time":        "2026-07-01T17:01:42.9999999Z",
		"cloudEvents:sequence":    "20260701T170142Z-09223372042492774263",
		"cloudEvents:traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	if got := ToProperties(e); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// What the publisher writes comes back whole, as the host hands it over, for every sample.
func TestFromProperties(t *testing.T) {
	entries, err := samples.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		p, err := Parse(sample(t, entry.Name()[:len(entry.Name())-len(".json")]))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			props := ToProperties(e)
			props["cwunrouted"], props["cwattempt"], props["Diagnostic-Id"] = true, json.Number("2"), nil
			back, err := FromProperties(props, e.DataContentType(), e.Data())
			if err != nil {
				t.Fatalf("%s: %v", entry.Name(), err)
			}
			same(t, back, e)
		}
	}
}

func minimal(edits map[string]any) map[string]any {
	m := map[string]any{"cloudEvents:specversion": "1.0", "cloudEvents:id": "1", "cloudEvents:type": "t", "cloudEvents:source": "/s"}
	maps.Copy(m, edits)
	return m
}

func TestFromPropertiesForms(t *testing.T) {
	at := time.Date(2026, 7, 1, 16, 53, 19, 418073300, time.UTC)
	other := map[string]any{"cloudEvents_specversion": "1.0", "cloudEvents_id": "1", "cloudEvents_type": "t", "cloudEvents_source": "/s"}
	for name, c := range map[string]struct {
		props map[string]any
		want  func(*ce.Event)
	}{
		"least":           {minimal(nil), func(*ce.Event) {}},
		"other prefix":    {other, func(*ce.Event) {}},
		"AMQP timestamp":  {minimal(map[string]any{"cloudEvents:time": at}), func(e *ce.Event) { e.SetTime(at) }},
		"time as text":    {minimal(map[string]any{"cloudEvents:time": "2026-07-01T18:53:19.4180733+02:00"}), func(e *ce.Event) { e.SetTime(at) }},
		"number":          {minimal(map[string]any{"cloudEvents:sequence": json.Number("9007199254740993")}), func(e *ce.Event) { e.SetExtension("sequence", "9007199254740993") }},
		"long":            {minimal(map[string]any{"cloudEvents:sequence": int64(9007199254740993)}), func(e *ce.Event) { e.SetExtension("sequence", "9007199254740993") }},
		"blank subject":   {minimal(map[string]any{"cloudEvents:subject": ""}), func(*ce.Event) {}},
		"null":            {minimal(map[string]any{"cloudEvents:subject": nil}), func(*ce.Event) {}},
		"body elsewhere":  {minimal(map[string]any{"cloudEvents:dataref": "claim-check/00"}), func(e *ce.Event) { e.SetExtension("dataref", "claim-check/00") }},
		"schema":          {minimal(map[string]any{"cloudEvents:dataschema": "https://contoso.example/s"}), func(e *ce.Event) { e.SetDataSchema("https://contoso.example/s") }},
		"others' numbers": {minimal(map[string]any{"x": json.Number("1"), "cloudevents:id": "2"}), func(*ce.Event) {}},
	} {
		t.Run(name, func(t *testing.T) {
			want := ce.New("1.0")
			want.SetID("1")
			want.SetType("t")
			want.SetSource("/s")
			c.want(&want)
			got, err := FromProperties(c.props, "", nil)
			if err != nil {
				t.Fatal(err)
			}
			// The instant counts, not the zone it is written in.
			if !got.Time().Equal(want.Time()) {
				t.Errorf("time %v, want %v", got.Time(), want.Time())
			}
			got.SetTime(time.Time{})
			want.SetTime(time.Time{})
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func TestFromPropertiesRefuses(t *testing.T) {
	without := func(name string) map[string]any {
		m := minimal(nil)
		delete(m, name)
		return m
	}
	for _, c := range []struct {
		props         map[string]any
		reason, field string
	}{
		{nil, "field-missing", "cloudEvents:specversion"},
		{without("cloudEvents:specversion"), "field-missing", "cloudEvents:specversion"},
		{without("cloudEvents:id"), "field-missing", "cloudEvents:id"},
		{without("cloudEvents:type"), "field-missing", "cloudEvents:type"},
		{without("cloudEvents:source"), "field-missing", "cloudEvents:source"},
		{minimal(map[string]any{"cloudEvents:id": ""}), "field-missing", "cloudEvents:id"},
		{minimal(map[string]any{"cloudEvents:id": " "}), "bad-value", "cloudEvents:id"},
		{minimal(map[string]any{"cloudEvents:specversion": "0.3"}), "bad-value", "cloudEvents:specversion"},
		{minimal(map[string]any{"cloudEvents:time": "secret"}), "bad-value", "cloudEvents:time"},
		{minimal(map[string]any{"cloudEvents:source": ":secret"}), "bad-value", "cloudEvents:source"},
		{minimal(map[string]any{"cloudEvents:no-name": "secret"}), "bad-value", "cloudEvents:no-name"},
		{minimal(map[string]any{"cloudEvents:secret @ home": "x"}), "bad-value", "cloudEvents:*"},
		{minimal(map[string]any{"cloudEvents:subject": []byte("secret")}), "bad-value", "cloudEvents:subject"},
	} {
		_, err := FromProperties(c.props, "", nil)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Permanent || f.Reason != c.reason || f.Field != c.field {
			t.Errorf("%v: got %v, want %s at %s", c.props, err, c.reason, c.field)
		}
	}
}
