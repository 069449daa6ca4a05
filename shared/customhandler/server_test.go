package customhandler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

// recorded returns an invocation recorded from the real host, with the trigger named as ours are.
func recorded(t *testing.T, name, binding string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(data), `"`+binding+`":`, `"in":`, 1)
}

func post(s *Server, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("X-Azure-Functions-InvocationId", "inv-1")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

var wantBody = `{"EventId":"e1","Total":12,"MessageId":"evil","CorrelationId":{"x":1},"applicationproperties":"gone","Arr":[1]}`

func wantMessage(function string) Message {
	return Message{
		Function: function, Invocation: "inv-1", Body: []byte(wantBody),
		LockToken:     [16]byte{0x6e, 0x0f, 0x0c, 0x3e, 0x0d, 0x5b, 0x4b, 0x5e, 0x9c, 0x51, 0x0f, 0x3c, 0x3b, 0x0c, 0x1a, 0x11},
		DeliveryCount: 1, SequenceNumber: 42, EnqueuedTime: time.Date(2026, 11, 23, 6, 47, 22, 0, time.UTC),
		MessageID: "m-1", CorrelationID: "c-1", ContentType: "application/json", Subject: "Order",
		Properties: map[string]any{
			"tenant": "usmf", "attempt": json.Number("3"), "big": json.Number("9007199254740993"), "ok": true,
			"d": json.Number("1.5"), "dec": json.Number("1.50"), "g": "6e0f0c3e-0d5b-4b5e-9c51-0f3c3b0c1a11",
			"when": "2026-11-23T06:47:22.123Z", "dto": "2026-11-23T06:47:22.5+02:00", "ts": "00:01:30", "by": "AAH/",
			"nul": nil, "uri": "http://x/y", "traceparent": "00-1-2-01", "datestr": "2026-11-23T06:47:22Z",
		},
	}
}

func TestARecordedMessageIsDecodedWhole(t *testing.T) {
	s := NewServer(zerolog.Nop())
	var got Message
	s.Single("s_binary", func(_ context.Context, m Message) error { got = m; return nil })
	w := post(s, "/s_binary", recorded(t, "s_binary", "msg"))
	if d := cmp.Diff(wantMessage("s_binary"), got); d != "" {
		t.Errorf("message (-want +got):\n%s", d)
	}
	assertAnswer(t, w, 200, "{}")
}

func TestARecordedBatchIsDecodedWhole(t *testing.T) {
	s := NewServer(zerolog.Nop())
	var got []Message
	s.Batch("b_binary", func(_ context.Context, m []Message) { got = m })
	w := post(s, "/b_binary", recorded(t, "b_binary", "msgs"))
	if len(got) != 3 {
		t.Fatalf("%d messages, want 3; answer %d", len(got), w.Code)
	}
	want := wantMessage("b_binary")
	want.EnqueuedTime = want.EnqueuedTime.Add(923456700)
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Errorf("first message (-want +got):\n%s", d)
	}
	if string(got[1].Body) != "plain" || got[1].ContentType != "text/plain" || string(got[2].Body) != "[1]" || got[2].MessageID != "m-3" {
		t.Errorf("second and third message are mixed up: %+v", got[1:])
	}
	assertAnswer(t, w, 200, "{}")
}

// Every answer has a JSON body and the JSON content type: an empty 2xx hangs the real host until functionTimeout.
func assertAnswer(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("answer %d %q, want %d application/json", w.Code, w.Header().Get("Content-Type"), status)
	}
	if body != "" && w.Body.String() != body {
		t.Errorf("body %q, want %q", w.Body.String(), body)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("body %q is no JSON", w.Body.String())
	}
}

func TestFailuresAnswer500WithABody(t *testing.T) {
	s := NewServer(zerolog.Nop())
	s.Single("fails", func(context.Context, Message) error { return errors.New("no") })
	s.Single("panics", func(context.Context, Message) error { panic("no") })
	s.Batch("batch-panics", func(context.Context, []Message) { panic("no") })
	for _, path := range []string{"/fails", "/panics"} {
		assertAnswer(t, post(s, path, recorded(t, "s_binary", "msg")), 500, "")
	}
	assertAnswer(t, post(s, "/batch-panics", recorded(t, "b_binary", "msgs")), 500, "")
	assertAnswer(t, post(s, "/no-such-function", "{}"), 404, "")
}

func TestAnInvocationOfTheWrongShapeNamesTheField(t *testing.T) {
	good := recorded(t, "s_binary", "msg")
	for _, c := range []struct{ name, body, field string }{
		{"no JSON", "nope", `"field":"invocation"`},
		{"text body", recorded(t, "s_default", "msg"), `"field":"Data.in"`},
		{"no lock token", strings.Replace(good, `"LockToken"`, `"Other"`, 1), `"field":"Metadata.LockToken"`},
		{"no delivery count", strings.Replace(good, `"DeliveryCount":"1"`, `"DeliveryCount":"x"`, 1), `"field":"Metadata.DeliveryCount"`},
		{"a quote in the middle", strings.Replace(good, `"SequenceNumber":"42"`, `"SequenceNumber":"4"2"`, 1), `"field":"Metadata"`},
		{"a name twice", strings.Replace(good, `"SequenceNumber":`, `"LockToken":"","SequenceNumber":`, 1), `"field":"Metadata.LockToken"`},
		{"a line break in base64", strings.Replace(good, `"in":"`, `"in":"\n`, 1), `"field":"Data.in"`},
		{"bits behind base64", `{"Data":{"in":"eyJ="},"Metadata":{}}`, `"field":"Data.in"`},
		{"short batch", strings.Replace(recorded(t, "b_binary", "msgs"), `"LockTokenArray":"[`, `"LockTokenArray":"[\"one more\",`, 1), `"field":"Metadata.LockTokenArray"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log strings.Builder
			s := NewServer(zerolog.New(&log))
			s.Single("one", func(context.Context, Message) error { t.Error("the function was called"); return nil })
			s.Batch("many", func(context.Context, []Message) { t.Error("the function was called") })
			path := "/one"
			if c.name == "short batch" {
				path = "/many"
			}
			assertAnswer(t, post(s, path, c.body), 500, "")
			if !strings.Contains(log.String(), c.field) {
				t.Errorf("log %q does not name %s", log.String(), c.field)
			}
			if strings.Contains(log.String(), "EventId") {
				t.Errorf("log %q quotes the message", log.String())
			}
		})
	}
}

func batchOf(n int, body func(int) string) string {
	var bodies, ids, tokens, numbers []string
	for i := range n {
		encoded := base64.StdEncoding.EncodeToString([]byte(body(i)))
		bodies = append(bodies, strconv.Quote(encoded))
		ids = append(ids, strconv.Quote(strconv.Quote(encoded))) // an id that is itself in quotes
		tokens = append(tokens, fmt.Sprintf(`"6e0f0c3e-0d5b-4b5e-9c51-%012d"`, i))
		numbers = append(numbers, strconv.Itoa(i))
	}
	list := func(values []string) string {
		return strconv.Quote("[" + strings.Join(values, ",") + "]")
	}
	return `{"Data":{"in":` + list(bodies) + `},"Metadata":{"MessageIdArray":` + list(ids) + `,"LockTokenArray":` + list(tokens) +
		`,"DeliveryCountArray":` + list(numbers) + `,"SequenceNumberArray":` + list(numbers) +
		`,"EnqueuedTimeUtcArray":` + list(slices.Repeat([]string{`"2026-11-23T06:47:22"`}, n)) + `}}`
}

// What a function gets stays as it was when the next invocation is read in the same memory.
func TestABatchOfAThousandKeepsItsMessages(t *testing.T) {
	s := NewServer(zerolog.Nop())
	var got [][]Message
	s.Batch("many", func(_ context.Context, m []Message) { got = append(got, m) })
	for round := range 2 {
		assertAnswer(t, post(s, "/many", batchOf(1000, func(i int) string { return fmt.Sprintf("body %d of round %d", i, round) })), 200, "{}")
	}
	for round, messages := range got {
		if len(messages) != 1000 {
			t.Fatalf("%d messages", len(messages))
		}
		for i, m := range messages {
			if want := fmt.Sprintf("body %d of round %d", i, round); string(m.Body) != want || m.MessageID != strconv.Quote(base64.StdEncoding.EncodeToString([]byte(want))) || m.SequenceNumber != int64(i) {
				t.Fatalf("message %d of round %d is %+v", i, round, m)
			}
		}
	}
	if got[0][1].Body = append(got[0][1].Body, "more"...); string(got[0][2].Body) != "body 2 of round 0" {
		t.Error("a body that grows overwrites its neighbour")
	}
}

// The host writes a batch's bodies in one way; what means the same is read as well.
func TestABatchMayBeWrittenInOtherWays(t *testing.T) {
	plain := batchOf(2, func(i int) string { return "\xff\xff\xfe" + strconv.Itoa(i) })
	const one, two = `///+MA==`, `///+MQ==`
	usual := `"[\"` + one + `\",\"` + two + `\"]"`
	if !strings.Contains(plain, usual) {
		t.Fatal(plain)
	}
	for _, c := range []struct{ in, field string }{
		{usual, ""},
		{`["` + one + `","` + two + `"]`, ""},
		{`[ "` + strings.ReplaceAll(one, "/", `\/`) + `" , "` + strings.ReplaceAll(two, "/", `\/`) + `" ]`, ""},
		{`" [\"` + one + `\", \"` + two + `\"]"`, ""},
		{`"[\"` + one + `\",\"\\/\\/\\/+MQ==\"]"`, ""},
		{`"[\"` + one + `\"]"`, "Metadata.LockTokenArray"},
		{`"[]"`, "Metadata.LockTokenArray"},
		{`"[\"` + one + `\",\"` + two + `\"]x"`, "Data.in"},
		{`"[\"` + one + `\",\"` + two + `\""`, "Data.in"},
		{`"[\"` + one + `\",7]"`, "Data.in[1]"},
		{`"[\"` + one + `\",\"///+MR==\"]"`, "Data.in[1]"},
		{`"[\"` + one + `\",\"\\n` + two + `\"]"`, "Data.in[1]"},
		{`7`, "Data.in"},
	} {
		var log strings.Builder
		s := NewServer(zerolog.New(&log))
		var got []Message
		s.Batch("many", func(_ context.Context, m []Message) { got = m })
		post(s, "/many", strings.Replace(plain, usual, c.in, 1))
		if c.field == "" && (len(got) != 2 || string(got[0].Body) != "\xff\xff\xfe0" || string(got[1].Body) != "\xff\xff\xfe1") {
			t.Errorf("%s gives %+v %s", c.in, got, log.String())
		}
		if c.field != "" && !strings.Contains(log.String(), `"field":"`+c.field+`"`) {
			t.Errorf("%s: the log doesn't name %s: %s", c.in, c.field, log.String())
		}
	}
}

// Extension 4.x has UserProperties and Label instead of ApplicationProperties and Subject.
func TestOlderMetadataIsUnderstood(t *testing.T) {
	older := func(text string) string {
		for _, name := range []string{"ApplicationProperties", "Subject"} {
			text = strings.Replace(text, `"`+name, `"No`+name, 1)
		}
		return text
	}
	s := NewServer(zerolog.Nop())
	var got []Message
	s.Single("one", func(_ context.Context, m Message) error { got = append(got, m); return nil })
	s.Batch("many", func(_ context.Context, m []Message) { got = append(got, m...) })
	assertAnswer(t, post(s, "/one", older(recorded(t, "s_binary", "msg"))), 200, "{}")
	assertAnswer(t, post(s, "/many", older(strings.Replace(recorded(t, "b_binary", "msgs"), `"SubjectArray"`, `"LabelArray"`, 1))), 200, "{}")
	if len(got) != 4 {
		t.Fatalf("%d messages", len(got))
	}
	for _, m := range got {
		if m.Properties["tenant"] != "usmf" || m.Subject != "Order" {
			t.Errorf("properties %v, subject %q", m.Properties, m.Subject)
		}
	}
}

func TestABodyMayHaveEscapedSlashes(t *testing.T) {
	s := NewServer(zerolog.Nop())
	var got Message
	s.Single("one", func(_ context.Context, m Message) error { got = m; return nil })
	body := strings.Replace(recorded(t, "s_binary", "msg"), wantBase64, `\/\/\/+`, 1)
	if post(s, "/one", body); string(got.Body) != "\xff\xff\xfe" {
		t.Errorf("body %q", got.Body)
	}
}

var wantBase64 = base64.StdEncoding.EncodeToString([]byte(wantBody))

func TestATimersInvocationIsJSON(t *testing.T) {
	s := NewServer(zerolog.Nop())
	calls := 0
	s.Timer("tick", func(context.Context) error { calls++; return nil })
	assertAnswer(t, post(s, "/tick", `{"Data":{"in":{"IsPastDue":false}},"Metadata":{}}`), 200, "{}")
	assertAnswer(t, post(s, "/tick", `{"Data":`), 500, "")
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestHTTPRequestsReachTheirHandlerUnchanged(t *testing.T) {
	s := NewServer(zerolog.Nop())
	s.HTTP("hook", "/api/hook", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.URL.RawQuery+" "+string(body))
	}))
	w := post(s, "/api/hook?x=1", "raw \xff body")
	if w.Code != http.StatusTeapot || w.Body.String() != "x=1 raw \xff body" {
		t.Errorf("answer %d %q", w.Code, w.Body.String())
	}
	for _, path := range []string{"/API/Hook", "/api/hook/"} {
		if w := post(s, path, "x"); w.Code != http.StatusTeapot {
			t.Errorf("%s: answer %d; the host has matched the route", path, w.Code)
		}
	}
	probe := httptest.NewRecorder()
	s.ServeHTTP(probe, httptest.NewRequest(http.MethodGet, "/", nil))
	assertAnswer(t, probe, 200, "")
}

// FuzzInvocation holds that no invocation makes the decoder panic, and that the log says which field is at fault.
func FuzzInvocation(f *testing.F) {
	for _, name := range []string{"s_binary", "b_binary", "s_default"} {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(strings.NewReplacer(`"msg":`, `"in":`, `"msgs":`, `"in":`).Replace(string(data)))
	}
	f.Add(batchOf(3, strconv.Itoa))
	var log strings.Builder
	s := NewServer(zerolog.New(&log))
	s.Single("one", func(context.Context, Message) error { return nil })
	s.Batch("many", func(context.Context, []Message) {})
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/one", "/many"} {
			log.Reset()
			w := post(s, path, body)
			if strings.Contains(log.String(), "panicked") {
				t.Fatalf("%s: %s", path, log.String())
			}
			if w.Code != 200 && !strings.Contains(log.String(), `"field":`) {
				t.Fatalf("%s answers %d without saying which field: %s", path, w.Code, log.String())
			}
		}
	})
}
