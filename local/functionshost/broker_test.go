package functionshost

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// startBroker starts the development broker with queues and gives a client of its own, an "other process".
func startBroker(t *testing.T, p broker.QueueProperties, queues ...string) (*servicebus.Server, *azservicebus.Client) {
	t.Helper()
	b, err := servicebus.Start(servicebus.Options{Logf: func(format string, args ...any) { t.Logf("broker: "+format, args...) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range queues {
		if err := b.Broker().CreateQueue(q, p); err != nil {
			t.Fatal(err)
		}
	}
	client, err := azservicebus.NewClientFromConnectionString(b.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			t.Errorf("close client: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("close broker: %v", err)
		}
	})
	return b, client
}

func send(t *testing.T, client *azservicebus.Client, queue string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sender, err := client.NewSender(queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sender.Close(ctx) }()
	for i := 0; i < n; {
		batch, err := sender.NewMessageBatch(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		for ; i < n && batch.NumMessages() < 500; i++ {
			id, subject := fmt.Sprintf("%s-%d", queue, i), "Order"
			m := &azservicebus.Message{Body: fmt.Appendf(nil, `{"n":%d}`, i), MessageID: &id, Subject: &subject,
				ApplicationProperties: map[string]any{"tenant": "usmf", "n": int64(i)}}
			if err := batch.AddMessage(m, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := sender.SendMessageBatch(ctx, batch, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// until waits for a condition on a queue's counts.
func until(t *testing.T, s *stage, b *servicebus.Server, address string, ok func(broker.Counts) bool) broker.Counts {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for {
		c, err := b.Broker().Counts(address)
		if err != nil {
			t.Fatal(err)
		}
		if ok(c) {
			return c
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: %+v\n%s", address, c, s.log())
		}
	}
}

func empty(c broker.Counts) bool { return c.Active == 0 && c.Locked == 0 }

func TestWaitingMessagesFillTheirBatches(t *testing.T) {
	b, client := startBroker(t, broker.QueueProperties{LockDuration: 5 * time.Minute, MaxDeliveryCount: 10}, "ingress")
	send(t, client, "ingress", 1000)
	host := `{"version":"2.0","extensions":{"serviceBus":{"maxMessageBatchSize":100}},"customHandler":{"description":{"defaultExecutablePath":"<handler>"}}}`
	s := newStage(t, map[string]string{"host.json": host, "receive/function.json": serviceBusFunction("ingress", `,"cardinality":"many"`)}, nil)
	s.options.Env["SB"] = b.ConnectionString()
	h := s.start()
	until(t, s, b, "ingress", empty)
	if n := h.Invocations("receive"); n < 10 || n > 20 {
		t.Errorf("1,000 waiting messages took %d calls", n)
	}
	seen := map[string]bool{}
	for range h.Invocations("receive") {
		var body struct {
			Metadata struct{ MessageIdArray, DeliveryCountArray string }
		}
		if err := json.Unmarshal([]byte(s.request().Body), &body); err != nil {
			t.Fatal(err)
		}
		var ids []string
		if err := json.Unmarshal([]byte(body.Metadata.MessageIdArray), &ids); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			seen[id] = true
		}
		if strings.Contains(body.Metadata.DeliveryCountArray, "2") {
			t.Errorf("a message was delivered twice: %s", body.Metadata.DeliveryCountArray)
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d messages were seen", len(seen))
	}
}

func TestSingleMessagesOverTheRealClient(t *testing.T) {
	b, client := startBroker(t, broker.QueueProperties{LockDuration: time.Minute, MaxDeliveryCount: 3}, "ok", "bad", "kill")
	s := newStage(t, map[string]string{"ok/function.json": serviceBusFunction("ok", ""), "bad/function.json": serviceBusFunction("bad", ""),
		"kill/function.json": serviceBusFunction("kill", "")}, map[string]told{"/bad": {Status: 500}, "/kill": {Delay: 60000}})
	s.options.Env["SB"] = b.ConnectionString()
	h := s.start()

	send(t, client, "ok", 1)
	got := s.request()
	var body struct {
		Data     struct{ Msg string }
		Metadata map[string]any
	}
	if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
		t.Fatal(err)
	}
	if text, err := base64.StdEncoding.DecodeString(body.Data.Msg); err != nil || string(text) != `{"n":0}` {
		t.Errorf("body %q", text)
	}
	for name, want := range map[string]string{"MessageId": `"ok-0"`, "DeliveryCount": "1", "Subject": `"Order"`, "Label": `"Order"`, "SequenceNumber": "1"} {
		if body.Metadata[name] != want {
			t.Errorf("%s is %v, want %s", name, body.Metadata[name], want)
		}
	}
	if !strings.Contains(got.Body, `"ApplicationProperties":{"n":0,"tenant":"usmf"},"UserProperties":{"n":0,"tenant":"usmf"}`) {
		t.Error(got.Body)
	}
	until(t, s, b, "ok", empty)

	send(t, client, "bad", 1)
	c := until(t, s, b, "bad", func(c broker.Counts) bool { return c.DeadLetter == 1 })
	if n := h.Invocations("bad"); n != 3 || !empty(c) {
		t.Errorf("%d calls of a function that fails, %+v", n, c)
	}
	for range 3 {
		s.request()
	}

	send(t, client, "kill", 1)
	for delivery := 1; delivery <= 2; delivery++ {
		if got := s.request(); !strings.Contains(got.Body, fmt.Sprintf(`"DeliveryCount":"%d"`, delivery)) {
			t.Errorf("delivery %d: %s", delivery, got.Body)
		}
		if err := h.KillHandler(); err != nil {
			t.Fatal(err)
		}
	}
	s.request()
}

// TestDeadLetteredByTokenMeanwhile is how Crosswalk dead-letters: by lock token over a connection of its own, then 500.
func TestDeadLetteredByTokenMeanwhile(t *testing.T) {
	b, client := startBroker(t, broker.QueueProperties{LockDuration: time.Minute, MaxDeliveryCount: 10}, "q")
	s := newStage(t, map[string]string{"q/function.json": serviceBusFunction("q", "")}, map[string]told{"/q": {Status: 500, Delay: 700}})
	s.options.Env["SB"] = b.ConnectionString()
	h := s.start()
	send(t, client, "q", 1)
	var body struct{ Metadata struct{ LockToken string } }
	if err := json.Unmarshal([]byte(s.request().Body), &body); err != nil {
		t.Fatal(err)
	}
	token, err := uuid.Parse(strings.Trim(body.Metadata.LockToken, `"`))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := client.NewReceiverForQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	reason := "too-long"
	if err := r.DeadLetterMessage(ctx, &azservicebus.ReceivedMessage{LockToken: token}, &azservicebus.DeadLetterOptions{Reason: &reason}); err != nil {
		t.Fatal(err)
	}
	l := s.line(errorLevel, "Message processing error (Action=Abandon, ")
	if !strings.Contains(l.Text, "MessageLockLostException") {
		t.Error(l.Text)
	}
	until(t, s, b, "q", func(c broker.Counts) bool { return c.DeadLetter == 1 && empty(c) })
	if n := h.Invocations("q"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestSubscriptionsAreReceivedFrom(t *testing.T) {
	b, client := startBroker(t, broker.QueueProperties{LockDuration: time.Minute, MaxDeliveryCount: 10})
	if err := b.Broker().CreateTopic("events", broker.TopicProperties{}); err != nil {
		t.Fatal(err)
	}
	if err := b.Broker().CreateSubscription("events", "all", broker.SubscriptionProperties{LockDuration: time.Minute, MaxDeliveryCount: 10}); err != nil {
		t.Fatal(err)
	}
	s := newStage(t, map[string]string{"sub/function.json": `{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"m","topicName":"%TOPIC%","subscriptionName":"all","connection":"SB","dataType":"binary"}]}`}, nil)
	s.options.Env["SB"], s.options.Env["TOPIC"] = b.ConnectionString(), "events"
	s.start()
	send(t, client, "events", 5)
	for range 5 {
		if got := s.request(); !strings.Contains(got.Body, `"EntityPath":"events/Subscriptions/all"`) {
			t.Error(got.Body)
		}
	}
	until(t, s, b, "events/Subscriptions/all", empty)
}

// TestSessionsKeepTheirOrder sends three sessions' messages in turn: each session comes in order, one call at a time.
func TestSessionsKeepTheirOrder(t *testing.T) {
	b, client := startBroker(t, broker.QueueProperties{LockDuration: time.Minute, MaxDeliveryCount: 3, RequiresSession: true}, "s")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sender, err := client.NewSender("s", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		session := fmt.Sprintf("session-%d", i%3)
		if err := sender.SendMessage(ctx, &azservicebus.Message{Body: fmt.Appendf(nil, `%d`, i), SessionID: &session}, nil); err != nil {
			t.Fatal(err)
		}
	}
	host := `{"version":"2.0","extensions":{"serviceBus":{"sessionIdleTimeout":"00:00:01","maxConcurrentSessions":2}},"customHandler":{"description":{"defaultExecutablePath":"<handler>"}}}`
	s := newStage(t, map[string]string{"host.json": host, "s/function.json": serviceBusFunction("s", `,"isSessionsEnabled":true`)}, nil)
	s.options.Env["SB"] = b.ConnectionString()
	s.start()
	last := map[string]int{}
	for range 12 {
		var body struct {
			Data     struct{ Msg []byte }
			Metadata struct{ SessionId, SequenceNumber string }
		}
		got := s.request()
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(body.Metadata.SequenceNumber)
		if err != nil || n <= last[body.Metadata.SessionId] {
			t.Errorf("session %s: %d after %d (%v)", body.Metadata.SessionId, n, last[body.Metadata.SessionId], err)
		}
		last[body.Metadata.SessionId] = n
		if !strings.Contains(got.Body, `"MessageSession":{},`) {
			t.Error(got.Body)
		}
	}
	if len(last) != 3 {
		t.Errorf("sessions: %v", last)
	}
	until(t, s, b, "s", empty)
}
