package functionshost

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

const evilBody = `{"EventId":"e1","Total":12,"MessageId":"evil","CorrelationId":{"x":1},"applicationproperties":"gone","Arr":[1]}`

var (
	goldenTime  = time.Date(2026, 11, 23, 6, 47, 22, 923456700, time.UTC)
	goldenToken = uuid.MustParse("6e0f0c3e-0d5b-4b5e-9c51-0f3c3b0c1a11")
)

// goldenProperties are the application properties of case 13, each of another .NET type.
func goldenProperties() dictionary {
	return dictionary{{"tenant", "usmf"}, {"attempt", int32(3)}, {"big", int64(9007199254740993)}, {"ok", true}, {"d", 1.5},
		{"dec", decimalText("1.50")}, {"g", goldenToken}, {"when", dateTimeUTC(time.Date(2026, 11, 23, 6, 47, 22, 123e6, time.UTC))},
		{"dto", dateTimeOffset(time.Date(2026, 11, 23, 6, 47, 22, 500e6, time.FixedZone("", 7200)))}, {"ts", 90 * time.Second},
		{"by", []byte{0, 1, 0xFF}}, {"nul", nil}, {"uri", uriText("http://x/y")}, {"traceparent", "00-1-2-01"},
		{"datestr", "2026-11-23T06:47:22Z"}}
}

func goldenMessage(n int, body string) *busMessage {
	text := func(s string) *string { return &s }
	number := strconv.Itoa(n)
	return &busMessage{body: []byte(body), deliveryCount: 1, lockToken: goldenToken, lockedUntil: time.Now().Add(time.Hour),
		expiresAt: goldenTime, enqueuedTime: goldenTime, sequenceNumber: 42, messageID: text("m-" + number), contentType: text("application/json"),
		subject: text("Order"), correlationID: text("c-" + number), properties: goldenProperties()}
}

// singles are the six messages that each single function of case 13 got.
func singles() []*busMessage {
	session := "s1"
	withSession := goldenMessage(5, `{"a":1}`)
	withSession.sessionID, withSession.expiresAt = &session, maxDateTime
	bare := &busMessage{body: []byte(`[1,2]`), deliveryCount: 1, lockToken: goldenToken, lockedUntil: time.Now().Add(time.Hour),
		expiresAt: goldenTime, enqueuedTime: goldenTime, sequenceNumber: 42, properties: dictionary{}}
	return []*busMessage{goldenMessage(1, evilBody), goldenMessage(2, "plain"), goldenMessage(3, "\x00\x01\xff"), goldenMessage(4, ""), withSession, bare}
}

// stageServiceBus13 is the app of case 13 with the real trigger's name and a fake broker that calls its entity as the
// recording does.
func stageServiceBus13(t *testing.T) (*stage, *fakeBus, goldenCase) {
	t.Helper()
	g := readGolden(t, "13-labbus-servicebus-like")
	files := g.files(func(name, content string) string {
		content = strings.ReplaceAll(content, `"labTrigger"`, `"serviceBusTrigger"`)
		return strings.ReplaceAll(content, `"lab"`, `"serviceBus"`) // outputs are dropped here
	})
	s := newStage(t, files, g.Told)
	bus := newFakeBus()
	bus.entity = &busEntity{path: "q", namespace: "ns.servicebus.windows.net"}
	s.options.source = bus
	s.start()
	return s, bus, g
}

// replayServiceBus plays the messages of case 13: single ones, batches, and those of functions with outputs.
func replayServiceBus(t *testing.T, _ string) {
	s, bus, g := stageServiceBus13(t)
	replaySingles(t, s, bus, g)
	replayBatches(t, s, bus, g)
	for _, c := range []struct{ function, queue, body string }{
		{"o_out", "o-in", "x"}, {"o_expr", "o-expr", `{"MessageId":"fromBody","CorrelationId":"cc"}`},
	} {
		want := g.requests("/" + c.function)[0]
		bus.deliver(c.queue, goldenMessage(1, c.body))
		compareRequests(t, s.request(), want, withoutInvented(t, want.Body))
		if got := bus.settlement(t).Action; got != "Complete" {
			t.Errorf("%s: %s", c.function, got)
		}
	}
	bus.deliver("s-stream", goldenMessage(1, "x"))
	if got := bus.settlement(t).Action; got != "Abandon" {
		t.Errorf("s_stream: %s", got)
	}
	s.line(errorLevel, "Exception binding parameter 'msg'")
}

func replaySingles(t *testing.T, s *stage, bus *fakeBus, g goldenCase) {
	t.Helper()
	for _, name := range []string{"s_default", "s_string", "s_binary"} {
		want := g.requests("/" + name)
		if len(want) != len(singles()) {
			t.Fatalf("%s: the recording has %d requests", name, len(want))
		}
		for i, m := range singles() {
			bus.deliver(strings.ReplaceAll(name, "_", "-"), m)
			compareRequests(t, s.request(), want[i], withoutInvented(t, want[i].Body))
			if got := bus.settlement(t).Action; got != "Complete" {
				t.Errorf("%s %d: %s", name, i, got)
			}
		}
	}
	want := g.requests("/s_fail")
	bus.deliver("s-fail", goldenMessage(1, "x"))
	compareRequests(t, s.request(), want[0], withoutInvented(t, want[0].Body))
	if got := bus.settlement(t).Action; got != "Abandon" {
		t.Errorf("s_fail: %s", got)
	}
}

func replayBatches(t *testing.T, s *stage, bus *fakeBus, g goldenCase) {
	t.Helper()
	plain := "text/plain"
	second := goldenMessage(2, "plain")
	second.contentType = &plain
	three := []*busMessage{goldenMessage(1, evilBody), second, goldenMessage(3, "[1]")}
	cases := []struct {
		function string
		at       int // which request of the recording
		messages []*busMessage
	}{
		{"b_binary", 0, three},
		{"b_binary", 1, []*busMessage{goldenMessage(9, evilBody)}},
		{"b_binary", 2, []*busMessage{goldenMessage(7, "\x00\x01\xff")}},
		{"b_string", 0, three},
		{"b_string", 1, []*busMessage{goldenMessage(9, evilBody)}},
		{"b_string", 2, []*busMessage{goldenMessage(7, "\x00\x01\xff")}},
		{"b_default", 0, []*busMessage{goldenMessage(9, evilBody)}},
		{"b_fail", 0, []*busMessage{goldenMessage(1, "x"), goldenMessage(2, "y")}},
	}
	for _, c := range cases {
		want := g.requests("/" + c.function)[c.at]
		bus.deliver(strings.ReplaceAll(c.function, "_", "-"), c.messages...)
		compareRequests(t, s.request(), want, withoutInvented(t, want.Body))
		action := "Complete"
		if c.function == "b_fail" {
			action = "Abandon"
		}
		for _, m := range c.messages {
			if got := bus.settlement(t); got.Action != action || got.MessageID != *m.messageID {
				t.Errorf("%s: settled %+v, want %s of %s", c.function, got, action, *m.messageID)
			}
		}
	}
	for function, at := range map[string]int{"b_binary": 3, "b_string": 3, "b_default": 1} {
		want := g.requests("/" + function)[at] // an empty batch, which no receive gives
		body, err := bindBatch(s.host.current().functions[function], *bus.entity, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := byShape(string(body(time.Now()))), byShape(withoutInvented(t, want.Body)); got != want {
			t.Errorf("%s, empty:\n got %s\nwant %s", function, got, want)
		}
	}
}

func TestBatchWithoutDataTypeFailsBeforeTheHandlerOnABodyThatIsNoJSON(t *testing.T) {
	s, bus, _ := stageServiceBus13(t)
	bus.deliver("b-default", goldenMessage(1, evilBody), goldenMessage(2, "plain"))
	for range 2 {
		if got := bus.settlement(t).Action; got != "Abandon" {
			t.Errorf("settled by %s", got)
		}
	}
	s.line(errorLevel, "Exception binding parameter 'msgs'")
	bus.deliver("b-binary", goldenMessage(3, "x"))
	if got := s.request(); got.URL != "/b_binary" {
		t.Errorf("the handler was called: %s", got.URL)
	}
}
