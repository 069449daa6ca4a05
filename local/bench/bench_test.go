package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"crosswalk/local/bench/order"
	"crosswalk/shared/contract"
	"crosswalk/shared/customhandler"
	"crosswalk/shared/fault"
)

// A benchmark says something only while both sides do the same work.
func TestContractAndStructsMakeTheSame(t *testing.T) {
	plan, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	event, err := os.ReadFile("order/event.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new string }{
		{"", ""},
		{`"OrderPriority":""`, `"OrderPriority":"High"`},
		{`"CustomerRequisitionNumber":" "`, `"CustomerRequisitionNumber":"R/1"`},
		{`"InvoiceAddressee":""`, `"InvoiceAddressee":"Contoso \u00dc"`},
		{`12.375`, `-12.3650`}, {`12.375`, `12.365`}, {`12.375`, `0.005`}, {`12.375`, `99999999999999.995`},
		{`"OnHold":"No"`, `"OnHold":"Yes"`},
		{`"OrderTotalAmount":18452.7500`, `"OrderTotalAmount":900719925474099.25`},
		{`"SalesOrderNumber":"SO-001047"`, `"SalesOrderNumber":""`},
		{`"SalesPrice":17.5000`, `"SalesPrice":17.495`}, {`"LineAmount":68.5`, `"LineAmount":-0.005`},
		{`"ItemNumber":"D0049"`, `"ItemNumber":"D \"0049\" ü"`}, {`"ItemNumber":"D0049"`, `"ItemNumber":""`},
		{`"PaymentTermsName":"Net30"`, `"PaymentTermsName":"Net31"`},
	} {
		src := strings.Replace(string(event), c.old, c.new, 1)
		if src == string(event) && c.new != "" {
			t.Fatalf("the event has no %s", c.old)
		}
		r, err := plan.Apply([]byte(src))
		byHand, handErr := order.Map([]byte(src))
		if (err == nil) != (handErr == nil) {
			t.Errorf("%s: contract %v, structs %v", c.new, err, handErr)
			continue
		}
		if err == nil && !sameJSON(r.JSON(true), byHand) {
			t.Errorf("%s:\ncontract %s\nstructs  %s", c.new, r.JSON(true), byHand)
		}
	}
}

func TestTheInvocationsAreThoseOfTheHost(t *testing.T) {
	event := []byte(`{"SalesOrderNumber":"SO-001047"}`)
	var bodies []string
	s := customhandler.NewServer(zerolog.Nop())
	take := func(m customhandler.Message) {
		if m.LockToken == [16]byte{} || m.Properties["cloudEvents:type"] != "fno.SalesOrderConfirmed" {
			t.Errorf("message %+v", m)
		}
		bodies = append(bodies, string(m.Body))
	}
	s.Single("single", func(_ context.Context, m customhandler.Message) error { take(m); return nil })
	s.Batch("batch", func(_ context.Context, messages []customhandler.Message) {
		for _, m := range messages {
			take(m)
		}
	})
	for _, c := range []struct {
		path string
		body []byte
	}{{"/single", singleInvocation(event)}, {"/batch", batchInvocation(event, 3)}} {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(post("127.0.0.1:1", c.path, c.body))))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Errorf("%s answers %d", c.path, w.Code)
		}
	}
	want := `{"SalesOrderNumber":"SO-000001"} {"SalesOrderNumber":"SO-000000"} {"SalesOrderNumber":"SO-000001"} {"SalesOrderNumber":"SO-000002"}`
	if got := strings.Join(bodies, " "); got != want {
		t.Errorf("bodies %s", got)
	}
}

// Each of a thousand messages has a result of its own, which stays as it is while the next invocation is read and mapped, and those
// that are refused leave the others alone.
func TestAThousandMessagesEachHaveTheirResult(t *testing.T) {
	const n = 1000
	plan, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	event, err := os.ReadFile("order/event.json")
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		record *contract.Record
		err    error
	}
	var results []result
	s := customhandler.NewServer(zerolog.Nop())
	s.Batch("batch", func(_ context.Context, messages []customhandler.Message) {
		for _, m := range messages {
			r, err := plan.Apply(m.Body)
			results = append(results, result{r, err})
		}
	})
	var bodies [][]byte
	refused := map[int]string{}
	for i := range 2 * n {
		body := string(numbered(event, i))
		replace := func(old, new string) { body = strings.Replace(body, old, new, 1) }
		replace(`"OrderTotalAmount":18452.7500`, fmt.Sprintf(`"OrderTotalAmount":%d.%04d`, i, i))
		replace(`"ItemNumber":"D0049"`, fmt.Sprintf(`"ItemNumber":"D \"%d\" ü"`, i))
		replace(`"Name":"Contoso Europe`, `"Name":"`+strings.Repeat("Contoso ", i%20)) // records of many lengths
		switch i % 40 {
		case 7:
			body, refused[i] = body[:len(body)-1], "malformed-json"
		case 17:
			replace(`"Net30"`, `"Net31"`)
			refused[i] = "unknown-option"
		case 39:
			replace(fmt.Sprintf(`"SO-%06d"`, i), `""`)
			refused[i] = "blank-required"
		}
		bodies = append(bodies, []byte(body))
	}
	for invocation := range slices.Chunk(bodies, n) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(post("127.0.0.1:1", "/batch", invocationOf(invocation)))))
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("answer %d", w.Code)
		}
	}
	if len(results) != 2*n {
		t.Fatalf("%d results", len(results))
	}
	for i, got := range results {
		if e := fault.Of(got.err); e != nil || refused[i] != "" {
			if e == nil || e.Reason != refused[i] || got.record != nil {
				t.Errorf("message %d ends with %v, want %q", i, got.err, refused[i])
			}
			continue
		}
		want, err := order.Map(bodies[i])
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(got.record.JSON(true), want) || got.record.KeyText() != fmt.Sprintf("SO-%06d", i) {
			t.Fatalf("message %d: %s\ncontract %s\nstructs  %s", i, got.record.KeyText(), got.record.JSON(true), want)
		}
	}
}

// The load is what the sides see of it: as many calls as were counted, each answered before the next one of its connection.
func TestEveryCallIsCountedOnce(t *testing.T) {
	request := post("127.0.0.1:1", "/single", bytes.Repeat([]byte("0123456789"), 500_000)) // more than a socket takes at once
	var calls, wrong atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); n != 5_000_000 || err != nil {
			wrong.Add(1)
		}
		calls.Add(1)
		_, _ = io.WriteString(w, "{}")
	}))
	defer s.Close()
	took, err := saturate(s.Listener.Addr().String(), request, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(took) < connections || int64(len(took)) != calls.Load() || wrong.Load() != 0 {
		t.Errorf("%d calls counted, %d made, %d of them wrong", len(took), calls.Load(), wrong.Load())
	}
	if slices.Min(took) <= 0 {
		t.Error("a call that took no time")
	}
}

func TestAFailureEndsTheLoad(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"another status":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no body":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
		"no length":           func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}"); w.(http.Flusher).Flush() },
		"a closed connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"too long an answer":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(answer)
			defer s.Close()
			if _, err := saturate(s.Listener.Addr().String(), post("127.0.0.1:1", "/single", []byte("{}")), time.Millisecond); err == nil {
				t.Error("it is counted")
			}
		})
	}
}
