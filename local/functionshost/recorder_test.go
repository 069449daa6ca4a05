package functionshost

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// The recording handler is this test binary, started again with these settings.
const (
	recorderSwitch = "FUNCTIONSHOST_TEST_RECORDER" // address the recorder reports to
	answersSetting = "FUNCTIONSHOST_TEST_ANSWERS"  // JSON: what to answer, by path or "METHOD path"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(recorderSwitch); address != "" {
		record(address)
		return
	}
	os.Exit(m.Run())
}

// told is what the recorder is told to do with a request; the golden cases' own form.
type told struct {
	Status  int
	Headers map[string]string
	Body    *string
	BodyB64 string
	Chunked bool
	Cut     bool
	Raw     string
	RawEnd  bool
	Delay   int
	Exit    *int
	Kill    string
	Echo    bool // answer with the request's own body
	Log     []string
	Err     []string
	// of "_process" only
	ExitAfterMs int
	ExitCode    int
	NeverListen bool
	Host        string
	Stdout      []string
	Stderr      []string
}

// saw is one thing the recorder reports.
type saw struct {
	Start   *started
	Request *recorded
}

type started struct {
	PID  int
	CWD  string
	Args []string
	Env  map[string]string
}

type recorded struct {
	Method, URL string
	Headers     [][2]string
	Body        string
	Base64      string // instead of Body when that isn't UTF-8
	raw         []byte
}

const smallEnvelope = `{"Outputs":{},"Logs":["a line"],"ReturnValue":null}`

type recorder struct {
	mu      sync.Mutex
	report  *json.Encoder
	answers map[string]told
}

func record(address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, "recorder:", err)
		os.Exit(3)
	}
	r := &recorder{report: json.NewEncoder(c), answers: map[string]told{}}
	if text := os.Getenv(answersSetting); text != "" {
		if err := json.Unmarshal([]byte(text), &r.answers); err != nil {
			fmt.Fprintln(os.Stderr, "recorder:", err)
			os.Exit(3)
		}
	}
	r.start()
	host := r.answers["_process"].Host
	if host != "0.0.0.0" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp4", host+":"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "recorder:", err)
		os.Exit(3)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go r.serve(c)
	}
}

func (r *recorder) start() {
	env := map[string]string{}
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	cwd, _ := os.Getwd()
	r.tell(saw{Start: &started{PID: os.Getpid(), CWD: cwd, Args: os.Args[1:], Env: env}})
	p := r.answers["_process"]
	for _, line := range p.Stdout {
		fmt.Fprintln(os.Stdout, line)
	}
	for _, line := range p.Stderr {
		fmt.Fprintln(os.Stderr, line)
	}
	if p.ExitAfterMs > 0 {
		time.AfterFunc(time.Duration(p.ExitAfterMs)*time.Millisecond, func() { os.Exit(p.ExitCode) })
	}
	if p.NeverListen {
		select {}
	}
}

func (r *recorder) tell(s saw) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = r.report.Encode(s)
}

func (r *recorder) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		request, err := readRecorded(in)
		if err != nil {
			return
		}
		r.tell(saw{Request: request})
		path, _, _ := strings.Cut(request.URL, "?")
		if !r.answer(c, r.toldFor(request.Method, path), request) {
			return
		}
	}
}

func (r *recorder) toldFor(method, path string) told {
	if t, ok := r.answers[method+" "+path]; ok {
		return t
	}
	if t, ok := r.answers[path]; ok {
		return t
	}
	if t, ok := r.answers["*"]; ok {
		return t
	}
	body := smallEnvelope
	return told{Status: 200, Headers: map[string]string{"Content-Type": "application/json"}, Body: &body}
}

func (r *recorder) answer(c net.Conn, t told, request *recorded) (keep bool) {
	if t.Delay > 0 {
		<-time.After(time.Duration(t.Delay) * time.Millisecond)
	}
	for _, line := range t.Log {
		fmt.Fprintln(os.Stdout, line)
	}
	for _, line := range t.Err {
		fmt.Fprintln(os.Stderr, line)
	}
	switch {
	case t.Exit != nil:
		os.Exit(*t.Exit)
	case t.Kill != "":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case t.Cut:
		return false
	case t.Raw != "":
		_, _ = io.WriteString(c, t.Raw)
		return !t.RawEnd
	}
	_, err := io.WriteString(c, t.text(request))
	return err == nil
}

// text is the answer's bytes.
func (t told) text(request *recorded) string {
	body, _ := base64.StdEncoding.DecodeString(t.BodyB64)
	if t.Body != nil {
		body = []byte(*t.Body)
	}
	if t.Echo {
		body = request.raw
	}
	if t.Status == 0 && t.Body == nil && t.BodyB64 == "" && !t.Echo {
		body = []byte(smallEnvelope)
	}
	if t.Status == 0 {
		t.Status = 200
	}
	if t.Headers == nil {
		t.Headers = map[string]string{"Content-Type": "application/json"}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", t.Status, http.StatusText(t.Status))
	for name, value := range t.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	switch {
	case t.Chunked:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case t.Status == 204:
		b.WriteString("\r\n")
	default:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	text := b.String()
	if request.Method == http.MethodHead {
		text = text[:strings.Index(text, "\r\n\r\n")+4]
	}
	return text
}

func readRecorded(in *bufio.Reader) (*recorded, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(line)
	if len(parts) != 3 {
		return nil, fmt.Errorf("bad request line %q", line)
	}
	r := &recorded{Method: parts[0], URL: parts[1]}
	length, chunked := 0, false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		r.Headers = append(r.Headers, [2]string{name, value})
		switch strings.ToLower(name) {
		case "content-length":
			length, _ = strconv.Atoi(value)
		case "transfer-encoding":
			chunked = value == "chunked"
		}
	}
	from := io.LimitReader(in, int64(length))
	if chunked {
		from = httputil.NewChunkedReader(in)
	}
	body, err := io.ReadAll(from)
	if chunked && err == nil {
		_, err = in.ReadString('\n') // the empty line after the last chunk
	}
	r.raw = body
	if utf8.Valid(body) {
		r.Body = string(body)
	} else {
		r.Base64 = base64.StdEncoding.EncodeToString(body)
	}
	return r, err
}
