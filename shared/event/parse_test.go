package event

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/fault"
)

//go:embed testdata/*.json
var samples embed.FS

func sample(t testing.TB, name string) []byte {
	t.Helper()
	body, err := samples.ReadFile(path.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// wanted is a CloudEvent in the form a test writes it. The zero data are the whole body.
type wanted struct {
	id, kind, source, subject, time, sequence, data string
}

func (w wanted) event(t testing.TB, body []byte) ce.Event {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, w.time)
	if err != nil {
		t.Fatal(err)
	}
	e := ce.New("1.0")
	e.SetID(w.id)
	e.SetType(w.kind)
	e.SetSource(w.source)
	e.SetTime(at)
	e.SetExtension("sequence", w.sequence)
	e.SetDataContentType("application/json")
	if w.subject != "" {
		e.SetSubject(w.subject)
	}
	e.DataEncoded = body
	if w.data != "" {
		e.DataEncoded = []byte(w.data)
	}
	return e
}

func same(t testing.TB, got, want ce.Event) {
	t.Helper()
	if !reflect.DeepEqual(got.Context.AsV1(), want.Context.AsV1()) {
		t.Errorf("attributes:\ngot  %v\nwant %v", got.Context, want.Context)
	}
	if !bytes.Equal(got.Data(), want.Data()) {
		t.Errorf("data:\ngot  %s\nwant %s", got.Data(), want.Data())
	}
	if err := got.Validate(); err != nil {
		t.Errorf("no CloudEvent: %v", err)
	}
}

// The ids of execution contexts were computed apart from this program, by their definition.
func TestParseSamples(t *testing.T) {
	for name, want := range map[string]wanted{
		"fo-be-01-free-text-invoice-posted": {"B0D1E2A7-44C3-4E0B-9A53-7A1D2F90C611", "fno.CustFreeTextInvoicePosted", "/fno/usmf", "",
			"2026-07-01T16:52:11.4180733Z", "20260701T165211Z-09223372042492774222", ""},
		"fo-be-02-sales-invoice-posted": {"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30", "fno.SalesInvoicePosted", "/fno/demf", "",
			"2026-07-01T16:53:19Z", "20260701T165319Z-09223372042492774228", ""},
		"fo-be-03-purchase-order-confirmed": {"A9E0B3F2-1D27-49B7-9B46-0C7D5C1E77AD", "fno.PurchaseOrderConfirmed", "/fno/brmf", "",
			"2026-07-01T16:50:00.12Z", "20260701T165000Z-09223372042492774210", ""},
		"fo-be-04-vendor-invoice-posted": {"F3C1D2B8-7F41-4B6F-8F5E-96F6A8D0B1C2", "fno.VendorInvoicePosted", "/fno/jpmf", "",
			"2026-07-01T16:56:40.0000001Z", "20260701T165640Z-09223372042492774239", ""},
		"fo-be-05-workflow-workitem": {"0B4C7C61-1F5D-4F06-9A8B-2D6B6E2F7A10", "fno.Workflow_PurchReqReview_000006_PurchReqApproval_WorkItem",
			"/fno/usmf", "PR-000218, Müller & Søn \"Rush\"", "2026-07-01T17:01:42.9999999Z", "20260701T170142Z-09223372042492774263", ""},
		"fo-be-06-batch-job-failed": {"6E7F8A90-0B1C-4D2E-9F3A-4B5C6D7E8F90", "fno.BatchJobFailed", "/fno/dat", "",
			"2026-07-01T17:03:24Z", "20260701T170324Z-09223372042492774268", ""},
		"fo-be-08-eventgrid-envelope-string-data": {"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30", "fno.SalesInvoicePosted", "/fno/demf", "",
			"2026-07-01T16:53:19Z", "20260701T165319Z-09223372042492774228",
			`{"BusinessEventId":"SalesInvoicePostedBusinessEvent","BusinessEventLegalEntity":"demf","ControlNumber":5637998420,` +
				`"EventId":"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30","EventTime":"\/Date(1782924799000)\/","InvoiceId":"CIV-000784","MajorVersion":0,"MinorVersion":0}`},
		"fo-de-01-onexternalupdated": {"0dfc408023bc1f40e3639c58b69534ff", "fno.custcustomerv3entity.updated", "/fno/usmf",
			"CustomersV3/usmf/000104", "2026-07-14T17:48:13Z", "00000001784051293000", ""},
		"dv-rec-01-create-account": {"5149b08bca14f4e2bbb63f66ab6b58d8", "dataverse.account.created", "/dataverse/org1a2b3c4d",
			"account/d290f1ee-6c54-4b01-90e6-d701748f0851", "2026-07-01T16:52:11Z", "00000001782924731000", ""},
		"dv-rec-02-update-contact": {"2bc67bb430db69e718e4efde74f9de21", "dataverse.contact.updated", "/dataverse/org1a2b3c4d",
			"contact/6d81597f-0f9f-4711-8122-000d3aa2331c", "2026-07-01T16:56:41Z", "00000001782925001000", ""},
		"dv-rec-03-delete-account": {"446939ccb1c0a5a25184463744283f1a", "dataverse.account.deleted", "/dataverse/org1a2b3c4d",
			"account/d290f1ee-6c54-4b01-90e6-d701748f0851", "2026-07-01T17:01:40Z", "00000001782925300000", ""},
		"dv-rec-04-size-exceeded": {"dcd89b7c46a562599fcd392b04ba5c46", "dataverse.annotation.created", "/dataverse/org1a2b3c4d",
			"annotation/77e0f3a1-9c4b-4f0e-9a2d-1b3c5d7e9f01", "2026-07-01T17:03:20Z", "00000001782925400000", ""},
		"dv-servicebus-01-delivered": {"895b247d0a0cc55d337f1021d33dcfc4", "dataverse.account.updated", "/dataverse/org1a2b3c4d",
			"account/d290f1ee-6c54-4b01-90e6-d701748f0851", "2026-07-01T16:56:41Z", "00000001782925001000", ""},
	} {
		t.Run(name, func(t *testing.T) {
			body := sample(t, name)
			p, err := Parse(body)
			if err != nil || len(p.Events) != 1 || p.Tests != 0 {
				t.Fatalf("got %d events, %d test events, error %v", len(p.Events), p.Tests, err)
			}
			same(t, p.Events[0], want.event(t, body))
		})
	}
}

func TestParseTestEvent(t *testing.T) {
	bare := sample(t, "fo-be-07-test-endpoint")
	for name, body := range map[string][]byte{
		"bare":           bare,
		"only its class": []byte(`{"BusinessEventId":"BusinessEventsTestEndpointContract"}`),
		"in an envelope": fmt.Appendf(nil, `[{"id":"1","eventType":"x","data":%s}]`, bare),
	} {
		if p, err := Parse(body); err != nil || p.Tests != 1 || len(p.Events) != 0 {
			t.Errorf("%s: got %+v, error %v", name, p, err)
		}
	}
}

func TestParseEnvelopes(t *testing.T) {
	sales, create := sample(t, "fo-be-02-sales-invoice-posted"), sample(t, "dv-rec-01-create-account")
	object := bytes.TrimSpace(sales)
	want := wanted{"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30", "fno.SalesInvoicePosted", "/fno/demf", "",
		"2026-07-01T16:53:19Z", "20260701T165319Z-09223372042492774228", ""}.event(t, object)
	envelope := fmt.Sprintf(`{"id":"another","eventType":"SalesInvoicePosted","subject":"s","eventTime":"2020-01-01T00:00:00Z","data":%s,"dataVersion":""}`, object)
	for name, body := range map[string]string{
		"object":                 envelope,
		"array":                  "[" + envelope + "]",
		"string":                 `{"eventType":"x","data":` + fmt.Sprintf("%q", `{"BusinessEventId":"SalesInvoicePostedBusinessEvent"`+strings.TrimPrefix(string(flat(t, object)), `{"BusinessEventId":"SalesInvoicePostedBusinessEvent"`)) + `}`,
		"data before its type":   fmt.Sprintf(`{"data":%s,"eventType":"x"}`, object),
		"only an eventTime":      fmt.Sprintf(`{"data":%s,"eventTime":"x"}`, object),
		"names with escapes":     fmt.Sprintf(`{"d\u0061ta":%s,"eventT\u0079pe":"x"}`, object),
		"white space everywhere": fmt.Sprintf(" {\n\"eventType\" :\t\"x\" ,\r\n\"data\" : %s } ", object),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse([]byte(body))
			if err != nil || len(p.Events) != 1 {
				t.Fatalf("got %d events, error %v", len(p.Events), err)
			}
			want := want.Clone()
			if name == "string" {
				want.DataEncoded = flat(t, object)
			}
			same(t, p.Events[0], want)
		})
	}
	t.Run("several", func(t *testing.T) {
		p, err := Parse(fmt.Appendf(nil, `[%s,{"eventType":"x","data":%s},{"eventType":"x","data":%s}]`, envelope, sample(t, "fo-be-07-test-endpoint"), create))
		if err != nil || len(p.Events) != 2 || p.Tests != 1 {
			t.Fatalf("got %d events, %d test events, error %v", len(p.Events), p.Tests, err)
		}
		same(t, p.Events[0], want)
		if p.Events[1].Type() != "dataverse.account.created" {
			t.Errorf("second event is %s", p.Events[1].Type())
		}
	})
}

// flat returns a JSON object without white space between its tokens.
func flat(t *testing.T, object []byte) []byte {
	t.Helper()
	v := jsontext.Value(bytes.Clone(object))
	if err := v.Compact(); err != nil {
		t.Fatal(err)
	}
	return v
}

const (
	business = `{"BusinessEventId":"XBusinessEvent","EventId":"E1","ControlNumber":1,"EventTime":"/Date(1782924799000)/"}`
	changed  = `{"MessageName":"Update","PrimaryEntityName":"account","PrimaryEntityId":"d290f1ee-6c54-4b01-90e6-d701748f0851",` +
		`"OperationCreatedOn":"/Date(1782925001000)/","OrganizationName":"Org"}`
	dataEvent = `{"MessageName":"OnExternalCreated","PrimaryEntityName":"mserp_x","PrimaryEntityId":"00000000-0000-0000-0000-000000000000",` +
		`"OperationCreatedOn":"/Date(1782925001000)/","InputParameters":[{"value":{"Attributes":[{"value":"DEMF","key":"mserp_dataareaid"}],` +
		`"Id":"{00004951-0000-0000-5E1A-005001000000}"},"key":"Target"}]}`
)

// with returns object with members of its end replaced or added: JSON text of members, each replaced by name.
func with(t *testing.T, object string, edits ...string) string {
	t.Helper()
	for i := 0; i < len(edits); i += 2 {
		old, replacement := edits[i], edits[i+1]
		if strings.Count(object, old) != 1 {
			t.Fatalf("%q stands %d times in %s", old, strings.Count(object, old), object)
		}
		object = strings.Replace(object, old, replacement, 1)
	}
	return object
}

func TestParseAttributes(t *testing.T) {
	for _, c := range []struct {
		name, body string
		get        func(ce.Event) string
		want       string
	}{
		{"smallest business event", business, ce.Event.Type, "fno.X"},
		{"no legal entity", business, ce.Event.Source, "/fno/unknown"},
		{"blank legal entity", with(t, business, `"ControlNumber"`, `"BusinessEventLegalEntity":" ","LegalEntity":"USMF","ControlNumber"`), ce.Event.Source, "/fno/usmf"},
		{"null legal entity", with(t, business, `"ControlNumber"`, `"BusinessEventLegalEntity":null,"LegalEntity":null,"ControlNumber"`), ce.Event.Source, "/fno/unknown"},
		{"first legal entity wins", with(t, business, `"ControlNumber"`, `"LegalEntity":"b","BusinessEventLegalEntity":"a","ControlNumber"`), ce.Event.Source, "/fno/a"},
		{"class is only the suffix", with(t, business, "XBusinessEvent", "BusinessEvent"), ce.Event.Type, "fno.BusinessEvent"},
		{"class without the suffix", with(t, business, "XBusinessEvent", "Workflow_A-1_B"), ce.Event.Type, "fno.Workflow_A-1_B"},
		{"lowest control number", with(t, business, `Number":1`, `Number":-9223372036854775808`), sequence, "20260701T165319Z-00000000000000000000"},
		{"highest control number", with(t, business, `Number":1`, `Number":9223372036854775807`), sequence, "20260701T165319Z-18446744073709551615"},
		{"control number beyond 2^53", with(t, business, `Number":1`, `Number":9007199254740993`), sequence, "20260701T165319Z-09232379236109516801"},
		{"only the ISO time", with(t, business, `"EventTime":"/Date(1782924799000)/"`, `"EventTimeIso8601":"2026-07-01T18:53:19.9999999+02:00"`), sequence, "20260701T165319Z-09223372036854775809"},
		{"sequence goes by EventTime", with(t, business, `"EventTime"`, `"EventTimeIso8601":"2026-07-01T16:53:20.0000001Z","EventTime"`), sequence, "20260701T165319Z-09223372036854775809"},
		{"EventTime not set", with(t, business, `"/Date(1782924799000)/"`, `"/Date(-2208988800000)/","EventTimeIso8601":"2026-07-01T16:53:19Z"`), sequence, "20260701T165319Z-09223372036854775809"},
		{"subject without control characters", with(t, business, `"EventId"`, `"ContextRecordSubject":" a\u0000b\n ","EventId"`), ce.Event.Subject, "ab"},
		{"blank subject", with(t, business, `"EventId"`, `"ContextRecordSubject":" \t","EventId"`), ce.Event.Subject, ""},
		{"long subject is cut between characters", with(t, business, `"EventId"`, `"ContextRecordSubject":"x`+strings.Repeat("ü", 600)+`","EventId"`), ce.Event.Subject, "x" + strings.Repeat("ü", 511)},
		{"organisation in lower case", changed, ce.Event.Source, "/dataverse/org"},
		{"no organisation", with(t, changed, `"OrganizationName":"Org"`, `"OrganizationName":null`), ce.Event.Source, "/dataverse/unknown"},
		{"braces around the row's id", with(t, changed, `d290f1ee-6c54-4b01-90e6-d701748f0851`, `{D290F1EE-6C54-4B01-90E6-D701748F0851}`), ce.Event.Subject, "account/d290f1ee-6c54-4b01-90e6-d701748f0851"},
		{"own message", with(t, changed, `"Update"`, `"cw_Approve"`), ce.Event.Type, "dataverse.account.cw_approve"},
		{"message without a row", with(t, changed, `"Update"`, `"cw_Approve"`, "d290f1ee-6c54-4b01-90e6-d701748f0851", zeroID), ce.Event.Subject, "account"},
		{"row's id only in the Target", with(t, changed, "d290f1ee-6c54-4b01-90e6-d701748f0851", zeroID, `"Org"`,
			`"Org","InputParameters":[{"key":"Target","value":{"Id":"d290f1ee-6c54-4b01-90e6-d701748f0851"}}]`), ce.Event.Subject, "account/d290f1ee-6c54-4b01-90e6-d701748f0851"},
		{"stripped to null", with(t, changed, `"Org"`, `"Org","InputParameters":null,"PreEntityImages":null,"PostEntityImages":null,"ParentContext":null`), ce.Event.Type, "dataverse.account.updated"},
		{"stripped to empty", with(t, changed, `"Org"`, `"Org","InputParameters":[],"PreEntityImages":[],"PostEntityImages":[]`), ce.Event.Type, "dataverse.account.updated"},
		{"data event", dataEvent, ce.Event.Type, "fno.x.created"},
		{"data event's legal entity", dataEvent, ce.Event.Source, "/fno/demf"},
		{"data event's row", dataEvent, ce.Event.Subject, "mserp_x/00004951-0000-0000-5e1a-005001000000"},
		{"data event without a legal entity", with(t, dataEvent, "mserp_dataareaid", "mserp_other"), ce.Event.Source, "/fno/unknown"},
		{"legal entity only in the PreImage", with(t, dataEvent, "mserp_dataareaid", "mserp_other", `"key":"Target"}`,
			`"key":"Target"},{"key":"PreImage","value":{"Attributes":[{"key":"mserp_dataareaid","value":"usmf"}]}}`), ce.Event.Source, "/fno/usmf"},
		{"virtual table, Dataverse's own message", with(t, dataEvent, "OnExternalCreated", "Create"), ce.Event.Type, "dataverse.mserp_x.created"},
		{"data event's message on another table", with(t, dataEvent, "mserp_x", "account"), ce.Event.Type, "dataverse.account.onexternalcreated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse([]byte(c.body))
			if err != nil || len(p.Events) != 1 {
				t.Fatalf("got %d events, error %v", len(p.Events), err)
			}
			if got := c.get(p.Events[0]); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if err := p.Events[0].Validate(); err != nil {
				t.Error(err)
			}
			if string(p.Events[0].Data()) != c.body {
				t.Error("the data are not the body")
			}
		})
	}
}

func sequence(e ce.Event) string { return e.Extensions()["sequence"].(string) }

// Two events are two, and one that comes twice is one.
func TestParseID(t *testing.T) {
	id := func(body string) string {
		p, err := Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return p.Events[0].ID()
	}
	whole := with(t, changed, `"Org"`, `"Org","OperationId":"b7f5c1d2-3e4a-4b6c-8d9e-0f1a2b3c4d5e","Stage":40,`+
		`"OwningExtension":{"Id":"75417616-4ea2-4711-8122-000d3aa2331c"},"CorrelationId":"c0a8012e-7d3b-4b1f-9a77-0f7c2d1e9b34"`)
	if id(whole) != id(with(t, whole, "c0a8012e", "ffffffff")) {
		t.Error("the id goes by more than the operation, so a redelivery is a second event")
	}
	for _, edit := range [][2]string{
		{`"Org"`, `"Org2"`}, {"b7f5c1d2", "b7f5c1d3"}, {"Update", "Delete"}, {"account", "contact"}, {"d290f1ee", "d290f1ef"}, {":40", ":20"}, {"75417616", "75417617"},
	} {
		if id(whole) == id(with(t, whole, edit[0], edit[1])) {
			t.Errorf("with %s for %s the id is the same", edit[1], edit[0])
		}
	}
	for _, none := range []string{`"OperationId":"` + zeroID + `",`, `"OperationId":null,`, `"OperationId":"",`, ""} {
		body := with(t, changed, `"OrganizationName"`, none+`"OrganizationName"`)
		if first, again := id(body), id(body); first != again || id(body) == id(with(t, body, "1782925001000", "1782925001001")) {
			t.Errorf("without an operation (%q) two events aren't told apart", none)
		}
	}
}

// Every bad body, its reason and its path. No error may hold the word "secret", which stands for a value.
func TestParseRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct{ name, body, reason, field string }{
		{"nothing", "", "malformed-json", "/"},
		{"white space", " \n", "malformed-json", "/"},
		{"cut", `{"BusinessEventId":"secret`, "malformed-json", "/BusinessEventId"},
		{"cut between members", `{"BusinessEventId":"secret",`, "malformed-json", "/"},
		{"no JSON", `<secret/>`, "malformed-json", "/"},
		{"byte order mark", "\ufeff" + business, "malformed-json", "/"},
		{"single quotes", `{'secret':1}`, "malformed-json", "/"},
		{"trailing comma", `{"EventId":"secret",}`, "malformed-json", "/"},
		{"leading zero", with(t, business, `Number":1`, `Number":01`), "malformed-json", "/"},
		{"NaN", with(t, business, `Number":1`, `Number":NaN`), "malformed-json", "/ControlNumber"},
		{"control character in a string", with(t, business, `"E1"`, "\"\x01secret\""), "malformed-json", "/EventId"},
		{"bad escape", with(t, business, `"E1"`, `"\xsecret"`), "malformed-json", "/EventId"},
		{"text after the end", business + `secret`, "malformed-json", "/"},
		{"second value after the end", business + business, "malformed-json", "/"},
		{"invalid UTF-8", with(t, business, `"E1"`, "\"secret\xff\""), "invalid-utf8", "/EventId"},
		{"invalid UTF-8 in a name", with(t, business, `"EventTime"`, "\"secret\xff\":1,\"EventTime\""), "invalid-utf8", "/"},
		{"invalid UTF-8 deep down", with(t, business, `"EventId"`, "\"a\":[{\"b\":\"\xc3\x28\"}],\"EventId\""), "invalid-utf8", "/a/0/b"},
		{"UTF-16", "\xff\xfe{\x00", "invalid-utf8", "/"},
		{"lone high surrogate", with(t, business, `"E1"`, `"secret\ud800"`), "invalid-utf8", "/EventId"},
		{"lone low surrogate", with(t, business, `"E1"`, `"\uDC00secret"`), "invalid-utf8", "/EventId"},
		{"two high surrogates", with(t, business, `"E1"`, `"\ud800\ud800"`), "invalid-utf8", "/EventId"},
		{"duplicate", with(t, business, `"ControlNumber"`, `"EventId":"secret","ControlNumber"`), "duplicate-key", "/EventId"},
		{"duplicate by escape", with(t, business, `"ControlNumber"`, `"Event\u0049d":"secret","ControlNumber"`), "duplicate-key", "/EventId"},
		{"duplicate deep down", with(t, business, `"ControlNumber"`, `"Lines":[{},{"Line":{"Price":1,"Price":2}}],"ControlNumber"`), "duplicate-key", "/Lines/1/Line/Price"},
		{"duplicate whose name may be data", with(t, business, `"ControlNumber"`, `"secret @ home":1,"secret @ home":2,"ControlNumber"`), "duplicate-key", "/*"},
		{"too deep", with(t, business, `"ControlNumber"`, `"a":`+deep(64)+`,"ControlNumber"`), "too-deep", "/a" + strings.Repeat("/0", 63)},
		{"too deep with long names", with(t, business, `"ControlNumber"`, `"a":`+strings.Repeat(`{"name_of_a_member":`, 64)+"1"+strings.Repeat("}", 64)+`,"ControlNumber"`),
			"too-deep", "/a" + strings.Repeat("/name_of_a_member", 17) + "/…"},

		{"empty object", `{}`, "unknown-shape", "/"},
		{"empty array", `[]`, "unknown-shape", "/"},
		{"string", `"secret"`, "unknown-shape", "/"},
		{"number", `1`, "unknown-shape", "/"},
		{"other object", `{"id":"secret","type":"order"}`, "unknown-shape", "/"},
		{"array of events without envelopes", `[` + business + `]`, "unknown-shape", "/0"},
		{"array of numbers", `[1,2]`, "unknown-shape", "/0"},
		{"Event Grid's handshake", `[{"id":"1","topic":"t","subject":"","data":{"validationCode":"secret"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2026-07-01T16:53:19Z","metadataVersion":"1","dataVersion":"1"}]`, "unknown-shape", "/0/data"},
		{"envelope in an envelope", `{"eventType":"x","data":{"eventType":"x","data":` + business + `}}`, "unknown-shape", "/data"},
		{"envelope around an array", `{"eventType":"x","data":"[]"}`, "unknown-shape", "/data"},
		{"syntax before shape", `[1,`, "malformed-json", "/"},

		{"envelope without data", `{"eventType":"x","dataVersion":"1"}`, "field-missing", "/data"},
		{"envelope with null", `[{"eventType":"x","data":null}]`, "field-missing", "/0/data"},
		{"envelope with a number", `[{"eventType":"x","data":1}]`, "bad-value", "/0/data"},
		{"fault in the second envelope, beside a good one", `[{"eventType":"x","data":` + business + `},{"eventType":"x","data":` + with(t, business, `"EventId":"E1",`, "") + `}]`, "field-missing", "/1/data/EventId"},
		{"fault in the first envelope, beside a good one", `[{"eventType":"x","data":` + with(t, business, `"EventId":"E1",`, "") + `},{"eventType":"x","data":` + business + `}]`, "field-missing", "/0/data/EventId"},
		{"no envelope, beside a good one", `[7,{"eventType":"x","data":` + business + `}]`, "unknown-shape", "/0"},
		{"malformed JSON in the second element", `[{"eventType":"x","data":` + business + `},{"eventType":]`, "malformed-json", "/1"},
		{"malformed JSON in the string", `[{"eventType":"x","data":"{\"EventId\":secret}"}]`, "malformed-json", "/0/data/EventId"},
		{"duplicate in the string", `{"eventType":"x","data":"{\"EventId\":1,\"EventId\":2}"}`, "duplicate-key", "/data/EventId"},
		{"empty string", `{"eventType":"x","data":""}`, "malformed-json", "/data"},
		{"too deep in the string", `{"eventType":"x","data":"{\"a\":` + deep(64) + `}"}`, "too-deep", "/data/a" + strings.Repeat("/0", 63)},

		{"no BusinessEventId", with(t, business, `"BusinessEventId":"XBusinessEvent",`, ""), "field-missing", "/BusinessEventId"},
		{"blank BusinessEventId", with(t, business, `XBusinessEvent`, " "), "field-missing", "/BusinessEventId"},
		{"bad BusinessEventId", with(t, business, `XBusinessEvent`, "secret'; DROP"), "bad-value", "/BusinessEventId"},
		{"BusinessEventId is a number", with(t, business, `"XBusinessEvent"`, "7"), "bad-value", "/BusinessEventId"},
		{"only id and time", `{"EventId":"E1","EventTime":"/Date(1782924799000)/"}`, "field-missing", "/BusinessEventId"},
		{"no EventId", with(t, business, `"EventId":"E1",`, ""), "field-missing", "/EventId"},
		{"null EventId", with(t, business, `"E1"`, "null"), "field-missing", "/EventId"},
		{"EventId is an object", with(t, business, `"E1"`, "{}"), "bad-value", "/EventId"},
		{"EventId too long", with(t, business, `"E1"`, `"`+strings.Repeat("9", 101)+`"`), "bad-value", "/EventId"},
		{"EventId with a slash", with(t, business, `"E1"`, `"secret/1"`), "bad-value", "/EventId"},
		{"no ControlNumber", with(t, business, `"ControlNumber":1,`, ""), "field-missing", "/ControlNumber"},
		{"null ControlNumber", with(t, business, `Number":1`, `Number":null`), "field-missing", "/ControlNumber"},
		{"ControlNumber beyond 64 bits", with(t, business, `Number":1`, `Number":9223372036854775808`), "bad-value", "/ControlNumber"},
		{"ControlNumber with a fraction", with(t, business, `Number":1`, `Number":1.0`), "bad-value", "/ControlNumber"},
		{"ControlNumber is text", with(t, business, `Number":1`, `Number":"secret"`), "bad-value", "/ControlNumber"},
		{"no time", with(t, business, `,"EventTime":"/Date(1782924799000)/"`, ""), "field-missing", "/EventTime"},
		{"time not set", with(t, business, `1782924799000`, "-2208988800000"), "field-missing", "/EventTime"},
		{"bad time", with(t, business, `/Date(1782924799000)/`, "secret"), "bad-value", "/EventTime"},
		{"bad ISO time", with(t, business, `"EventTime"`, `"EventTimeIso8601":"2026-07-01","EventTime"`), "bad-value", "/EventTimeIso8601"},
		{"bad legal entity", with(t, business, `"EventId"`, `"LegalEntity":"secret/../x","EventId"`), "bad-value", "/LegalEntity"},
		{"legal entity is a number", with(t, business, `"EventId"`, `"BusinessEventLegalEntity":4,"EventId"`), "bad-value", "/BusinessEventLegalEntity"},
		{"subject is a number", with(t, business, `"EventId"`, `"ContextRecordSubject":4,"EventId"`), "bad-value", "/ContextRecordSubject"},

		{"no MessageName", with(t, changed, `"MessageName":"Update",`, ""), "field-missing", "/MessageName"},
		{"only MessageName", `{"MessageName":"Update"}`, "field-missing", "/PrimaryEntityName"},
		{"only PrimaryEntityName", `{"PrimaryEntityName":"account"}`, "field-missing", "/MessageName"},
		{"bad MessageName", with(t, changed, `Update`, "secret x"), "bad-value", "/MessageName"},
		{"no PrimaryEntityName", with(t, changed, `"PrimaryEntityName":"account",`, ""), "field-missing", "/PrimaryEntityName"},
		{"neither name", with(t, changed, `"MessageName":"Update",`, "", `"PrimaryEntityName":"account",`, ""), "field-missing", "/MessageName"},
		{"bad PrimaryEntityName", with(t, changed, `account`, "secret$"), "bad-value", "/PrimaryEntityName"},
		{"no PrimaryEntityId", with(t, changed, `"PrimaryEntityId":"d290f1ee-6c54-4b01-90e6-d701748f0851",`, ""), "field-missing", "/PrimaryEntityId"},
		{"zero PrimaryEntityId", with(t, changed, `d290f1ee-6c54-4b01-90e6-d701748f0851`, zeroID), "field-missing", "/PrimaryEntityId"},
		{"bad PrimaryEntityId", with(t, changed, `d290f1ee-6c54`, "secret"), "bad-value", "/PrimaryEntityId"},
		{"no OperationCreatedOn", with(t, changed, `"OperationCreatedOn":"/Date(1782925001000)/",`, ""), "field-missing", "/OperationCreatedOn"},
		{"OperationCreatedOn before 1970", with(t, changed, `(1782925001000)`, "(-1)"), "bad-value", "/OperationCreatedOn"},
		{"bad organisation", with(t, changed, `"Org"`, `"secret /"`), "bad-value", "/OrganizationName"},
		{"OperationId is a number", with(t, changed, `"Org"`, `"Org","OperationId":1`), "bad-value", "/OperationId"},
		{"Stage is text", with(t, changed, `"Org"`, `"Org","Stage":"secret"`), "bad-value", "/Stage"},
		{"data event without Id", with(t, dataEvent, `"Id":"{00004951-0000-0000-5E1A-005001000000}"`, `"Id":null`), "field-missing", "/InputParameters/0/value/Id"},
		{"data event stripped", with(t, changed, "Update", "OnExternalUpdated", "account", "mserp_x", "d290f1ee-6c54-4b01-90e6-d701748f0851", zeroID), "field-missing", "/InputParameters"},
		{"data event with a bad Id", with(t, dataEvent, `{00004951`, `{secret`), "bad-value", "/InputParameters/0/value/Id"},
		{"data event with a bad legal entity", with(t, dataEvent, `DEMF`, `secret/..`), "bad-value", "/InputParameters/0/value/Attributes/0/value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse([]byte(c.body))
			f, ok := err.(*fault.Error)
			if !ok {
				t.Fatalf("got %d events, error %v", len(p.Events), err)
			}
			if f.Kind != fault.Permanent || f.Reason != c.reason || f.Field != c.field {
				t.Errorf("got %s %s at %s, want permanent %s at %s", f.Kind, f.Reason, f.Field, c.reason, c.field)
			}
			if f.Detail == "" || strings.Contains(f.Error(), "secret") {
				t.Errorf("the error says %q", f)
			}
			readable := 0
			if strings.HasSuffix(c.name, "beside a good one") {
				readable = 1
			}
			if len(p.Events) != readable || p.Tests != 0 {
				t.Errorf("there are %d events beside the error, want %d", len(p.Events), readable)
			}
		})
	}
	if _, err := Parse([]byte(with(t, business, `"ControlNumber"`, `"a":`+deep(63)+`,"ControlNumber"`))); err != nil {
		t.Errorf("a depth of 64 is allowed: %v", err)
	}
}

// A bomb is refused where it gets too deep, whatever comes after.
func TestParseBombs(t *testing.T) {
	const size = 8 << 20
	for name, bomb := range map[string][]byte{
		"arrays":      bytes.Repeat([]byte("["), size),
		"objects":     bytes.Repeat([]byte(`{"a":`), size/5),
		"in a member": append([]byte(business[:len(business)-1]+`,"a":`), bytes.Repeat([]byte("["), size)...),
		"in a string": []byte(`{"eventType":"x","data":"` + strings.Repeat("[", size) + `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Parse(bomb)
			runtime.ReadMemStats(&after)
			used := after.TotalAlloc - before.TotalAlloc
			if f := fault.Of(err); f == nil || f.Reason != "too-deep" {
				t.Errorf("got %v", err)
			}
			if used > 1<<20 {
				t.Errorf("refusing it took %d bytes of memory", used)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	entries, err := samples.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		f.Add(sample(f, strings.TrimSuffix(e.Name(), ".json")))
	}
	for _, s := range []string{business, changed, dataEvent, `[{"eventType":"x","data":"{}"}]`, `{"eventType":"x","data":` + business + `}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		p, err := Parse(body)
		if !bytes.Equal(before, body) {
			t.Fatal("Parse has written to the body")
		}
		if err != nil {
			f, ok := err.(*fault.Error)
			if !ok || f.Kind != fault.Permanent || f.Reason == "" || f.Field == "" || f.Detail == "" {
				t.Fatalf("a fault without kind, reason, field or detail: %v", err)
			}
			if len(f.Error()) > 1024 || !utf8.ValidString(f.Error()) {
				t.Fatalf("the error has %d bytes", len(f.Error()))
			}
			return
		}
		// What is accepted, another strict reader accepts too.
		if !jsontext.Value(body).IsValid() {
			t.Fatal("accepted what is no strict JSON")
		}
		if len(p.Events)+p.Tests == 0 {
			t.Fatal("neither events nor an error")
		}
		for _, e := range p.Events {
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
			back, err := FromProperties(ToProperties(e), e.DataContentType(), e.Data())
			if err != nil {
				t.Fatal(err)
			}
			same(t, back, e)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"fo-be-02-sales-invoice-posted", "fo-be-08-eventgrid-envelope-string-data", "fo-de-01-onexternalupdated", "dv-rec-01-create-account"} {
		b.Run(name, func(b *testing.B) {
			body := sample(b, name)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	// What any strict reader has to spend on the same bytes.
	b.Run("floor", func(b *testing.B) {
		body := sample(b, "dv-rec-01-create-account")
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if !jsontext.Value(body).IsValid() {
				b.Fatal("invalid")
			}
		}
	})
}
