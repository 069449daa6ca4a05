package receive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crosswalk/shared/event"
	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
)

const changed = `{"MessageName":"Update","PrimaryEntityName":"account","PrimaryEntityId":"d290f1ee-6c54-4b01-90e6-d701748f0851",` +
	`"OperationCreatedOn":"/Date(1782925001000)/","OrganizationName":"org","OperationId":"b7f5c1d2-3e4a-4b6c-8d9e-0f1a2b3c4d5e"}`

// park is the ingress queue's other end. A nil one is down.
type park struct {
	parked []string
	sick   bool
}

func (p *park) Park(ctx context.Context, body []byte, contentType string) (string, error) {
	if p == nil {
		return "p0", &fault.Error{Kind: fault.Transient, Reason: "broker-unavailable", Detail: "d"}
	}
	if p.sick {
		panic("secret")
	}
	p.parked = append(p.parked, contentType+" "+string(body))
	return "p1", ctx.Err()
}

// changedEvent returns the id of the event in changed.
func changedEvent(t *testing.T) string {
	t.Helper()
	parsed, err := event.Parse([]byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Events[0].ID()
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, errors.New("the connection is gone") }

func TestWebhook(t *testing.T) {
	unavailable := &fault.Error{Kind: fault.Transient, Reason: "broker-unavailable", Detail: "d"}
	refused := &fault.Error{Kind: fault.Misconfigured, Reason: "broker-refused", Detail: "d"}
	const id = "EVENT"
	large := strings.Replace(changed, `"org"`, `"org","Note":"`+strings.Repeat("x", 1<<20)+`"`, 1)
	for _, c := range []struct {
		name   string
		topic  *topic
		park   *park
		method string
		header http.Header
		body   io.Reader
		status int
		answer string
		events int
		parked int
		log    string
	}{
		{name: "event", body: strings.NewReader(changed), park: &park{}, status: 200, answer: `{"status":"published","events":1}`, events: 1,
			log: "dataverse-webhook EVENT dataverse.account.updated published []"},
		{name: "any content type", body: strings.NewReader(changed), park: &park{}, header: http.Header{"Content-Type": {"text/plain"}}, status: 200,
			answer: `{"status":"published","events":1}`, events: 1, log: "dataverse-webhook EVENT dataverse.account.updated published []"},
		{name: "size exceeded", body: strings.NewReader(changed), park: &park{}, header: http.Header{sizeExceeded: {""}}, status: 200,
			answer: `{"status":"published","events":1}`, events: 1, log: "dataverse-webhook EVENT dataverse.account.updated published size-exceeded []"},
		{name: "1 MB", body: strings.NewReader(large), park: &park{}, status: 200, answer: `{"status":"published","events":1}`, events: 1,
			log: "dataverse-webhook EVENT dataverse.account.updated published []"},
		{name: "test event", body: strings.NewReader(testEndpoint), park: &park{}, status: 200, answer: `{"status":"nothing to do"}`,
			log: "dataverse-webhook nothing-to-do test-event []"},
		{name: "GET", method: "GET", park: &park{}, status: 405, answer: `{"error":"only POST"}`},
		{name: "PUT", method: "PUT", body: strings.NewReader(changed), park: &park{}, status: 405, answer: `{"error":"only POST"}`},
		{name: "over 4 MB", body: bytes.NewReader(make([]byte, maxWebhookBody+1)), park: &park{}, status: 413, answer: `{"error":"larger than 4 MB"}`,
			log: "dataverse-webhook abandoned too-large []"},
		{name: "4 MB of nothing", body: bytes.NewReader(make([]byte, maxWebhookBody)), park: &park{}, status: 200, parked: 1,
			answer: `{"status":"parked","reason":"malformed-json","field":"/"}`, log: "dataverse-webhook p1 parked malformed-json / []"},
		{name: "cut", body: cut{}, park: &park{}, status: 503, log: "dataverse-webhook abandoned body-cut []"},
		{name: "unreadable", body: strings.NewReader(`{"MessageName":secret}`), park: &park{}, header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
			status: 200, parked: 1, answer: `{"status":"parked","reason":"malformed-json","field":"/MessageName"}`,
			log: "dataverse-webhook p1 parked malformed-json /MessageName []"},
		{name: "empty", body: strings.NewReader(""), park: &park{}, status: 200, parked: 1, answer: `{"status":"parked","reason":"malformed-json","field":"/"}`,
			log: "dataverse-webhook p1 parked malformed-json / []"},
		{name: "unreadable and the queue down", body: strings.NewReader(`{`), status: 503, log: "dataverse-webhook p0 abandoned broker-unavailable []"},
		{name: "unreadable and parking panics", body: strings.NewReader(`{`), park: &park{sick: true}, status: 503, log: "dataverse-webhook abandoned panic []"},
		{name: "broker down", topic: &topic{fail: map[string]error{id: unavailable}}, body: strings.NewReader(changed), park: &park{}, status: 503,
			log: "dataverse-webhook EVENT abandoned broker-unavailable []"},
		{name: "Send right revoked", topic: &topic{fail: map[string]error{id: refused}}, body: strings.NewReader(changed), park: &park{}, status: 503,
			log: "dataverse-webhook EVENT abandoned broker-refused []"},
		{name: "unjudged failure", topic: &topic{fail: map[string]error{id: errors.New("secret")}}, body: strings.NewReader(changed), park: &park{}, status: 503,
			log: "dataverse-webhook EVENT abandoned unexpected []"},
		{name: "event refused", topic: &topic{fail: map[string]error{id: fault.Reject("too-large", "", "d")}}, body: strings.NewReader(changed), park: &park{}, status: 200, parked: 1,
			answer: `{"status":"parked","reason":"too-large"}`, log: "dataverse-webhook p1 parked too-large []"},
		{name: "panic", topic: &topic{sick: id}, body: strings.NewReader(changed), park: &park{}, status: 200, parked: 1,
			answer: `{"status":"parked","reason":"panic"}`, log: "dataverse-webhook p1 parked panic []"},
		{name: "panic and the queue down", topic: &topic{sick: id}, body: strings.NewReader(changed), status: 503, log: "dataverse-webhook p0 abandoned broker-unavailable []"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var j journal
			if c.topic == nil {
				c.topic = &topic{}
			}
			real := changedEvent(t)
			if err, ok := c.topic.fail[id]; ok {
				c.topic.fail = map[string]error{real: err}
			}
			if c.topic.sick != "" {
				c.topic.sick = real
			}
			h := &Webhook{Function: "dataverse-webhook", Publisher: c.topic, Parker: c.park, Routes: routes, Log: j.log, Now: time.Now}
			if c.method == "" {
				c.method = http.MethodPost
			}
			r := httptest.NewRequest(c.method, "/api/dataverse-webhook", c.body)
			for k, v := range c.header {
				r.Header[k] = v
			}
			r.Header.Set("InvocationId", "inv")
			// The sender has hung up; what it sent is kept all the same.
			ctx, hangUp := context.WithCancel(r.Context())
			hangUp()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r.WithContext(ctx))

			answer := strings.TrimSpace(w.Body.String())
			if w.Code != c.status || c.answer != "" && answer != c.answer {
				t.Errorf("answered %d %s, want %d %s", w.Code, answer, c.status, c.answer)
			}
			if !json.Valid([]byte(answer)) || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("the answer %q is no JSON", answer)
			}
			if (w.Header().Get("Retry-After") != "") != (w.Code == 503) || (w.Header().Get("Allow") == "POST") != (w.Code == 405) {
				t.Errorf("status %d with headers %v", w.Code, w.Header())
			}
			if len(c.topic.events) != c.events {
				t.Errorf("%d events on the topic, want %d", len(c.topic.events), c.events)
			}
			if c.park != nil && len(c.park.parked) != c.parked {
				t.Errorf("parked %d, want %d", len(c.park.parked), c.parked)
			}
			var want []string
			if c.log != "" {
				want = []string{strings.ReplaceAll(c.log, id, real)}
			}
			if got := j.lines(t); !slices.Equal(got, want) {
				t.Errorf("logged %q\nwant   %q", got, want)
			}
			for _, r := range j.records {
				if r.Invocation != "inv" {
					t.Errorf("no invocation id: %+v", r)
				}
			}
		})
	}
}

// The sender waits 60 s. It is answered well before, however long the broker takes.
func TestWebhookDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := &topic{before: func(ctx context.Context) { <-ctx.Done() }}
		var j journal
		h := &Webhook{Function: "dataverse-webhook", Publisher: hang, Parker: &park{}, Routes: routes, Log: j.log, Now: time.Now}
		start := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/dataverse-webhook", strings.NewReader(changed)))
		if took := time.Since(start); w.Code != http.StatusServiceUnavailable || took > 30*time.Second {
			t.Errorf("answered %d after %v", w.Code, took)
		}
		if len(j.records) != 1 || j.records[0].Outcome != telemetry.Abandoned || j.records[0].Took < time.Second {
			t.Errorf("logged %+v", j.records)
		}
	})
}

// Over a real connection, whose read deadline must not outlive the body.
func TestWebhookServed(t *testing.T) {
	var kept topic
	var j journal
	s := httptest.NewServer(&Webhook{Function: "dataverse-webhook", Publisher: &kept, Parker: &park{}, Routes: routes, Log: j.log, Now: time.Now})
	defer s.Close()
	for range 2 {
		response, err := s.Client().Post(s.URL+"/api/dataverse-webhook", "application/json", strings.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("answered %d %q, error %v", response.StatusCode, body, err)
		}
	}
	if len(kept.events) != 1 {
		t.Errorf("the same webhook twice gives %d events", len(kept.events))
	}
}

// A request of crosswalk verify is answered with how the host handed it over, and leaves no event.
func TestAProbedWebhookLeavesNoEvent(t *testing.T) {
	for header, want := range map[string]string{"": "forwarding", "X-Ms-Invocation-Id": "proxying"} {
		r := httptest.NewRequest(http.MethodPost, "/api/dataverse-webhook", strings.NewReader("{}"))
		r.Header.Set(ProbeHeader, "1")
		if header != "" {
			r.Header.Set(header, "x")
		}
		w := httptest.NewRecorder()
		(&Webhook{}).ServeHTTP(w, r) // which publishes and parks nothing, or it panics
		if want = `{"status":"probe","through":"` + want + `"}` + "\n"; w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%d %q, want %q", w.Code, w.Body.String(), want)
		}
	}
}
