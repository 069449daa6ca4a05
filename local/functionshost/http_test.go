package functionshost

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const proxyingHost = `{"version":"2.0","functionTimeout":"00:05:00","customHandler":{"enableForwardingHttpRequest":true,"enableProxyingHttpRequest":true,
	"description":{"defaultExecutablePath":"<handler>"}}}`

func httpFunction(more string) string {
	return `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req"` + more + `},{"type":"http","direction":"out","name":"res"}]}`
}

func TestFunctionKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"host.json": proxyingHost,
		"hook/function.json":  httpFunction(``), // authLevel function is the default
		"open/function.json":  httpFunction(`,"authLevel":"anonymous"`),
		"admin/function.json": httpFunction(`,"authLevel":"admin"`),
		"other/function.json": httpFunction(`,"authLevel":"function"`)}, nil)
	s.options.Keys, s.options.MasterKey = map[string]string{"Hook": "k1", "other": "k2", "admin": "k3"}, "master"
	h := s.start()
	cases := []struct {
		path, header string
		want         int
	}{
		{"/api/open", "", 200},
		{"/api/hook", "", 401},
		{"/api/hook", "k1", 200},
		{"/api/hook?code=k1", "", 200},
		{"/api/hook?CODE=k1&x=1", "", 200},
		{"/api/hook?code=k1", "wrong", 401}, // the header wins
		{"/api/hook", "k2", 401},
		{"/api/hook", "", 401},
		{"/api/hook?code=", "", 401},
		{"/api/hook", "master", 200},
		{"/api/other?code=master", "", 200},
		{"/api/admin", "k1", 401},
		{"/api/admin", "k3", 401},
		{"/api/admin", "master", 200},
		{"/api/nothing", "k1", 404},
	}
	for _, c := range cases {
		r, err := http.NewRequest(http.MethodPost, h.BaseURL()+c.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if c.header != "" {
			r.Header.Set("x-functions-key", c.header)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s with key %q: %d, want %d", c.path, c.header, response.StatusCode, c.want)
		}
	}
	if n := h.Invocations("hook"); n != 4 {
		t.Errorf("%d invocations of hook, want 4: a refused call is none", n)
	}
	for _, l := range strings.Split(s.log(), "\n") {
		if strings.Contains(l, "k1") || strings.Contains(l, "master") {
			t.Errorf("a key is in the log: %s", l)
		}
	}
}

func TestProxyingPassesTheRequestOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"host.json": proxyingHost, "hook/function.json": httpFunction(`,"route":"in/{table}/{*rest}"`)},
		map[string]told{"/api/in/acc%2Fount/a/b": {Status: 503, Headers: map[string]string{"Content-Type": "text/plain", "Retry-After": "7"}, Echo: true}})
	s.options.Keys = map[string]string{"hook": "k"}
	h := s.start()
	body := bytes.Repeat([]byte("\x00\xff{\"a\": 1}"), 100_000) // any bytes, large
	r, err := http.NewRequest(http.MethodPut, h.BaseURL()+"/api/in/acc%2Fount/a/b?code=k&x=%C3%A9&x=2", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "Text/Strange")
	r.Header["x-ms-dynamics-msg-size-exceeded"] = []string{"true"}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	_ = response.Body.Close()
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "7" {
		t.Errorf("the answer: %d %v", response.StatusCode, response.Header)
	}
	seen := s.request()
	if seen.Method != "PUT" || seen.URL != "/api/in/acc%2Fount/a/b?code=k&x=%C3%A9&x=2" {
		t.Errorf("the handler saw %s %s", seen.Method, seen.URL)
	}
	headers := map[string]string{}
	for _, h := range seen.Headers {
		headers[h[0]] = h[1]
	}
	for name, want := range map[string]string{"Content-Type": "Text/Strange", "X-Azure-Functions-HostVersion": HostVersion,
		"x-ms-dynamics-msg-size-exceeded": "true", "Content-Length": fmt.Sprint(len(body))} {
		if headers[name] != want {
			t.Errorf("header %s is %q, want %q", name, headers[name], want)
		}
	}
	if id := headers["X-Azure-Functions-InvocationId"]; id == "" || id != headers["x-ms-invocation-id"] {
		t.Errorf("invocation ids %q and %q", id, headers["x-ms-invocation-id"])
	}
	s.line(information, "Executed 'Functions.hook' (Succeeded") // whatever the status
}

func TestProxyingTakesAChunkedBody(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"host.json": proxyingHost, "hook/function.json": httpFunction(`,"authLevel":"anonymous"`)},
		map[string]told{"/api/hook": {Echo: true}})
	h := s.start()
	response, err := http.Post(h.BaseURL()+"/api/hook", "text/plain", io.MultiReader(strings.NewReader("in "), strings.NewReader("pieces")))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(response.Body)
	if err != nil || string(got) != "in pieces" {
		t.Errorf("%q, %v", got, err)
	}
	_ = response.Body.Close()
}

// TestProxyingStreamsTheAnswer reads the first piece of an answer that never ends.
func TestProxyingStreamsTheAnswer(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"host.json": proxyingHost, "stream/function.json": httpFunction(`,"authLevel":"anonymous"`)},
		map[string]told{"/api/stream": {Raw: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"}})
	h := s.start()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.BaseURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET /api/stream HTTP/1.1\r\nHost: x\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != "first" {
		t.Errorf("%q, %v: the answer isn't streamed", first, err)
	}
}

func TestProxiedCallFailsWhenTheHandlerDies(t *testing.T) {
	t.Parallel()
	one := 1
	s := newStage(t, map[string]string{"host.json": proxyingHost, "hook/function.json": httpFunction(`,"authLevel":"anonymous"`)},
		map[string]told{"/api/hook": {Exit: &one}})
	h := s.start()
	response, err := http.Post(h.BaseURL()+"/api/hook", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != 500 {
		t.Error(response.Status)
	}
	s.line(errorLevel, "Executed 'Functions.hook' (Failed")
}

func TestForwardingRefusesAChunkedBody(t *testing.T) {
	t.Parallel()
	host := strings.ReplaceAll(proxyingHost, `"enableProxyingHttpRequest":true,`, ``)
	s := newStage(t, map[string]string{"host.json": host, "hook/function.json": httpFunction(`,"authLevel":"anonymous"`)}, nil)
	h := s.start()
	for _, c := range []struct {
		body io.Reader
		want int
	}{{strings.NewReader("{}"), 200}, {io.MultiReader(strings.NewReader("{}")), 500}} {
		response, err := http.Post(h.BaseURL()+"/api/hook", "application/json", c.body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%T: %d, recorded %d", c.body, response.StatusCode, c.want)
		}
	}
}

func TestRoutesGoByFunctionName(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"host.json": proxyingHost,
		"par/function.json":    httpFunction(`,"authLevel":"anonymous","route":"items/{id}"`),
		"Zed/function.json":    httpFunction(`,"authLevel":"anonymous","route":"items/special"`),
		"double/function.json": httpFunction(`,"authLevel":"anonymous","route":"ITEMS/{id}"`),
		"never/function.json":  httpFunction(`,"authLevel":"anonymous","methods":[]`),
		"post/function.json":   httpFunction(`,"authLevel":"anonymous","methods":["post"]`),
		"number/function.json": httpFunction(`,"authLevel":"anonymous","route":"n/{n:int}/{more?}"`),
		"off/function.json":    httpFunction(`,"authLevel":"anonymous"`)}, nil)
	s.options.Env["AzureWebJobs.off.Disabled"] = "1"
	h := s.start()
	for _, c := range []struct {
		path string
		want int
	}{{"/api/items/special", 200}, {"/api/never", 404}, {"/api/post", 404}, {"/api/n/x", 404}, {"/api/n/5", 200}, {"/api/n/5/y", 200},
		{"/api/n/5/y/z", 404}, {"/api/off", 404}, {"/items/1", 404}, {"/", 200}} {
		if got := get(t, h.BaseURL()+c.path); got != c.want {
			t.Errorf("%s: %d, want %d", c.path, got, c.want)
		}
	}
	// "double" comes before "par" and has the same route: the second one is in error.
	if d, p, z := h.Invocations("double"), h.Invocations("par"), h.Invocations("zed"); d != 1 || p != 0 || z != 0 {
		t.Errorf("items/special went to double %d, par %d, zed %d times", d, p, z)
	}
	s.line(errorLevel, "The 'par' function is in error: The route specified conflicts with the route defined by function 'double'")
}

func TestLeadingSlashStopsTheHost(t *testing.T) {
	s := newStage(t, map[string]string{"hook/function.json": httpFunction(`,"route":"/hook"`)}, nil)
	h, err := Start(t.Context(), s.options)
	if err == nil {
		_ = h.Close()
		t.Fatal("started")
	}
	for _, word := range []string{"hook/function.json", `"/hook"`, "stops the whole host"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v doesn't say %s", err, word)
		}
	}
}

func TestDefaultProtocolOfHTTP(t *testing.T) {
	t.Parallel()
	answer := `{"Outputs":{"res":{"statusCode":"202","headers":{"Content-Type":"application/json"},"body":"{\"ok\":true}"}}}`
	s := newStage(t, map[string]string{"hook/function.json": httpFunction(`,"authLevel":"anonymous"`)}, map[string]told{"/hook": {Body: &answer}})
	h := s.start()
	response, err := http.Post(h.BaseURL()+"/api/hook?x=1", "application/json", strings.NewReader(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 202 || string(body) != `{"ok":true}` {
		t.Errorf("%d %s %v", response.StatusCode, body, err)
	}
	_ = response.Body.Close()
	seen := s.request()
	for _, part := range []string{`"Method":"POST","Query":{"x":"1"}`, `"Content-Type":["application/json"]`, `"Body":"{\"a\":1}"`,
		`"Metadata":{"a":"\"1\"","x":"\"1\"","Query":{"x":"1"},`} {
		if !strings.Contains(seen.Body, part) {
			t.Errorf("no %s in %s", part, seen.Body)
		}
	}
}

// TestProxyingSwitchesProtocols passes a WebSocket's bytes both ways.
func TestProxyingSwitchesProtocols(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"host.json": proxyingHost, "ws/function.json": httpFunction(`,"authLevel":"anonymous"`)},
		map[string]told{"/api/ws": {Raw: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfrom the handler"}})
	h := s.start()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.BaseURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET /api/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(c)
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != 101 {
		t.Fatalf("%v %v", response, err)
	}
	got := make([]byte, len("from the handler"))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != "from the handler" {
		t.Errorf("%q %v", got, err)
	}
}

// TestProxiedHeaders are those of the forwarder's documented defaults: its own X-Forwarded-…, the handler's address as Host.
func TestProxiedHeaders(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"host.json": proxyingHost, "hook/function.json": httpFunction(`,"authLevel":"anonymous"`)}, nil)
	h := s.start()
	r, err := http.NewRequest(http.MethodGet, h.BaseURL()+"/api/hook", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "public.example"
	r.Header.Set("X-Forwarded-For", "9.9.9.9")
	r.Header["x-custom"] = []string{"1", "2"}
	r.Header.Set("User-Agent", "me/1")
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	got := map[string]string{}
	var names []string
	for _, line := range s.request().Headers {
		got[strings.ToLower(line[0])] = line[1]
		names = append(names, line[0])
	}
	if order := strings.Join(names, " "); order != "Host User-Agent Accept-Encoding traceparent x-custom x-custom X-Azure-Functions-HostVersion "+
		"X-Azure-Functions-InvocationId x-ms-invocation-id X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto" {
		t.Error(order)
	}
	for name, want := range map[string]string{"x-forwarded-for": "127.0.0.1", "x-forwarded-host": "public.example", "x-forwarded-proto": "http",
		"host": h.current().wire.address, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}
