package atom

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

// desk is a handler with a broker behind it.
type desk struct {
	t *testing.T
	*Handler
	broker *broker.Broker
	token  string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC) }
	a, err := access.New([]access.Key{{Name: "root", Key: "k", Rights: access.Manage}})
	if err != nil {
		t.Fatal(err)
	}
	b := broker.New(broker.Options{Now: now})
	return &desk{t, New(Options{Broker: b, Authority: a, Namespace: "ns", Now: now}), b, "Bearer a.b.c"}
}

// do sends a request; update puts If-Match in it.
func (d *desk) do(method, path, body string, update bool) (int, string) {
	d.t.Helper()
	r := httptest.NewRequest(method, "https://localhost:5671/"+path, strings.NewReader(body))
	if d.token != "" {
		r.Header.Set("Authorization", d.token)
	}
	if update {
		r.Header.Set("If-Match", "*")
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func envelope(description string) string {
	return `<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml">` + description + `</content></entry>`
}

func described(name, elements string) string {
	return envelope("<" + name + ` xmlns="` + nsServiceBus + `" xmlns:i="` + nsInstance + `">` + elements + "</" + name + ">")
}

// put creates or changes, and expects a code.
func (d *desk) put(path, body string, update bool, want int) string {
	d.t.Helper()
	code, answer := d.do(http.MethodPut, path, body, update)
	if code != want {
		d.t.Fatalf("PUT %s: %d, want %d: %s", path, code, want, answer)
	}
	return answer
}

func (d *desk) contains(answer string, parts ...string) {
	d.t.Helper()
	for _, part := range parts {
		if !strings.Contains(answer, part) {
			d.t.Errorf("%q is missing in %s", part, answer)
		}
	}
}

func TestQueueIsToldAsItWasMade(t *testing.T) {
	d := newDesk(t)
	answer := d.put("Q1", described("QueueDescription", "<LockDuration>PT45S</LockDuration>"+
		"<DefaultMessageTimeToLive>P14D</DefaultMessageTimeToLive><MaxDeliveryCount>3</MaxDeliveryCount>"+
		"<RequiresDuplicateDetection>true</RequiresDuplicateDetection><Status>SendDisabled</Status>"+
		"<UserMetadata>a &lt; b</UserMetadata><AutoDeleteOnIdle>PT10M</AutoDeleteOnIdle>"), false, http.StatusCreated)
	_, again := d.do(http.MethodGet, "q1", "", false)
	for _, answer := range []string{answer, again} {
		d.contains(answer, `<title type="text">Q1</title>`, "<LockDuration>PT45S</LockDuration>",
			"<DefaultMessageTimeToLive>P14D</DefaultMessageTimeToLive>", "<MaxDeliveryCount>3</MaxDeliveryCount>",
			"<DuplicateDetectionHistoryTimeWindow>PT10M</DuplicateDetectionHistoryTimeWindow>", "<Status>SendDisabled</Status>",
			"<UserMetadata>a &lt; b</UserMetadata>", "<AutoDeleteOnIdle>PT10M</AutoDeleteOnIdle>",
			"<MaxSizeInMegabytes>1024</MaxSizeInMegabytes>", "<MaxMessageSizeInKilobytes>256</MaxMessageSizeInKilobytes>",
			"<CreatedAt>2026-07-01T12:00:00Z</CreatedAt>", "<AccessedAt>0001-01-01T00:00:00</AccessedAt>",
			`<CountDetails xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus"><d2p1:ActiveMessageCount>0<`)
	}
	got, err := d.broker.Describe("q1")
	if err != nil || got.Queue.LockDuration != 45*time.Second || got.Queue.MaxDeliveryCount != 3 ||
		got.Queue.DuplicateDetection != 10*time.Minute || got.Queue.Status != broker.SendDisabled || got.Queue.DefaultTTL != 14*24*time.Hour {
		t.Errorf("%+v, %v", got.Queue, err)
	}
}

func TestCreateUpdateDelete(t *testing.T) {
	d := newDesk(t)
	queue, topic := described("QueueDescription", ""), described("TopicDescription", "")
	d.put("q", queue, true, http.StatusNotFound)
	d.put("q", queue, false, http.StatusCreated)
	d.put("Q", queue, false, http.StatusConflict)
	d.put("q", topic, true, http.StatusBadRequest)
	d.put("q", described("QueueDescription", "<LockDuration>PT2M</LockDuration>"), true, http.StatusOK)
	d.put("t", topic, false, http.StatusCreated)
	d.put("t/Subscriptions/s", described("SubscriptionDescription", ""), false, http.StatusCreated)
	d.put("t/subscriptions/S", described("SubscriptionDescription", ""), false, http.StatusConflict)
	d.put("missing/Subscriptions/s", described("SubscriptionDescription", ""), false, http.StatusNotFound)
	if got, err := d.broker.Describe("q"); err != nil || got.Queue.LockDuration != 2*time.Minute {
		t.Errorf("%+v, %v", got.Queue, err)
	}
	for _, path := range []string{"t/Subscriptions/s", "t", "q"} {
		if code, answer := d.do(http.MethodDelete, path, "", false); code != http.StatusOK {
			t.Errorf("DELETE %s: %d %s", path, code, answer)
		}
		if code, _ := d.do(http.MethodDelete, path, "", false); code != http.StatusNotFound {
			t.Errorf("DELETE %s again: %d", path, code)
		}
	}
}

func TestMissingIsAnEmptyFeed(t *testing.T) {
	d := newDesk(t)
	d.put("t", described("TopicDescription", ""), false, http.StatusCreated)
	d.put("t/Subscriptions/s", described("SubscriptionDescription", ""), false, http.StatusCreated)
	for _, path := range []string{"q", "t/Subscriptions/other", "none/Subscriptions/s", "t/Subscriptions/s/Rules/r"} {
		code, answer := d.do(http.MethodGet, path, "", false)
		if code != http.StatusOK {
			t.Errorf("%s: %d", path, code)
		}
		d.contains(answer, `<feed xmlns="http://www.w3.org/2005/Atom">`, `<title type="text">Publicly Listed Services</title>`)
	}
}

func TestPagesAreWholeAndInOrder(t *testing.T) {
	d := newDesk(t)
	d.put("t", described("TopicDescription", ""), false, http.StatusCreated)
	for i := range 5 {
		d.put(fmt.Sprintf("q%d", i), described("QueueDescription", ""), false, http.StatusCreated)
		d.put(fmt.Sprintf("t/Subscriptions/s%d", i), described("SubscriptionDescription", ""), false, http.StatusCreated)
	}
	titles := func(path string) string {
		code, answer := d.do(http.MethodGet, path, "", false)
		var f struct {
			Titles []string `xml:"entry>title"`
		}
		if err := xml.Unmarshal([]byte(answer), &f); err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d %v", path, code, err)
		}
		return strings.Join(f.Titles, " ")
	}
	for path, want := range map[string]string{
		"$Resources/Queues":                      "q0 q1 q2 q3 q4",
		"$Resources/Queues?$top=2":               "q0 q1",
		"$Resources/Queues?&$top=2&$skip=4":      "q4",
		"$Resources/Queues?$skip=9":              "",
		"$Resources/Topics":                      "t",
		"t/Subscriptions/?$top=2&$skip=1":        "s1 s2",
		"t/Subscriptions/s0/Rules/?$top=5":       "$Default",
		"t/Subscriptions/s0/Rules?$skip=1":       "",
		"$resources/queues?$top=1000000&$skip=0": "q0 q1 q2 q3 q4",
	} {
		if got := titles(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if code, _ := d.do(http.MethodGet, "$Resources/Queues?$top=x", "", false); code != http.StatusBadRequest {
		t.Errorf("a $top that's no number: %d", code)
	}
}

func TestWhatCantChangeDoesnt(t *testing.T) {
	d := newDesk(t)
	d.put("q", described("QueueDescription", "<RequiresSession>false</RequiresSession>"), false, http.StatusCreated)
	d.put("t", described("TopicDescription", ""), false, http.StatusCreated)
	for _, c := range []struct{ path, body, want string }{
		{"q", described("QueueDescription", "<RequiresSession>true</RequiresSession>"),
			"The value for the RequiresSession property of an existing Queue cannot be changed"},
		{"q", described("QueueDescription", "<RequiresDuplicateDetection>true</RequiresDuplicateDetection>"),
			"The value for the RequiresDuplicateDetection property of an existing Queue cannot be changed"},
		{"t", described("TopicDescription", "<EnablePartitioning>true</EnablePartitioning>"), "Partitioning cannot be changed for Topic. "},
	} {
		d.contains(d.put(c.path, c.body, true, http.StatusBadRequest), c.want)
	}
}

func TestBadRequests(t *testing.T) {
	d := newDesk(t)
	for name, body := range map[string]string{
		"nothing":           "",
		"no XML":            "{}",
		"no description":    envelope(""),
		"other description": described("RelayDescription", ""),
		"bad duration":      described("QueueDescription", "<LockDuration>45s</LockDuration>"),
		"long lock":         described("QueueDescription", "<LockDuration>PT6M</LockDuration>"),
		"endless lock":      described("QueueDescription", "<LockDuration>"+forever+"</LockDuration>"),
		"short window": described("QueueDescription", "<RequiresDuplicateDetection>true</RequiresDuplicateDetection>"+
			"<DuplicateDetectionHistoryTimeWindow>PT19S</DuplicateDetectionHistoryTimeWindow>"),
		"long window": described("QueueDescription", "<RequiresDuplicateDetection>true</RequiresDuplicateDetection>"+
			"<DuplicateDetectionHistoryTimeWindow>P7DT1S</DuplicateDetectionHistoryTimeWindow>"),
		"endless window": described("TopicDescription", "<RequiresDuplicateDetection>true</RequiresDuplicateDetection>"+
			"<DuplicateDetectionHistoryTimeWindow>"+forever+"</DuplicateDetectionHistoryTimeWindow>"),
		"no deliveries":      described("QueueDescription", "<MaxDeliveryCount>0</MaxDeliveryCount>"),
		"endless deliveries": described("QueueDescription", "<MaxDeliveryCount>2001</MaxDeliveryCount>"),
		"bad status":         described("QueueDescription", "<Status>Sleepy</Status>"),
		"bad number":         described("QueueDescription", "<MaxDeliveryCount>many</MaxDeliveryCount>"),
		"no size":            described("QueueDescription", "<MaxSizeInMegabytes>0</MaxSizeInMegabytes>"),
		"large messages":     described("QueueDescription", "<MaxMessageSizeInKilobytes>1024</MaxMessageSizeInKilobytes>"),
	} {
		if code, answer := d.do(http.MethodPut, "q", body, false); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, code, answer)
		}
	}
	if code, _ := d.do(http.MethodPut, "q", strings.Repeat(" ", maxBody+1), false); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that's too large: %d", code)
	}
	for _, path := range []string{"q", "$namespaceinfo", "$Resources/Queues"} {
		if code, _ := d.do(http.MethodPost, path, "", false); code != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, code)
		}
	}
	if code, _ := d.do(http.MethodGet, "q", "", false); code != http.StatusOK {
		t.Errorf("%d", code)
	}
	if _, err := d.broker.Describe("q"); err == nil {
		t.Error("a bad request made a queue")
	}
}

func TestRules(t *testing.T) {
	d := newDesk(t)
	d.put("t", described("TopicDescription", ""), false, http.StatusCreated)
	d.put("t/Subscriptions/s", described("SubscriptionDescription", ""), false, http.StatusCreated)
	rule := func(filter string) string { return described("RuleDescription", filter+"<Name>r</Name>") }
	sql := `<Filter i:type="SqlFilter"><SqlExpression>a = @x</SqlExpression><Parameters><KeyValueOfstringanyType>` +
		`<Key>@x</Key><Value xmlns:l="http://www.w3.org/2001/XMLSchema" i:type="l:int">7</Value></KeyValueOfstringanyType></Parameters></Filter>`
	d.put("t/Subscriptions/s/Rules/r", rule(sql), true, http.StatusNotFound)
	answer := d.put("t/Subscriptions/s/Rules/r", rule(sql+`<Action i:type="SqlRuleAction"><SqlExpression>SET b = 1</SqlExpression></Action>`),
		false, http.StatusCreated)
	d.contains(answer, `<Filter i:type="SqlFilter"><SqlExpression>a = @x</SqlExpression>`,
		`<Key>@x</Key><Value xmlns:d6p1="http://www.w3.org/2001/XMLSchema" i:type="d6p1:int">7</Value>`,
		`<Action i:type="SqlRuleAction"><SqlExpression>SET b = 1</SqlExpression>`, "<Name>r</Name>")
	d.put("t/Subscriptions/s/Rules/r", rule(sql), false, http.StatusConflict)
	answer = d.put("t/Subscriptions/s/Rules/r", rule(`<Filter i:type="CorrelationFilter"><CorrelationId>c</CorrelationId></Filter>`),
		true, http.StatusOK)
	d.contains(answer, `<Filter i:type="CorrelationFilter"><CorrelationId>c</CorrelationId>`, `<Action i:type="EmptyRuleAction"></Action>`)
	_, topic := d.do(http.MethodGet, "t", "", false)
	d.contains(topic, "<SqlFilterCount>1</SqlFilterCount>", "<CorrelationFilterCount>1</CorrelationFilterCount>", "<SubscriptionCount>1<")
	for name, body := range map[string]string{
		"unknown filter": `<Filter i:type="WildFilter"/>`, "no expression": `<Filter i:type="SqlFilter"/>`,
		"bad expression": `<Filter i:type="SqlFilter"><SqlExpression>a =</SqlExpression></Filter>`,
		"bad value":      strings.Replace(sql, ">7<", ">x<", 1), "unknown action": `<Action i:type="WildAction"/>`,
	} {
		if code, answer := d.do(http.MethodPut, "t/Subscriptions/s/Rules/other", rule(body), false); code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, code, answer)
		}
	}
	if code, _ := d.do(http.MethodDelete, "t/Subscriptions/s/Rules/R", "", false); code != http.StatusOK {
		t.Errorf("DELETE: %d", code)
	}
}

func TestForwardsNeedARight(t *testing.T) {
	d := newDesk(t)
	d.put("to", described("QueueDescription", ""), false, http.StatusCreated)
	for given, want := range map[string]string{
		"to": "sb://localhost:5671/to", "https://localhost:5671/to": "https://localhost:5671/to",
	} {
		answer := d.put("q"+fmt.Sprint(len(given)), described("QueueDescription", "<ForwardTo>"+given+"</ForwardTo>"), false, http.StatusCreated)
		d.contains(answer, "<ForwardTo>"+want+"</ForwardTo>")
	}
	d.put("lost", described("QueueDescription", "<ForwardTo>nowhere</ForwardTo>"), false, http.StatusNotFound)
	r := httptest.NewRequest(http.MethodPut, "https://localhost:5671/x", strings.NewReader(described("QueueDescription", "<ForwardTo>to</ForwardTo>")))
	r.Header.Set("Authorization", d.token)
	r.Header.Set("ServiceBusSupplementaryAuthorization", "SharedAccessSignature sr=x&sig=y&se=1&skn=root")
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("a bad token for the target: %d", w.Code)
	}
}

func TestTokenIsNeeded(t *testing.T) {
	d := newDesk(t)
	for token, want := range map[string]string{
		"": "MissingToken", "SharedAccessSignature sr=x": "MalformedToken",
		"SharedAccessSignature sr=x&sig=y&se=1&skn=root": "InvalidSignature",
	} {
		d.token = token
		code, answer := d.do(http.MethodGet, "$namespaceinfo", "", false)
		if code != http.StatusUnauthorized {
			t.Errorf("%q: %d", token, code)
		}
		d.contains(answer, "<Error><Code>401</Code><Detail>"+want)
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"PT45S": 45 * time.Second, "PT4H": 4 * time.Hour, "P1DT2H3M4.5S": 26*time.Hour + 3*time.Minute + 4500*time.Millisecond,
		"P14D": 14 * 24 * time.Hour, "PT0.0000001S": 100, forever: 0,
	} {
		got, err := parseDuration(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again := formatDuration(got); again != text {
			t.Errorf("%s comes back as %s", text, again)
		}
	}
	if got, err := parseDuration("PT256204778H48M5.4775807S"); got != 0 || err != nil {
		t.Errorf("Java's longest: %v, %v", got, err)
	}
	for _, text := range []string{"", "P", "PT", "45", "PT5", "P5S", "PT5D", "PT-5S", "PT5S4M", "PTS", "PTxS", "PTInfS", "P1D1D"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// FuzzPut sends what may be no entry at all; it's refused or taken, and what was taken can be told and listed.
func FuzzPut(f *testing.F) {
	f.Add("q", described("QueueDescription", "<LockDuration>PT45S</LockDuration><ForwardTo>to</ForwardTo>"))
	f.Add("t/Subscriptions/s", described("SubscriptionDescription", `<DefaultRuleDescription><Filter i:type="SqlFilter">`+
		`<SqlExpression>a = 1</SqlExpression></Filter></DefaultRuleDescription>`))
	f.Add("t/Subscriptions/s/Rules/r", described("RuleDescription", `<Filter i:type="CorrelationFilter"><Label>x</Label></Filter>`))
	f.Add("q", described("QueueDescription", `<AuthorizationRules><AuthorizationRule i:type="SharedAccessAuthorizationRule">`+
		`<Rights><AccessRights>Send</AccessRights></Rights><KeyName>k</KeyName></AuthorizationRule></AuthorizationRules>`))
	f.Fuzz(func(t *testing.T, path, body string) {
		d := newDesk(t)
		d.put("t", described("TopicDescription", ""), false, http.StatusCreated)
		send := func(method, path, body string, update bool) int {
			r := httptest.NewRequest(method, "https://localhost/", strings.NewReader(body))
			r.URL.Path = "/" + path
			r.Header.Set("Authorization", d.token)
			if update {
				r.Header.Set("If-Match", "*")
			}
			w := httptest.NewRecorder()
			d.ServeHTTP(w, r)
			return w.Code
		}
		code := send(http.MethodPut, path, body, false)
		if code >= http.StatusInternalServerError {
			t.Fatalf("PUT: %d", code)
		}
		if code != http.StatusCreated {
			return
		}
		if code := send(http.MethodPut, path, body, true); code != http.StatusOK && code != http.StatusBadRequest {
			t.Errorf("the same again as an update: %d", code)
		}
		for _, p := range []string{path, "$Resources/Queues", "$Resources/Topics", "t/Subscriptions"} {
			if code := send(http.MethodGet, p, "", false); code != http.StatusOK {
				t.Errorf("GET %q: %d", p, code)
			}
		}
	})
}

func TestBadAuthorizationRulesAreRefused(t *testing.T) {
	d := newDesk(t)
	rule := func(name, right string) string {
		return `<AuthorizationRule i:type="SharedAccessAuthorizationRule"><Rights><AccessRights>` + right + `</AccessRights></Rights><KeyName>` + name + `</KeyName></AuthorizationRule>`
	}
	for rules, want := range map[string]string{
		rule("k", "Sned"):                       `"Sned" is no right`,
		rule("", "Send"):                        "needs a KeyName of its own",
		rule("k", "Send") + rule("K", "Listen"): "needs a KeyName of its own",
	} {
		d.contains(d.put("q", described("QueueDescription", "<AuthorizationRules>"+rules+"</AuthorizationRules>"), false, http.StatusBadRequest), want)
	}
}
