package functionshost

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// scriptRoot is the content of a folder the host runs.
type scriptRoot struct {
	path      string
	config    hostConfig
	functions []*function // by name, ordinal, ignoring case: the order in which routes are matched
	warnings  []string
}

var functionName = regexp.MustCompile(`^(?i)[a-z][a-z0-9_-]{0,127}$`)

// readScriptRoot reads host.json and <folder>/function.json of the immediate sub-folders, nothing deeper. A bad
// function.json is that function's fault only; what would stop the real host is an error.
func readScriptRoot(path string, s settings) (*scriptRoot, error) {
	data, err := os.ReadFile(filepath.Join(path, "host.json"))
	if err != nil {
		return nil, fmt.Errorf("script root: %w", err)
	}
	config, warnings, err := readHostConfig(data, s)
	if err != nil {
		return nil, err
	}
	root := &scriptRoot{path: path, config: config, warnings: warnings}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("script root: %w", err)
	}
	for _, entry := range entries {
		folder := filepath.Join(path, entry.Name())
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, "function.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("script root: %w", err)
		}
		root.functions = append(root.functions, root.readFunction(entry.Name(), data, s))
	}
	if err := root.addRoutes(s); err != nil {
		return nil, err
	}
	slices.SortFunc(root.functions, func(a, b *function) int {
		return cmp.Compare(strings.ToUpper(a.name), strings.ToUpper(b.name))
	})
	return root, root.compileRoutes()
}

func (r *scriptRoot) readFunction(name string, data []byte, s settings) *function {
	if !functionName.MatchString(name) || strings.EqualFold(name, "host") {
		return &function{name: name, fault: fmt.Sprintf("'%s' is not a valid function name.", name)}
	}
	return readFunction(name, data, filepath.Join(r.path, name), s)
}

// addRoutes makes the functions http-handler1, 2, … of customHandler.http.routes; beside a function.json they stop the host.
func (r *scriptRoot) addRoutes(s settings) error {
	if len(r.config.routes) == 0 {
		return nil
	}
	if len(r.functions) > 0 {
		return fmt.Errorf("host.json: customHandler.http.routes and %s/function.json exclude each other: the host refuses to start", r.functions[0].name)
	}
	for i, route := range r.config.routes {
		doc, err := json.Marshal(map[string]any{"bindings": []map[string]string{
			{"type": triggerHTTP, "direction": "in", "name": "req", "authLevel": route.level, "route": strings.TrimPrefix(route.route, "/")},
			{"type": "http", "direction": "out", "name": "res"}}})
		if err != nil {
			return err
		}
		r.functions = append(r.functions, readFunction(fmt.Sprintf("http-handler%d", i+1), doc, "", s))
	}
	return nil
}

// compileRoutes gives every HTTP function its route. A route with a leading "/" stops the whole host, so it is an error
// here; the second function with the same route is in error.
func (r *scriptRoot) compileRoutes() error {
	taken := map[string][]*function{}
	for _, f := range r.functions {
		if f.fault != "" || f.trigger.Type != triggerHTTP {
			continue
		}
		if strings.HasPrefix(f.trigger.Route, "/") {
			return fmt.Errorf("%s/function.json: route %q begins with \"/\": on Azure this stops the whole host, every function of it; write %q",
				f.name, f.trigger.Route, strings.TrimLeft(f.trigger.Route, "/"))
		}
		text := f.trigger.Route
		if text == "" {
			text = f.name
		}
		if r.config.routePrefix != "" {
			text = strings.Trim(r.config.routePrefix, "/") + "/" + text
		}
		compiled, err := parseRoute(text)
		if err != nil {
			f.fault = err.Error()
			continue
		}
		if other := f.routeConflict(text, taken); other != "" {
			f.fault = fmt.Sprintf("The route specified conflicts with the route defined by function '%s'.", other)
			continue
		}
		f.route = compiled
	}
	return nil
}

func (r *scriptRoot) anyUsable() bool {
	return slices.ContainsFunc(r.functions, func(f *function) bool { return f.fault == "" })
}

// routeConflict finds an earlier function with the same route and a method in common; without one the route is taken.
func (f *function) routeConflict(text string, taken map[string][]*function) string {
	key := strings.ToLower(text)
	for _, other := range taken[key] {
		if f.sharesMethod(other) {
			return other.name
		}
	}
	taken[key] = append(taken[key], f)
	return ""
}

func (f *function) sharesMethod(other *function) bool {
	if f.trigger.Methods == nil {
		return other.trigger.Methods == nil || len(*other.trigger.Methods) > 0
	}
	return slices.ContainsFunc(*f.trigger.Methods, other.takes)
}
