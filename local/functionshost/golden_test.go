package functionshost

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goldenCase is a recording of the real Functions host 4.1037.
type goldenCase struct {
	App  map[string]json.RawMessage
	Saw  []goldenSaw     `json:"handler saw"`
	Told map[string]told `json:"told to answer"`
	Seen []string        `json:"observed"`

	Caller []caller
}

type goldenSaw struct {
	Start *struct {
		Argv []string
		Env  map[string]string
	}
	Request *recorded
	Probe   bool
}

func readGolden(t *testing.T, name string) goldenCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var g goldenCase
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// files are the app's files, edited by name; an empty result leaves the file out.
func (g goldenCase) files(edit func(name, content string) string) map[string]string {
	out := map[string]string{}
	for name, content := range g.App {
		if text := edit(name, string(content)); text != "" {
			out[name] = text
		}
	}
	return out
}

func (g goldenCase) requests(path string) []*recorded {
	var out []*recorded
	for _, s := range g.Saw {
		if s.Request != nil && !s.Probe && s.Request.URL == path {
			out = append(out, s.Request)
		}
	}
	return out
}

// starts counts how often the handler was started.
func (g goldenCase) starts() int {
	n := 0
	for _, s := range g.Saw {
		if s.Start != nil {
			n++
		}
	}
	return n
}

const (
	shapeGUID = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	shapeTime = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?`
)

var changing = []struct {
	shape *regexp.Regexp
	name  string
}{
	{regexp.MustCompile(`"UtcNow":"` + shapeTime + `Z"`), `"UtcNow":"<time>Z"`},
	{regexp.MustCompile(`"RandGuid":"` + shapeGUID + `"`), `"RandGuid":"<guid>"`},
}

// byShape replaces values that change from call to call, if they have the right shape, by the name of the shape.
func byShape(body string) string {
	for _, c := range changing {
		body = c.shape.ReplaceAllString(body, c.name)
	}
	return body
}

// withoutInvented cuts out the X… keys of case 13, which no Service Bus message has; they stand together before "sys".
func withoutInvented(t *testing.T, body string) string {
	t.Helper()
	from, to := strings.Index(body, `"XGuid":`), strings.Index(body, `"sys":{"MethodName"`)
	if from < 0 || to < from {
		t.Fatal("the recording isn't as this test knows it")
	}
	return body[:from] + body[to:]
}

var headerShapes = map[string]*regexp.Regexp{
	"Host":                           regexp.MustCompile(`^127\.0\.0\.1:\d+$`),
	"X-Azure-Functions-InvocationId": regexp.MustCompile(`^` + shapeGUID + `$`),
}

// compareRequests compares method, path, every header in wire order and the whole body.
func compareRequests(t *testing.T, got, want *recorded, wantBody string) {
	t.Helper()
	if got.Method != want.Method || got.URL != want.URL {
		t.Fatalf("got %s %s, recorded %s %s", got.Method, got.URL, want.Method, want.URL)
	}
	if len(got.Headers) != len(want.Headers) {
		t.Fatalf("%s: headers\n got %v\nwant %v", want.URL, got.Headers, want.Headers)
	}
	for i, w := range want.Headers {
		g := got.Headers[i]
		same := g[1] == w[1]
		if shape := headerShapes[w[0]]; shape != nil {
			same = shape.MatchString(g[1]) && shape.MatchString(w[1])
		}
		if g[0] != w[0] || !same {
			t.Errorf("%s: header %d is %q, recorded %q", want.URL, i, g, w)
		}
	}
	if got.Base64 != want.Base64 {
		t.Errorf("%s: body %s, recorded %s", want.URL, got.Base64, want.Base64)
	}
	if g, w := byShape(got.Body), byShape(wantBody); g != w {
		t.Errorf("%s: body\n got %s\nwant %s", want.URL, g, w)
	}
}
