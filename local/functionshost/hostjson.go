package functionshost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

// configuration holds a JSON document as .NET's configuration does: flat, keys joined by ":", in lower case, values as
// text. So an app setting AzureFunctionsJobHost__a__b overrides a.b of host.json whatever its type.
type configuration map[string]string

const hostJSONOverride = "azurefunctionsjobhost:"

func readConfiguration(data []byte, s settings) (configuration, error) {
	c := configuration{}
	dec := json.NewDecoder(bytes.NewReader(plainJSON(data)))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("host.json: %w", err)
	}
	c.flatten("", doc)
	for name, value := range s.fold {
		if key, ok := strings.CutPrefix(name, hostJSONOverride); ok {
			c[key] = value
		}
	}
	return c, nil
}

func (c configuration) flatten(prefix string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if prefix != "" {
			c[prefix+":"] = "" // the section exists, even when it is empty
		}
		for name, value := range v {
			c.flatten(join(prefix, strings.ToLower(name)), value)
		}
	case []any:
		for i, value := range v {
			c.flatten(join(prefix, strconv.Itoa(i)), value)
		}
	case nil:
	default:
		c[prefix] = fmt.Sprint(v)
	}
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + ":" + name
}

func (c configuration) text(key, otherwise string) string {
	if v, ok := c[strings.ToLower(key)]; ok && v != "" {
		return v
	}
	return otherwise
}

func (c configuration) flag(key string, otherwise bool) (bool, error) {
	v, ok := c[strings.ToLower(key)]
	if !ok || v == "" {
		return otherwise, nil
	}
	b, err := strconv.ParseBool(strings.ToLower(v))
	if err != nil {
		return false, fmt.Errorf("host.json: %s: %q is neither true nor false", key, v)
	}
	return b, nil
}

func (c configuration) number(key string, otherwise int) (int, error) {
	v, ok := c[strings.ToLower(key)]
	if !ok || v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, fmt.Errorf("host.json: %s: %q is no whole number", key, v)
	}
	return n, nil
}

func (c configuration) span(key string, otherwise time.Duration) (time.Duration, error) {
	v, ok := c[strings.ToLower(key)]
	if !ok || v == "" {
		return otherwise, nil
	}
	d, err := parseTimeSpan(v)
	if err != nil {
		return 0, fmt.Errorf("host.json: %s: %w", key, err)
	}
	return d, nil
}

func (c configuration) list(key string) []string {
	key = strings.ToLower(key) + ":"
	type item struct {
		at    int
		value string
	}
	var items []item
	for k, v := range c {
		if rest, ok := strings.CutPrefix(k, key); ok {
			if i, err := strconv.Atoi(rest); err == nil {
				items = append(items, item{i, v})
			}
		}
	}
	sort.Slice(items, func(i, j int) bool { return items[i].at < items[j].at })
	var out []string
	for _, it := range items {
		out = append(out, it.value)
	}
	return out
}

// unbounded is a functionTimeout of -1: a call may last for ever.
const unbounded = time.Duration(0)

// hostConfig is what this host uses of host.json, overrides included.
type hostConfig struct {
	executable           string
	arguments            []string
	workingDirectory     string
	stderrIsErrors       bool
	forwarding, proxying bool
	initializationTime   time.Duration
	functionTimeout      time.Duration // unbounded or positive
	legacy               bool          // the section is httpWorker: forwarding goes to /<function>
	workerPath           string
	workerArguments      []string
	maxRequests          int // extensions.http.maxConcurrentRequests; -1: no limit
	maxOutstanding       int // extensions.http.maxOutstandingRequests, those that wait included; -1: no limit
	routePrefix          string
	bus                  busConfig
	retry                *retryPolicy // for every function that has none
	levels               levels
	watching             bool // fileWatchingEnabled
	port                 int  // of the handler; 0 picks one
	routes               []routeConfig
}

// routeConfig is one of customHandler.http.routes: an HTTP function without a function.json.
type routeConfig struct{ route, level string }

// busConfig is extensions.serviceBus.
type busConfig struct {
	maxConcurrentCalls  int
	maxMessageBatchSize int
	maxLockRenewal      time.Duration
	prefetch            int
	autoCompleteGiven   bool // false was written in host.json, where it has no effect

	maxConcurrentSessions        int
	maxConcurrentCallsPerSession int
	sessionIdleTimeout           time.Duration
	minMessageBatchSize          int
	maxBatchWait                 time.Duration
}

// readHostConfig reads host.json and says what of it won't do what its author may think.
func readHostConfig(data []byte, s settings) (cfg hostConfig, warnings []string, err error) {
	c, err := readConfiguration(data, s)
	if err != nil {
		return cfg, nil, err
	}
	if v := c.text("version", ""); v != "2.0" {
		return cfg, nil, fmt.Errorf("host.json: version is %q, the host runs only \"2.0\"", v)
	}
	section := "customHandler"
	if _, ok := c["customhandler:"]; !ok {
		if _, ok := c["httpworker:"]; ok {
			section = "httpWorker"
		}
	}
	d := section + ":description:"
	cfg.executable = c.text(d+"defaultExecutablePath", "")
	if cfg.executable == "" {
		return cfg, nil, fmt.Errorf("host.json: %s.description.defaultExecutablePath is missing: WorkerConfig for runtime: custom not found", section)
	}
	cfg.arguments = c.list(d + "arguments")
	cfg.legacy = section == "httpWorker"
	cfg.workerPath = c.text(d+"defaultWorkerPath", "")
	cfg.workerArguments = c.list(d + "workerArguments")
	cfg.workingDirectory = c.text(d+"workingDirectory", "")
	cfg.routePrefix = "api"
	if v, ok := c["extensions:http:routeprefix"]; ok {
		cfg.routePrefix = v
	}
	r := reader{c: c}
	cfg.stderrIsErrors = r.flag(d+"useStdErrorStreamForErrorsOnly", true)
	cfg.forwarding = r.flag(section+":enableForwardingHttpRequest", section == "httpWorker")
	cfg.proxying = r.flag(section+":enableProxyingHttpRequest", false)
	cfg.initializationTime = r.span(section+":initializationTimeout", 30*time.Second)
	cfg.functionTimeout = 30 * time.Minute
	if v := c.text("functionTimeout", ""); v == "-1" {
		cfg.functionTimeout = unbounded
	} else {
		cfg.functionTimeout = r.span("functionTimeout", 30*time.Minute)
	}
	cfg.watching = r.flag("fileWatchingEnabled", true)
	cfg.maxRequests = r.number("extensions:http:maxConcurrentRequests", -1)
	cfg.maxOutstanding = r.number("extensions:http:maxOutstandingRequests", -1)
	cfg.port = r.number(section+":port", 0)
	cfg.levels = readLevels(c)
	cfg.retry = readRetry(&r)
	cfg.readRoutes(c, section)
	cfg.readBus(&r)
	if r.err != nil {
		return cfg, nil, r.err
	}
	if err := cfg.bus.check(); err != nil {
		return cfg, nil, err
	}
	return cfg, cfg.warnings(), nil
}

// readRoutes takes customHandler.http.routes and the profiles that stand for one catch-all route (documented; newer than
// the host of the recordings).
func (cfg *hostConfig) readRoutes(c configuration, section string) {
	level := c.text(section+":http:defaultAuthorizationLevel", "function")
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s:http:routes:%d:", section, i)
		route, ok := c[strings.ToLower(key+"route")]
		if !ok {
			break
		}
		cfg.routes = append(cfg.routes, routeConfig{route: route, level: c.text(key+"authorizationLevel", level)})
	}
	switch strings.ToLower(c.text("configurationProfile", "default")) {
	case "mcp-custom-handler", "web-app-custom-handler":
		cfg.proxying, cfg.routePrefix = true, ""
		if cfg.routes == nil {
			cfg.routes = []routeConfig{{route: "{*route}", level: level}}
		}
	}
}

// handlerPort is the fixed port of host.json, or a free one.
func (cfg hostConfig) handlerPort() (int, error) {
	port, err := freePort(cfg.port)
	if err != nil && cfg.port != 0 {
		return 0, fmt.Errorf("host.json: customHandler.port %d can't be bound: %w", cfg.port, err)
	}
	return port, err
}

func (cfg *hostConfig) readBus(r *reader) {
	const bus = "extensions:serviceBus:"
	cfg.bus.maxConcurrentCalls = r.number(bus+"maxConcurrentCalls", 16*runtime.NumCPU())
	cfg.bus.maxMessageBatchSize = r.number(bus+"maxMessageBatchSize", 1000)
	cfg.bus.maxLockRenewal = r.span(bus+"maxAutoLockRenewalDuration", 5*time.Minute)
	cfg.bus.prefetch = r.number(bus+"prefetchCount", 0)
	cfg.bus.autoCompleteGiven = !r.flag(bus+"autoCompleteMessages", true)
	cfg.bus.maxConcurrentSessions = r.number(bus+"maxConcurrentSessions", 8)
	cfg.bus.maxConcurrentCallsPerSession = r.number(bus+"maxConcurrentCallsPerSession", 1)
	cfg.bus.sessionIdleTimeout = r.span(bus+"sessionIdleTimeout", r.span(bus+"clientRetryOptions:tryTimeout", time.Minute))
	cfg.bus.minMessageBatchSize = r.number(bus+"minMessageBatchSize", 1)
	cfg.bus.maxBatchWait = r.span(bus+"maxBatchWaitTime", 30*time.Second)
}

func (b busConfig) check() error {
	switch {
	case b.maxConcurrentCalls < 1 || b.maxMessageBatchSize < 1 || b.maxConcurrentSessions < 1 || b.maxConcurrentCallsPerSession < 1 || b.minMessageBatchSize < 1:
		return errors.New("host.json: extensions.serviceBus: maxConcurrentCalls, maxConcurrentSessions, maxConcurrentCallsPerSession, minMessageBatchSize and maxMessageBatchSize must be 1 or more")
	case b.minMessageBatchSize > b.maxMessageBatchSize:
		return errors.New("host.json: extensions.serviceBus: minMessageBatchSize is more than maxMessageBatchSize")
	case b.maxBatchWait > 150*time.Second:
		return errors.New("host.json: extensions.serviceBus: maxBatchWaitTime is more than 00:02:30")
	}
	return nil
}

func (cfg hostConfig) warnings() []string {
	var out []string
	if cfg.bus.autoCompleteGiven {
		out = append(out, "host.json: extensions.serviceBus.autoCompleteMessages false has NO effect on Azure: set \"autoComplete\": false and \"autoCompleteMessages\": false in each function.json")
	}
	if cfg.proxying && !cfg.forwarding {
		out = append(out, "host.json: enableProxyingHttpRequest without enableForwardingHttpRequest: a host that doesn't know proxying yet (4.1037) would call the handler with the default protocol")
	}
	if cfg.bus.prefetch > 0 {
		out = append(out, "host.json: extensions.serviceBus.prefetchCount is not reproduced here; prefetched messages age without renewal on Azure")
	}
	return out
}

// reader keeps the first error of a row of lookups.
type reader struct {
	c   configuration
	err error
}

func (r *reader) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) flag(key string, otherwise bool) bool {
	v, err := r.c.flag(key, otherwise)
	r.keep(err)
	return v
}

func (r *reader) number(key string, otherwise int) int {
	v, err := r.c.number(key, otherwise)
	r.keep(err)
	return v
}

func (r *reader) span(key string, otherwise time.Duration) time.Duration {
	v, err := r.c.span(key, otherwise)
	r.keep(err)
	return v
}
