package traffic

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
)

func (a *Answer) write(w http.ResponseWriter) {
	for k, v := range a.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// keptAnswer holds an answer back until it is known whether the caller shall get it.
type keptAnswer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (k *keptAnswer) Header() http.Header { return k.header }

func (k *keptAnswer) WriteHeader(code int) {
	if k.code == 0 {
		k.code = code
	}
}

func (k *keptAnswer) Write(p []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(p)
}

func (k *keptAnswer) status() int {
	if k.code == 0 {
		return http.StatusOK
	}
	return k.code
}

func (k *keptAnswer) send(w http.ResponseWriter) {
	for key, v := range k.header {
		w.Header()[key] = v
	}
	w.WriteHeader(k.status())
	_, _ = w.Write(k.body.Bytes())
}

// Do gives a request to f without any network and returns its answer.
func Do(method, path string, body []byte, f http.HandlerFunc) (status int, answer []byte) {
	u, err := url.Parse(path)
	if err != nil {
		return http.StatusBadRequest, []byte(err.Error())
	}
	r := &http.Request{Method: method, URL: u, Host: "localhost", Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}
	kept := &keptAnswer{header: http.Header{}}
	f(kept, r)
	return kept.status(), kept.body.Bytes()
}
