package functionshost

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// settings are the app settings and the process environment, looked up as .NET's configuration does: ignoring case, and
// with ":" and "__" as the same separator.
type settings struct {
	exact map[string]string
	fold  map[string]string
}

func newSettings(environ []string, app map[string]string) settings {
	s := settings{exact: map[string]string{}, fold: map[string]string{}}
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && name != "" {
			s.put(name, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(app)) {
		s.put(name, app[name])
	}
	return s
}

func (s settings) put(name, value string) {
	s.exact[name] = value
	s.fold[foldName(name)] = value
}

func foldName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "__", ":")) }

func (s settings) lookup(name string) (string, bool) {
	if v, ok := s.exact[name]; ok {
		return v, true
	}
	v, ok := s.fold[foldName(name)]
	return v, ok
}

// environ is the child's environment: everything, with more on top.
func (s settings) environ(more map[string]string) []string {
	all := maps.Clone(s.exact)
	maps.Copy(all, more)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, name+"="+all[name])
	}
	return out
}

var percentName = regexp.MustCompile(`%([^%]+)%`)

// resolve replaces every %NAME% of a binding; a name without a setting is an error, as it is on the real host.
func (s settings) resolve(text string) (string, error) {
	var missing string
	out := percentName.ReplaceAllStringFunc(text, func(m string) string {
		v, ok := s.lookup(m[1 : len(m)-1])
		if !ok {
			missing = m
		}
		return v
	})
	if missing != "" {
		return "", fmt.Errorf("'%s' does not resolve to a value", missing)
	}
	return out, nil
}

// expand replaces %NAME% in the handler's path and arguments, where an unset name becomes nothing.
func (s settings) expand(text string) string {
	return percentName.ReplaceAllStringFunc(text, func(m string) string {
		v, _ := s.lookup(m[1 : len(m)-1])
		return v
	})
}

// on tells whether a switch such as AzureWebJobs.<name>.Disabled is "1" or "true".
func (s settings) on(names ...string) bool {
	for _, name := range names {
		if v, ok := s.lookup(name); ok && (v == "1" || strings.EqualFold(v, "true")) {
			return true
		}
	}
	return false
}

// connection is where a Service Bus connection leads: a connection string, or a namespace for identity-based ones.
type connection struct{ text, namespace string }

// connection finds what a binding's connection names; a connection string wins over a namespace.
func (s settings) connection(name string) (connection, error) {
	if name == "" {
		name = "AzureWebJobsServiceBus"
	}
	for _, n := range []string{"AzureWebJobs" + name, name, "ConnectionStrings:" + name} {
		if v, ok := s.lookup(n); ok && v != "" {
			return connection{text: v}, nil
		}
	}
	for _, n := range []string{"AzureWebJobs" + name, name} {
		if v, ok := s.lookup(n + ":fullyQualifiedNamespace"); ok && v != "" {
			return connection{namespace: v}, nil
		}
	}
	//lint:ignore ST1005 the host's own words
	return connection{}, fmt.Errorf("Service Bus account connection string with name '%s' does not exist. Make sure that it is a defined App Setting.", name)
}
