package topology

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheBuiltInTopologyIsSound(t *testing.T) {
	top := Default()
	if got := top.Routes("fno.SalesInvoicePosted", "/fno/demf"); !slices.Equal(got, []string{"invoice-to-dataverse"}) {
		t.Errorf("a posted invoice goes to %v", got)
	}
	if got := top.Routes("dataverse.account.updated", "/dataverse/org"); !slices.Equal(got, []string{"account-to-fno"}) {
		t.Errorf("an updated account goes to %v", got)
	}
	if got := top.Routes("dataverse.accountcategory.created", "/dataverse/org"); got != nil {
		t.Errorf("another table goes to %v", got)
	}
	if time.Duration(top.Queues.Ingress.LockDuration) != 5*time.Minute {
		t.Errorf("ingress lock %s, want 5m", time.Duration(top.Queues.Ingress.LockDuration))
	}
}

func TestRulesBecomeFiltersWithTheirSpecialCharactersEscaped(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want string
	}{
		{Rule{Type: "fno.SalesInvoicePosted"}, `[cloudEvents:type] = 'fno.SalesInvoicePosted'`},
		{Rule{Type: "dataverse.account.*"}, `[cloudEvents:type] LIKE 'dataverse.account.%'`},
		{Rule{Type: "dataverse.cw_rate.*"}, `[cloudEvents:type] LIKE 'dataverse.cw\_rate.%' ESCAPE '\'`},
		{Rule{Type: "it's", Source: "/fno/de%*"}, `[cloudEvents:type] = 'it''s' AND [cloudEvents:source] LIKE '/fno/de\%%' ESCAPE '\'`},
	} {
		if got := c.rule.SQL(); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.rule, got, c.want)
		}
	}
}

func TestEntitiesAreTheTopologyInFull(t *testing.T) {
	top, err := Parse([]byte(`{"topic":{"name":"events","duplicateDetection":"PT30M","unrouted":"rest"},
		"queues":{"ingress":{"lockDuration":"PT5M","maxDeliveryCount":100},"work":{"lockDuration":"PT1M","maxDeliveryCount":10}},
		"ingress":[{"queue":"in","function":"receive"}],
		"functions":[{"name":"a","events":[{"type":"x"},{"type":"y.*"},{"type":"z"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	ingress := QueueSettings{LockDuration: Duration(5 * time.Minute), MaxDeliveryCount: 100}
	work := QueueSettings{LockDuration: Duration(time.Minute), MaxDeliveryCount: 10}
	want := Entities{
		Queues: []Queue{{"in", ingress}, {"a", work}},
		Subscriptions: []Subscription{
			{"a", work, "a", []Filter{
				{"$Default", "[cloudEvents:type] = 'x'"}, {"event-2", "[cloudEvents:type] LIKE 'y.%'"}, {"event-3", "[cloudEvents:type] = 'z'"},
			}},
			{"rest", work, "", []Filter{{"$Default", "[cwunrouted] = TRUE"}}},
		},
	}
	if diff := cmp.Diff(want, top.Entities()); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
}

func TestEveryFaultOfATopologyIsNamed(t *testing.T) {
	long := strings.Repeat("x", 51)
	_, err := Parse([]byte(`{"topic":{"name":"events","duplicateDetection":"PT30M","unrouted":"unrouted"},
		"queues":{"ingress":{"lockDuration":"PT6M","maxDeliveryCount":1},"work":{"lockDuration":"PT1M","maxDeliveryCount":1}},
		"ingress":[{"queue":"a","function":""}],
		"functions":[{"name":"a","events":[{"type":"x"}]},{"name":"` + long + `","events":[]},{"name":"b","events":[{"type":"a*b"}]}]}`))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"PT5M", `"a" has no function`, `"a": the name is taken`, "longer than the 50", "asks for no event", `only at its end`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q: %v", want, err)
		}
	}
	if _, err := Parse([]byte(`{"topik":{}}`)); err == nil || !strings.Contains(err.Error(), "topik") {
		t.Errorf("a misspelt member: %v", err)
	}
}

func TestDurationsAreISO8601(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT1M": time.Minute, "P1DT2H": 26 * time.Hour, "PT0.5S": 500 * time.Millisecond} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || time.Duration(d) != want {
			t.Errorf("%s: %s, %v", text, time.Duration(d), err)
		}
	}
	for _, text := range []string{"", "P", "PT", "1m", "P1Y", "PT1M ", "-PT1M"} {
		if err := new(Duration).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// A file that is no JSON says where it isn't.
func TestWhatIsNoJSONIsShownItsPlace(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a byte order mark": {"\ufeff" + string(embedded), "save it as UTF-8 without one"},
		"a comma too many":  {"{\n  \"topic\": {},\n}", "3:1: "},
		"a text for a list": {"{\n  \"functions\": \"a\"\n}", "2:18: "},
	} {
		if _, err := Parse([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
