package functionshost

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
)

// admin serves the host's own API (Functions host 4.1037). All but ping wants the master key.
func (h *Host) admin(w http.ResponseWriter, r *http.Request, head *requestHead) {
	path := strings.TrimSuffix(strings.ToLower(r.URL.Path), "/")
	if path == "/admin/host/ping" {
		w.Header().Set("Cache-Control", "no-store,no-cache")
		w.Header().Set("Pragma", "no-cache")
		w.WriteHeader(http.StatusOK)
		return
	}
	job := h.current()
	if job.keyOf(nil, r, head).level != levelAdmin {
		w.Header()["WWW-Authenticate"] = []string{"Bearer"}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch r.Method + " " + path {
	case "GET /admin/host/status":
		h.writeJSON(w, h.status())
	case "POST /admin/host/drain":
		go h.drain()
		w.WriteHeader(http.StatusAccepted)
	case "GET /admin/host/drain/status":
		h.writeJSON(w, h.drainStatus())
	case "POST /admin/host/resume":
		if h.draining.Load() {
			h.restart()
		}
		h.writeJSON(w, map[string]any{"state": h.state()})
	case "POST /admin/host/restart":
		go h.restart()
		w.WriteHeader(http.StatusOK)
	case "GET /admin/functions":
		list := []any{}
		for _, f := range job.root.functions {
			if f.fault == "" {
				list = append(list, h.describe(f))
			}
		}
		h.writeJSON(w, list)
	default:
		h.adminFunction(job, strings.TrimPrefix(path, "/admin/functions/"), path, w, r)
	}
}

// adminFunction answers for /admin/functions/<name>.
func (h *Host) adminFunction(job *jobHost, name, path string, w http.ResponseWriter, r *http.Request) {
	f := job.functions[name]
	if name, ok := strings.CutSuffix(name, "/status"); ok && f == nil {
		if f = job.functions[name]; f != nil && r.Method == http.MethodGet {
			status := map[string]any{}
			if f.fault != "" {
				status["errors"] = []string{f.fault}
			}
			h.writeJSON(w, status)
			return
		}
	}
	switch {
	case name == path || f == nil || f.fault != "":
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		h.writeJSON(w, h.describe(f))
	case r.Method == http.MethodPost:
		var call struct{ Input *string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 100<<20)).Decode(&call); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		input := ""
		if call.Input != nil {
			input = *call.Input
		}
		job.running.Go(func() { job.invokeByHand(f, input) })
		w.WriteHeader(http.StatusAccepted)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// invokeByHand calls a function with an input instead of what triggers it: a timer gets its status as it is, a Service
// Bus function a message with the input as its body and no lock, an HTTP function a call that can't be bound.
func (h *jobHost) invokeByHand(f *function, input string) {
	i := h.begin(f, "This function was programmatically called via the host APIs.")
	now := h.options.Now
	switch f.trigger.Type {
	case triggerTimer:
		var state *timerState
		if kept, ok := h.timers.get(f.name); ok && f.monitored(now()) {
			state = &kept
		}
		_ = h.invoke(i, func() []byte { return timerBody(f, state, false, now()) }, nil)
	case triggerServiceBus:
		m := &busMessage{body: []byte(input), expiresAt: maxDateTime, enqueuedTime: time.Time{}, lockToken: uuid.UUID{}, properties: dictionary{}}
		h.invokeWithMessage(i, m)
	default:
		h.finish(i, bindingError(f))
	}
}

func (h *jobHost) invokeWithMessage(i *invocation, m *busMessage) {
	f := i.function
	entity, _, err := h.source.of(f.trigger)
	var body func(time.Time) []byte
	if err == nil && f.batch() {
		body, err = bindBatch(f, entity, []*busMessage{m})
	} else if err == nil {
		body, err = bindSingle(f, entity, m)
	}
	if err != nil {
		h.finish(i, err)
		return
	}
	_ = h.invoke(i, func() []byte { return body(h.options.Now()) }, nil)
}

func (h *Host) state() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.err != nil:
		return "Stopped"
	case h.fault != nil:
		return "Error"
	}
	return "Running"
}

func (h *Host) status() any {
	name, _ := os.Hostname() // only shown
	h.mu.Lock()
	fault := h.fault
	h.mu.Unlock()
	status := struct {
		ID           string   `json:"id"`
		State        string   `json:"state"`
		Version      string   `json:"version"`
		Details      string   `json:"versionDetails"`
		Instance     string   `json:"instanceId"`
		Computer     string   `json:"computerName"`
		Uptime       int64    `json:"processUptime"`
		EditingState string   `json:"functionAppContentEditingState"`
		Errors       []string `json:"errors,omitempty"`
	}{strings.ToLower(name), h.state(), HostVersion, HostVersion + "+crosswalk", "", name, h.options.Now().Sub(h.began).Milliseconds(), "Unknown", nil}
	if fault != nil {
		status.Errors = []string{fault.Error()}
	}
	return status
}

func (h *Host) drainStatus() any {
	running, waiting := h.active.Load(), h.retrying.Load()
	state := "Disabled"
	switch {
	case h.draining.Load() && running == 0 && waiting == 0:
		state = "Completed"
	case h.draining.Load():
		state = "InProgress"
	}
	return struct {
		State   string `json:"state"`
		Running int64  `json:"outstandingInvocations"`
		Waiting int64  `json:"outstandingRetries"`
	}{state, running, waiting}
}

func (h *Host) describe(f *function) any {
	base := h.BaseURL()
	d := map[string]any{"name": f.name, "href": base + "/admin/functions/" + f.name, "isDisabled": f.disabled, "language": "custom",
		"config": map[string]any{"bindings": f.bindings}}
	if f.route != nil {
		d["invoke_url_template"] = base + "/" + f.route.text
	}
	return d
}

func (h *Host) writeJSON(w http.ResponseWriter, v any) {
	w.Header()["Content-Type"] = []string{"application/json; charset=utf-8"}
	data, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(data) // a caller that has left
}
