package functionshost

import (
	"bytes"
	"encoding/json"
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
	routePrefix          string
	bus                  busConfig
}

// busConfig is extensions.serviceBus.
type busConfig struct {
	maxConcurrentCalls  int
	maxMessageBatchSize int
	maxLockRenewal      time.Duration
	prefetch            int
	autoCompleteGiven   bool // false was written in host.json, where it has no effect
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
	const bus = "extensions:serviceBus:"
	cfg.bus.maxConcurrentCalls = r.number(bus+"maxConcurrentCalls", 16*runtime.NumCPU())
	cfg.bus.maxMessageBatchSize = r.number(bus+"maxMessageBatchSize", 1000)
	cfg.bus.maxLockRenewal = r.span(bus+"maxAutoLockRenewalDuration", 5*time.Minute)
	cfg.bus.prefetch = r.number(bus+"prefetchCount", 0)
	cfg.bus.autoCompleteGiven = !r.flag(bus+"autoCompleteMessages", true)
	if r.err != nil {
		return cfg, nil, r.err
	}
	if cfg.bus.maxConcurrentCalls < 1 || cfg.bus.maxMessageBatchSize < 1 {
		return cfg, nil, fmt.Errorf("host.json: extensions.serviceBus: maxConcurrentCalls and maxMessageBatchSize must be 1 or more")
	}
	return cfg, cfg.warnings(c), nil
}

func (cfg hostConfig) warnings(c configuration) []string {
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
	for key := range c {
		if strings.HasPrefix(key, "customhandler:http:routes") {
			out = append(out, "host.json: customHandler.http.routes is not reproduced here, and on Azure the host refuses to start when any function.json exists beside it")
			break
		}
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

// plainJSON takes out what the host tolerates beyond JSON: a byte order mark, comments and trailing commas.
func plainJSON(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var out []byte
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] == '"':
			end := i + 1
			for end < len(data) && data[end] != '"' {
				if data[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(data))
			out = append(out, data[i:end]...)
			i = end - 1
		case bytes.HasPrefix(data[i:], []byte("//")):
			for i < len(data) && data[i] != '\n' {
				i++
			}
			i--
		case bytes.HasPrefix(data[i:], []byte("/*")):
			end := bytes.Index(data[i+2:], []byte("*/"))
			if end < 0 {
				return out
			}
			i += end + 3
		case data[i] == '}' || data[i] == ']':
			if t := bytes.TrimRight(out, " \t\r\n"); len(t) > 0 && t[len(t)-1] == ',' {
				out = t[:len(t)-1]
			}
			out = append(out, data[i])
		default:
			out = append(out, data[i])
		}
	}
	return out
}
