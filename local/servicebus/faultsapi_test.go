package servicebus_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// askFault sends a request to the faults' HTTP API.
func askFault(t *testing.T, s *servicebus.Server, name, body string, change func(*http.Request)) (code int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+"/$faults/"+name, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func newFaultsAPI(t *testing.T, on bool) *servicebus.Server {
	t.Helper()
	s, err := servicebus.Start(servicebus.Options{FaultsAPI: on})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Broker().CreateQueue("q", broker.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFaultsByHTTP has a client meet what another program asked for.
func TestFaultsByHTTP(t *testing.T) {
	s := newFaultsAPI(t, true)
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), &azservicebus.ClientOptions{RetryOptions: azservicebus.RetryOptions{MaxRetries: -1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(t.Context()) })
	sender, err := client.NewSender("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	send := func() error { return sender.SendMessage(t.Context(), message("x"), nil) }
	ask := func(name, body, want string) {
		t.Helper()
		if code, answer := askFault(t, s, name, body, nil); code != http.StatusOK || strings.TrimSpace(answer) != want {
			t.Fatalf("%s: %d %s, want %s", name, code, answer, want)
		}
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	ask("server-busy", `{"for":"1h"}`, `{}`)
	if err := send(); err == nil || !strings.Contains(err.Error(), "server-busy") {
		t.Errorf("a busy server: %v", err)
	}
	ask("calm", ``, `{}`)
	if err := send(); err != nil {
		t.Error(err)
	}
	ask("detach", `{"entity":"Q","condition":"amqp:unauthorized-access"}`, `{"links":1}`)
	if err := send(); err == nil {
		t.Error("a detached sender sends")
	}
	if _, err := s.Broker().Receive("q", 2, broker.PeekLock); err != nil {
		t.Fatal(err)
	}
	ask("expire-locks", `{"entity":"q"}`, `{"locks":2}`)
	for name, body := range map[string]string{
		"drop-after": `{"transfers":3}`, "delay-settlements": `{"for":"0s"}`, "lose-settlements": `{"count":0,"applied":true}`,
		"refuse-auth": `{"on":false}`, "revoke-send": `{"on":false,"key":"RootManageSharedAccessKey"}`,
	} {
		ask(name, body, `{}`)
	}
}

// TestFaultsByHTTPAreRefused wants an error that says what's wrong, and that nobody else can ask.
func TestFaultsByHTTPAreRefused(t *testing.T) {
	s := newFaultsAPI(t, true)
	for _, c := range []struct {
		name, body string
		change     func(*http.Request)
		code       int
		want       string
	}{
		{"detach", `{"entity":"q"}`, nil, 400, "detach: the field condition is missing"},
		{"detach", `{"entity":"nowhere","condition":"x"}`, nil, 404, "could not be found: nowhere"},
		{"server-busy", `{"for":"a while"}`, nil, 400, "is no duration (fix:"},
		{"server-busy", `{"for":"-1s"}`, nil, 400, "is no duration (fix:"},
		{"drop-after", `{"transfers":-1}`, nil, 400, "transfers: -1 is below zero"},
		{"drop-after", `{"transfers":1,"entity":"q"}`, nil, 400, "the field entity is unknown (fix:"},
		{"drop-after", `[]`, nil, 400, "the body is no JSON object"},
		{"revoke-send", `{"on":true,"key":"nobody"}`, nil, 400, `no shared access key of the name \"nobody\"`},
		{"explode", `{}`, nil, 404, `there is no fault \"explode\" (fix: GET /$faults`},
		{"calm", ``, func(r *http.Request) { r.Method = http.MethodPut }, 405, "POST"},
		{"calm", ``, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "application/json"},
		{"calm", ``, func(r *http.Request) { r.Host = "a.page.example" }, 403, "from this machine only"},
	} {
		if code, answer := askFault(t, s, c.name, c.body, c.change); code != c.code || !strings.Contains(answer, c.want) {
			t.Errorf("%s %s: %d %s, want %d %s", c.name, c.body, code, answer, c.code, c.want)
		}
	}
	if code, answer := askFault(t, newFaultsAPI(t, false), "calm", `{}`, nil); code == http.StatusOK {
		t.Errorf("faults without being asked to: %d %s", code, answer)
	}
}
