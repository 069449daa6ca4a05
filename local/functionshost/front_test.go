package functionshost

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestOrderSurvivesKeepAliveAndPipelining sends three requests at once: each one's headers come in their own order.
func TestOrderSurvivesKeepAliveAndPipelining(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"hello/function.json": helloFunction}, nil)
	h := s.start()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.BaseURL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(c, "POST /api/hello HTTP/1.1\r\nHost: a\r\nzeta: 1\r\nAlpha: 2\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"+
		"POST /api/hello HTTP/1.1\r\nHost: b\r\nmiddle: 1\r\nContent-Length: 3\r\nBefore: 2\r\n\r\nxyz"+
		"GET /api/hello HTTP/1.1\r\nHost: c\r\nlast: 1\r\nAccept: */*\r\n\r\n")
	in := bufio.NewReader(c)
	for range 3 {
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != 200 || string(body) != "{}" {
			t.Errorf("%d %q %v", response.StatusCode, body, err)
		}
	}
	for _, want := range []string{`"Headers":{"Host":["a"],"Transfer-Encoding":["chunked"],"zeta":["1"],"Alpha":["2"]}`,
		`"Headers":{"Host":["b"],"Content-Length":["3"],"middle":["1"],"Before":["2"]}`,
		`"Headers":{"Accept":["*/*"],"Host":["c"],"last":["1"]}`} {
		if got := s.request().Body; !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestHTTPOutputRules are those that no recording of the default protocol shows.
func TestHTTPOutputRules(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ function, answer, want string }{
		"date":      {httpFunction(`,"authLevel":"anonymous"`), `{"Outputs":{"res":{"body":"2026-11-23T12:00:00Z"}}}`, "200 text/plain; charset=utf-8 11/23/2026 12:00:00"},
		"text":      {httpFunction(`,"authLevel":"anonymous"`), `{"Outputs":{"res":"{\"statusCode\":202,\"body\":\"in a string\"}"}}`, "202 text/plain; charset=utf-8 in a string"},
		"case":      {httpFunction(`,"authLevel":"anonymous"`), `{"Outputs":{"Res":{"body":"lost"}}}`, "200 text/plain; charset=utf-8 {}"},
		"header":    {httpFunction(`,"authLevel":"anonymous"`), `{"Outputs":{"res":{"headers":{"a b":"1"},"body":"x"}}}`, "500  "},
		"nothing":   {httpFunction(`,"authLevel":"anonymous"`), `{"Outputs":{"res":{"headers":{"X-A":null},"body":"x"}}}`, "500  "},
		"charset":   {httpFunction(`,"authLevel":"anonymous"`), `{"Outputs":{"res":{"headers":{"Content-Type":"text/html; charset=latin1"},"body":"x"}}}`, "200 text/html; charset=latin1 x"},
		"numbers":   {httpFunction(`,"authLevel":"anonymous"`), `{"Outputs":{"res":{"body":1.50}}}`, "200 text/plain; charset=utf-8 1.5"},
		"sniffed":   {strings.ReplaceAll(helloFunction, `"res"`, `"$return"`), `{"ReturnValue":"12345678"}`, "200  \xd7m\xf8\xe7\xae\xfc"},
		"unsniffed": {strings.ReplaceAll(helloFunction, `"name":"res"`, `"name":"$return","dataType":"binary"`), `{"ReturnValue":"test"}`, "200 text/plain; charset=utf-8 test"},
	}
	files, answers := map[string]string{}, map[string]told{}
	for name, c := range cases {
		files[name+"/function.json"] = c.function
		answers["/"+name] = told{Body: &c.answer}
	}
	s := newStage(t, files, answers)
	h := s.start()
	for name, c := range cases {
		response, err := http.Get(h.BaseURL() + "/api/" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := fmt.Sprintf("%d %s %s", response.StatusCode, response.Header.Get("Content-Type"), body); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRouteTemplates(t *testing.T) {
	for _, c := range []struct{ route, path, want string }{
		{"a/{x:min(3)}", "a/4", "x=4"}, {"a/{x:min(3)}", "a/2", "-"}, {"a/{x:range(1,9)}", "a/9", "x=9"}, {"a/{x:length(2)}", "a/ab", "x=ab"},
		{"a/{x:regex(^\\d{{2}}$)}", "a/12", "x=12"}, {"a/{x:regex(^\\d{{2}}$)}", "a/123", "-"}, {"a/{x:datetime}", "a/2026-11-23", "x=2026-11-23"},
		{"a/{x:int=7}", "a", "x=7"}, {"a/{x:int?}", "a", "x!"}, {"a/{*r}", "a/b%2Fc/d", "r=b%2Fc/d"}, {"v{n}-{m}", "v1-2", "m=2 n=1"},
		{"a/{*r}", "a//b", "-"}, {"a", "A/", ""}, {"a", "a/b", "-"},
	} {
		r, err := parseRoute(c.route)
		if err != nil {
			t.Errorf("%s: %v", c.route, err)
			continue
		}
		got := "-"
		if values, ok := r.match("/" + c.path); ok {
			var parts []string
			for _, v := range values {
				if v.Absent {
					parts = append(parts, v.Name+"!")
					continue
				}
				parts = append(parts, v.Name+"="+v.Value)
			}
			got = strings.Join(parts, " ")
		}
		if got != c.want {
			t.Errorf("%s with %s: %q, want %q", c.route, c.path, got, c.want)
		}
	}
	for _, bad := range []string{"{x", "{x:nosuch}", "{*r}/a", "{x:min(a)}", "{1}", "{x:min(3}"} {
		if _, err := parseRoute(bad); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestRoutesOfHostJSON(t *testing.T) {
	t.Parallel()
	host := `{"version":"2.0","customHandler":{"enableProxyingHttpRequest":true,"http":{"defaultAuthorizationLevel":"anonymous","routes":[{"route":"x/{*rest}"},{"route":"y","authorizationLevel":"function"}]},
		"description":{"defaultExecutablePath":"<handler>"}}}`
	s := newStage(t, map[string]string{"host.json": host}, nil)
	h := s.start()
	if got := get(t, h.BaseURL()+"/api/x/a/b"); got != 200 {
		t.Errorf("the first route: %d", got)
	}
	if got := get(t, h.BaseURL()+"/api/y"); got != 401 {
		t.Errorf("the second route: %d", got)
	}
	if got := s.request().URL; got != "/api/x/a/b" {
		t.Error(got)
	}
	s.write("hello/function.json", helloFunction)
	s.line(errorLevel, "exclude each other")
}

func TestLogLevelsOfHostJSON(t *testing.T) {
	c, err := readConfiguration([]byte(`{"logging":{"logLevel":{"default":"Warning","Function":"Information","Function.loud":"None","Host.Function.Console":"Error"}}}`), newSettings(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	l := readLevels(c)
	for _, x := range []struct {
		category, level string
		want            bool
	}{{"Host.General", information, false}, {"Host.General", warning, true}, {"Function.a", information, true}, {"Function.a.User", information, true},
		{"Function.loud.User", errorLevel, false}, {"Host.Function.Console", warning, false}, {"Host.Function.Console", errorLevel, true}} {
		if got := l.pass(x.category, x.level); got != x.want {
			t.Errorf("%s at %s passes: %v", x.category, x.level, got)
		}
	}
}

func TestIdentityBasedConnection(t *testing.T) {
	s := newSettings(nil, map[string]string{"SB__fullyQualifiedNamespace": "ns.example", "SB__credential": "managedidentity", "SB__clientId": "c",
		"BOTH": "Endpoint=sb://x/", "BOTH__FULLYQUALIFIEDNAMESPACE": "ns.example", "ODD__fullyQualifiedNamespace": "n", "ODD__credential": "magic"})
	if at, err := s.connection("SB"); err != nil || at.namespace != "ns.example" {
		t.Errorf("%+v %v", at, err)
	}
	if at, err := s.connection("BOTH"); err != nil || at.text == "" {
		t.Errorf("a connection string wins: %+v %v", at, err)
	}
	if _, err := s.credentialOf("SB"); err != nil {
		t.Error(err)
	}
	if _, err := s.credentialOf("ODD"); err == nil {
		t.Error("an unknown credential was accepted")
	}
	if _, err := s.connection("NONE"); err == nil {
		t.Error("a missing connection was found")
	}
}

func TestTextIsDecodedAsDotNetDoes(t *testing.T) {
	for text, want := range map[string]int{"ok": 0, "\xff\xfe": 2, "\xe2\x82x": 1, "\xf0\x9f\x98": 1, "\xed\xa0\x80": 3, "\xe0\x80": 2, "\xc3": 1, "a\xc3\xa9\x80": 1} {
		if got := strings.Count(netText([]byte(text)), "\uFFFD"); got != want {
			t.Errorf("%q: %d replaced, want %d", text, got, want)
		}
	}
}

// TestHTTPThrottles has one slot and one place to wait.
func TestHTTPThrottles(t *testing.T) {
	t.Parallel()
	host := `{"version":"2.0","extensions":{"http":{"maxConcurrentRequests":1,"maxOutstandingRequests":2}},"customHandler":{"description":{"defaultExecutablePath":"<handler>"}}}`
	s := newStage(t, map[string]string{"host.json": host, "hello/function.json": helloFunction}, map[string]told{"/hello": {Delay: 500}})
	h := s.start()
	status := make(chan int, 3)
	for range 3 {
		go func() {
			response, err := http.Get(h.BaseURL() + "/api/hello")
			if err != nil {
				status <- 0
				return
			}
			_ = response.Body.Close()
			status <- response.StatusCode
		}()
	}
	counts := map[int]int{}
	for range 3 {
		counts[<-status]++
	}
	if counts[429] != 1 || counts[200] != 2 {
		t.Errorf("status counts %v", counts)
	}
}

// TestLegacyWorkerSection: httpWorker forwards by default, to /<function>; a worker path is one argument.
func TestLegacyWorkerSection(t *testing.T) {
	t.Parallel()
	host := `{"version":"2.0","httpWorker":{"description":{"defaultExecutablePath":"<handler>","arguments":["-a"],"defaultWorkerPath":"my worker.js","workerArguments":["-b c"]}}}`
	s := newStage(t, map[string]string{"host.json": host, "my worker.js": "//", "hello/function.json": helloFunction}, nil)
	h := s.start()
	want := "-a|" + s.root + "/my worker.js|-b|c"
	if got := strings.Join(s.startOfHandler().Args, "|"); got != want {
		t.Errorf("arguments %s, want %s", got, want)
	}
	if got := get(t, h.BaseURL()+"/api/hello?x=1"); got != 200 {
		t.Error(got)
	}
	if got := s.request(); got.Method != "GET" || got.URL != "/hello?x=1" {
		t.Errorf("%s %s", got.Method, got.URL)
	}
}
