package customhandler

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// filled is a batch whose every text says which call and which message it belongs to.
func filled(call string, messages, size int) string {
	columns := map[string][]string{}
	for i := range messages {
		text := call + "/" + strconv.Itoa(i)
		body := strconv.Quote(base64.StdEncoding.EncodeToString([]byte(text + strings.Repeat("x", size))))
		columns["in"] = append(columns["in"], body)
		for _, name := range []string{"MessageId", "CorrelationId", "ContentType", "Subject"} {
			columns[name] = append(columns[name], strconv.Quote(text))
		}
		columns["LockToken"] = append(columns["LockToken"], fmt.Sprintf(`"6e0f0c3e-0d5b-4b5e-9c51-%012d"`, i))
		columns["DeliveryCount"], columns["SequenceNumber"] = append(columns["DeliveryCount"], "1"), append(columns["SequenceNumber"], "2")
		columns["EnqueuedTimeUtc"] = append(columns["EnqueuedTimeUtc"], `"2026-11-23T06:47:22"`)
		columns["ApplicationProperties"] = append(columns["ApplicationProperties"], fmt.Sprintf(`{"text":%q,"number":%d,"\u006eame":"\u0061%s"}`, text, i, text))
	}
	var metadata []string
	for name, values := range columns {
		if name != "in" {
			metadata = append(metadata, strconv.Quote(name+"Array")+":"+strconv.Quote("["+strings.Join(values, ",")+"]"))
		}
	}
	return `{"Data":{"in":` + strconv.Quote("["+strings.Join(columns["in"], ",")+"]") + `},"Metadata":{` + strings.Join(metadata, ",") + `}}`
}

// A function may keep what it was given, after it has answered too: however many calls are read at once in the same memory, large and
// small, no message changes.
func TestAFunctionMayKeepItsMessages(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	kept := map[string][]Message{}
	s := NewServer(zerolog.Nop())
	s.Batch("one", func(_ context.Context, messages []Message) {
		call, _, _ := strings.Cut(strings.Clone(messages[0].MessageID), "/")
		mu.Lock()
		defer mu.Unlock()
		kept[call] = messages
	})
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx, l) }()
	const connections, calls = 8, 6
	size := func(n int) (messages, body int) { return 1 + n%3*20, 100 + n%4*2_000 }
	var group sync.WaitGroup
	for c := range connections {
		group.Go(func() {
			conn, err := net.Dial("tcp4", l.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			in := bufio.NewReader(conn)
			for n := range calls {
				messages, body := size(c + n)
				if _, err := io.WriteString(conn, hostHead+chunked(filled(fmt.Sprintf("%d-%d", c, n), messages, body))); err != nil {
					t.Error(err)
					return
				}
				r, err := http.ReadResponse(in, nil)
				if err != nil || r.StatusCode != http.StatusOK {
					t.Errorf("call %d-%d: %v %v", c, n, r, err)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
			}
		})
	}
	group.Wait()
	end()
	<-served
	for c := range connections {
		for n := range calls {
			call := fmt.Sprintf("%d-%d", c, n)
			messages, body := size(c + n)
			if len(kept[call]) != messages {
				t.Fatalf("call %s has %d messages, want %d", call, len(kept[call]), messages)
			}
			for i, m := range kept[call] {
				text := call + "/" + strconv.Itoa(i)
				got := fmt.Sprint(m.MessageID, m.CorrelationID, m.ContentType, m.Subject, m.Properties, string(m.Body))
				want := fmt.Sprint(text, text, text, text, map[string]any{"text": text, "number": i, "name": "a" + text}, text+strings.Repeat("x", body))
				if got != want {
					t.Fatalf("call %s, message %d is %.300s\nwant %.300s", call, i, got, want)
				}
			}
		}
	}
}

// The memory that is set aside for a batch's texts is bounded by the batch, however long the first message's are.
func TestALongFirstMessageSetsNoMoreAside(t *testing.T) {
	const long = 60_000
	body := strings.Replace(filled("0", 1000, 0), `\"text\":\"0/0\"`, `\"text\":\"`+strings.Repeat("x", long)+`\"`, 1)
	v := &invocation{body: []byte(body)}
	messages, err := v.messages()
	if err != nil || len(messages) != 1000 || len(messages[0].Properties["text"].(string)) != long {
		t.Fatal(len(messages), err)
	}
	if room := cap(v.kept); room > 2*len(body) {
		t.Errorf("%d bytes are set aside for the texts of a batch of %d", room, len(body))
	}
}

// A function that waits, or panics, holds up no other large invocation.
func TestAFunctionHoldsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(zerolog.Nop())
		s.reading = newReading(1)
		wait := make(chan struct{})
		started := 0
		s.Batch("one", func(context.Context, []Message) { started++; <-wait; panic("no") })
		body := filled("0", 20, 10_000)
		begin := time.Now()
		for want := range 3 {
			go post(s, "/one", body)
			if synctest.Wait(); started != want+1 || time.Since(begin) != 0 {
				t.Fatalf("%d of %d have begun after %s", started, want+1, time.Since(begin))
			}
		}
		close(wait)
		synctest.Wait()
		if len(s.reading.turns) != 1 {
			t.Error("the turn is lost")
		}
	})
}
