package systems_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crosswalk/local/systems"
	"crosswalk/local/systems/traffic"
)

// wait polls until done says so; it fails the test after ten seconds.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// send is a request that may fail; it returns the status, 0 for none.
func (b *bench) send(ctx context.Context, method, path, body string) int {
	req, err := http.NewRequestWithContext(ctx, method, b.e.DataverseHTTP+"/api/data/v9.2/"+path, strings.NewReader(body))
	if err != nil {
		return -1
	}
	req.Header.Set("Authorization", "Bearer "+b.tokens["Dataverse"])
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.c.Do(req)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

const rename = `{"name":"Renamed"}`

func (b *bench) renamed() bool {
	row, _ := b.s.Dataverse().Row("account", "US-001")
	return strings.Contains(string(row.JSON), `"name":"Renamed"`)
}

func TestThrottle(t *testing.T) {
	b := newBench(t)
	remove := b.s.Dataverse().ThrottleNext(2, 1500*time.Millisecond)
	for range 2 {
		resp, _ := b.dataverse(t, "PATCH", us1, rename)
		if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "2" || b.renamed() {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
	}
	if resp, _ := b.dataverse(t, "PATCH", us1, rename); resp.StatusCode != 204 || !b.renamed() {
		t.Error(resp.StatusCode)
	}
	if met := remove(); met != 2 {
		t.Errorf("met %d requests, want 2", met)
	}
}

// TestThrottleFor ends by the simulators' clock.
func TestThrottleFor(t *testing.T) {
	var offset atomic.Int64
	s, err := systems.Start(systems.Options{Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e := s.Endpoints()
	c := trusting(t, e)
	token := secretToken(t, c, e, e.FnOHTTP)
	s.FnO().ThrottleFor(5*time.Minute, time.Minute)
	get := func() int {
		resp, _ := call(t, c, token, "GET", e.FnOHTTP+"/data/LegalEntities", "")
		return resp.StatusCode
	}
	if got := get(); got != 429 {
		t.Errorf("at first: %d", got)
	}
	offset.Store(int64(4*time.Minute + 59*time.Second))
	if got := get(); got != 429 {
		t.Errorf("near the end: %d", got)
	}
	offset.Store(int64(5*time.Minute + time.Second))
	if got := get(); got != 200 {
		t.Errorf("after the end: %d", got)
	}
	offset.Store(int64(2 * time.Hour))
	if got := get(); got != 401 {
		t.Errorf("with an expired token: %d", got)
	}
}

// TestCut: the connection ends without an answer, before the write or after it took effect.
func TestCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		b := newBench(t)
		b.s.Dataverse().Inject(traffic.Fault{Times: 1, Cut: true, AfterEffect: after, Match: traffic.Writes})
		if got := b.send(t.Context(), "GET", us1, ""); got != 200 {
			t.Errorf("a read met the fault: %d", got)
		}
		if got := b.send(t.Context(), "PATCH", us1, rename); got != 0 {
			t.Errorf("after=%v: status %d", after, got)
		}
		if b.renamed() != after {
			t.Errorf("after=%v: renamed is %v", after, b.renamed())
		}
		wait(t, "the log's line", func() bool { return len(b.s.Dataverse().Requests()) == 2 })
		if last := b.s.Dataverse().Requests()[1]; last.Status != 0 || !last.Faulted || last.Method != "PATCH" || last.Path != "/api/data/v9.2/"+us1 {
			t.Errorf("%+v", last)
		}
	}
}

// TestWrongAnswerAfterEffect: the write stands, the caller is told 503.
func TestWrongAnswerAfterEffect(t *testing.T) {
	b := newBench(t)
	b.s.Dataverse().Inject(traffic.Fault{Times: 1, AfterEffect: true, Answer: traffic.Busy()})
	if got := b.send(t.Context(), "PATCH", us1, rename); got != 503 || !b.renamed() {
		t.Errorf("%d %v", got, b.renamed())
	}
}

// TestHang: released, given up, and given up with a late effect.
func TestHang(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	b.s.Dataverse().Inject(traffic.Fault{Times: 1, Hang: true, Release: release})
	status := make(chan int)
	go func() { status <- b.send(context.Background(), "PATCH", us1, rename) }()
	wait(t, "the request hangs", func() bool { return b.s.Dataverse().Hanging() == 1 })
	if b.renamed() {
		t.Error("renamed while it hangs")
	}
	close(release)
	if got := <-status; got != 204 || !b.renamed() {
		t.Errorf("%d %v", got, b.renamed())
	}
	for _, late := range []bool{false, true} {
		b := newBench(t)
		b.s.Dataverse().Inject(traffic.Fault{Times: 1, Hang: true, Late: late})
		ctx, cancel := context.WithCancel(context.Background())
		go func() { status <- b.send(ctx, "PATCH", us1, rename) }()
		wait(t, "the request hangs", func() bool { return b.s.Dataverse().Hanging() == 1 })
		cancel()
		if got := <-status; got != 0 {
			t.Errorf("late=%v: status %d", late, got)
		}
		wait(t, "the request's end", func() bool { return len(b.s.Dataverse().Requests()) == 1 })
		if b.renamed() != late {
			t.Errorf("late=%v: renamed is %v", late, b.renamed())
		}
	}
}

// TestCommitHooks stop a write on either side of its effect.
func TestCommitHooks(t *testing.T) {
	b := newBench(t)
	dv := b.s.Dataverse()
	var seen []string
	dv.OnRequest(func(r *http.Request) { seen = append(seen, "request "+r.Method) })
	dv.OnBeforeCommit(func(w traffic.Write) { seen = append(seen, "before "+w.Table+" "+w.Key+" "+name(b.renamed())) })
	dv.OnAfterCommit(func(w traffic.Write) { seen = append(seen, "after "+name(b.renamed())) })
	if got := b.send(t.Context(), "PATCH", "accounts(accountnumber='US-001')", rename); got != 204 {
		t.Fatal(got)
	}
	b.send(t.Context(), "PATCH", us1, `{"nonsense":1}`)
	want := "request PATCH,before account accountnumber='US-001' old,after new,request PATCH"
	if got := strings.Join(seen, ","); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	// While a write waits before its commit, another one wins; its If-Match must notice.
	dv.OnRequest(nil)
	row, _ := dv.Row("account", "US-002")
	dv.OnBeforeCommit(func(traffic.Write) { dv.Edit("PATCH", "accounts("+row.Key+")", []byte(`{"name":"A person was here"}`)) })
	resp, _ := b.dataverse(t, "PATCH", "accounts("+row.Key+")", rename, "If-Match", etagOf(t, b, row.Key))
	if resp.StatusCode != 412 {
		t.Errorf("a write over a newer one: %d", resp.StatusCode)
	}
}

func etagOf(t *testing.T, b *bench, id string) string {
	t.Helper()
	resp, _ := b.dataverse(t, "GET", "accounts("+id+")?$select=name", "")
	return resp.Header.Get("ETag")
}

func name(renamed bool) string {
	if renamed {
		return "new"
	}
	return "old"
}

// TestCloseLetsGo: closing ends requests that hang.
func TestCloseLetsGo(t *testing.T) {
	b := newBench(t)
	b.s.FnO().Inject(traffic.Fault{Hang: true})
	done := make(chan struct{})
	go func() {
		defer close(done)
		req, err := http.NewRequest("GET", b.e.FnOHTTP+"/data/LegalEntities", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if resp, err := b.c.Do(req); err == nil {
			t.Errorf("an answer: %d", resp.StatusCode)
			_ = resp.Body.Close()
		}
	}()
	wait(t, "the request hangs", func() bool { return b.s.FnO().Hanging() == 1 })
	if err := b.s.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the request still hangs")
	}
}

// TestHeal takes all faults away.
func TestHeal(t *testing.T) {
	b := newBench(t)
	b.s.Dataverse().ThrottleNext(0, time.Second)
	b.s.Dataverse().Inject(traffic.Fault{Answer: traffic.Busy()})
	if got := b.send(t.Context(), "GET", us1, ""); got != 429 {
		t.Error(got)
	}
	b.s.Dataverse().Heal()
	if got := b.send(t.Context(), "GET", us1, ""); got != 200 {
		t.Error(got)
	}
	b.s.Dataverse().Inject(traffic.Fault{Times: 1, Delay: time.Millisecond})
	if got := b.send(t.Context(), "GET", us1, ""); got != 200 {
		t.Error(got)
	}
}
