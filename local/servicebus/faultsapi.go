package servicebus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"crosswalk/local/servicebus/broker"
)

// faultsPath is where faults are asked for by HTTP, where [Options].FaultsAPI allows it:
//
//	POST /$faults/<name>    a JSON object with the fields of the fault → 200 with a JSON object, 400, 403, 404 or 415
//	GET  /$faults           the names with their fields
const faultsPath = "/$faults"

// maxFaultBody bounds a request in bytes.
const maxFaultBody = 64 << 10

// faultRequest is any request; each fault has some of the fields.
type faultRequest struct {
	Entity      string   `json:"entity"`
	Condition   string   `json:"condition"`
	Description string   `json:"description"`
	Transfers   *int     `json:"transfers"`
	Count       *int     `json:"count"`
	Applied     bool     `json:"applied"`
	For         *forTime `json:"for"`
	On          *bool    `json:"on"`
	Key         string   `json:"key"`
}

// forTime is a duration, written as Go does: "1.5s", "2m".
type forTime time.Duration

// UnmarshalText reads it; one below zero is an error.
func (d *forTime) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration (fix: write one such as 1.5s or 2m)", text)
	}
	*d = forTime(v)
	return nil
}

// faultKind is one fault: the fields it must have, those it may have, and what it does. What it returns is the answer.
type faultKind struct {
	Needs []string `json:"needs,omitempty"`
	May   []string `json:"may,omitempty"`
	do    func(*Server, faultRequest) (map[string]int, error)
}

func quiet(f func(*Server, faultRequest)) func(*Server, faultRequest) (map[string]int, error) {
	return func(s *Server, r faultRequest) (map[string]int, error) { f(s, r); return nil, nil }
}

// faultKinds are those of [Faults], by the last part of their path.
var faultKinds = map[string]faultKind{
	"detach": {Needs: []string{"entity", "condition"}, May: []string{"description"}, do: func(s *Server, r faultRequest) (map[string]int, error) {
		if err := s.broker.Exists(r.Entity); errors.Is(err, broker.ErrNotFound) {
			return nil, err
		}
		return map[string]int{"links": s.faults.Detach(r.Entity, r.Condition, r.Description)}, nil
	}},
	"drop-after":        {Needs: []string{"transfers"}, do: quiet(func(s *Server, r faultRequest) { s.faults.DropAfter(*r.Transfers) })},
	"delay-settlements": {Needs: []string{"for"}, do: quiet(func(s *Server, r faultRequest) { s.faults.DelaySettlements(time.Duration(*r.For)) })},
	"lose-settlements": {Needs: []string{"count"}, May: []string{"applied"}, do: quiet(func(s *Server, r faultRequest) {
		s.faults.LoseSettlements(*r.Count, r.Applied)
	})},
	"server-busy": {Needs: []string{"for"}, do: quiet(func(s *Server, r faultRequest) { s.faults.ServerBusy(time.Duration(*r.For)) })},
	"expire-locks": {Needs: []string{"entity"}, do: func(s *Server, r faultRequest) (map[string]int, error) {
		n, err := s.faults.ExpireLocks(r.Entity)
		return map[string]int{"locks": n}, err
	}},
	"refuse-auth": {Needs: []string{"on"}, do: quiet(func(s *Server, r faultRequest) { s.faults.RefuseAuth(*r.On) })},
	"revoke-send": {Needs: []string{"on"}, May: []string{"key"}, do: func(s *Server, r faultRequest) (map[string]int, error) {
		switch {
		case r.Key == "":
			s.faults.RevokeSend(*r.On)
		case s.ConnectionStringOf(r.Key) == "":
			return nil, fmt.Errorf("key: there is no shared access key of the name %q", r.Key)
		default:
			s.faults.RevokeSendOf(r.Key, *r.On)
		}
		return nil, nil
	}},
	"calm": {do: quiet(func(s *Server, _ faultRequest) { s.faults.Calm() })},
}

// serveFaults answers who asks for faults from this machine.
func (s *Server) serveFaults(w http.ResponseWriter, r *http.Request) {
	answer := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v) // who went away doesn't read the answer
	}
	refuse := func(code int, err error) { answer(code, map[string]string{"error": err.Error()}) }
	if !local(r.RemoteAddr) || !local(r.Host) {
		refuse(http.StatusForbidden, errors.New("faults are asked for from this machine only, by a loopback address"))
		return
	}
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, faultsPath), "/")
	if name == "" && r.Method == http.MethodGet {
		answer(http.StatusOK, faultKinds)
		return
	}
	kind, known := faultKinds[name]
	switch {
	case !known:
		refuse(http.StatusNotFound, fmt.Errorf("there is no fault %q (fix: GET %s lists them)", name, faultsPath))
		return
	case r.Method != http.MethodPost:
		refuse(http.StatusMethodNotAllowed, errors.New("a fault is asked for with POST"))
		return
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"): // which a page of another site can't send
		refuse(http.StatusUnsupportedMediaType, errors.New("a fault is asked for with Content-Type: application/json"))
		return
	}
	request, err := kind.read(io.LimitReader(r.Body, maxFaultBody))
	if err != nil {
		refuse(http.StatusBadRequest, fmt.Errorf("%s: %w", name, err))
		return
	}
	told, err := kind.do(s, request)
	switch {
	case errors.Is(err, broker.ErrNotFound):
		refuse(http.StatusNotFound, fmt.Errorf("%s: %w", name, err))
	case err != nil:
		refuse(http.StatusBadRequest, fmt.Errorf("%s: %w", name, err))
	case told == nil:
		answer(http.StatusOK, struct{}{})
	default:
		answer(http.StatusOK, told)
	}
}

// read reads a request and wants the fields of the fault, all it needs and no others.
func (k faultKind) read(body io.Reader) (r faultRequest, err error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return r, err
	}
	fields := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(data)) > 0 {
		if err := json.Unmarshal(data, &fields); err != nil {
			return r, fmt.Errorf("the body is no JSON object: %w", err)
		}
		if err := json.Unmarshal(data, &r); err != nil {
			return r, err
		}
	}
	for _, name := range k.Needs {
		if value, there := fields[name]; !there || string(value) == "null" || string(value) == `""` {
			return r, fmt.Errorf("the field %s is missing", name)
		}
	}
	for _, name := range append(append([]string{}, k.Needs...), k.May...) {
		delete(fields, name)
	}
	for name := range fields {
		return r, fmt.Errorf("the field %s is unknown (fix: GET %s lists those there are)", name, faultsPath)
	}
	for name, n := range map[string]*int{"transfers": r.Transfers, "count": r.Count} {
		if n != nil && *n < 0 {
			return r, fmt.Errorf("%s: %d is below zero", name, *n)
		}
	}
	return r, nil
}

// local reports whether an address with or without a port is of loopback.
func local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
