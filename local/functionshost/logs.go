package functionshost

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

// Levels of a Line, as the host names them.
const (
	information = "Information"
	warning     = "Warning"
	errorLevel  = "Error"
)

// Line is one log line.
type Line struct {
	Time time.Time
	// Level is "Information", "Warning" or "Error".
	Level string
	// Source is "host" or "handler".
	Source string
	// Category is what logging.logLevel of host.json filters by, such as "Host.General", "Function.<name>" or
	// "Host.Function.Console" for a line of the handler.
	Category string
	Text     string
}

// Categories of lines; those of a function are Function.<name> and, for what it returned as Logs, Function.<name>.User.
const (
	categoryHost    = "Host.General"
	categoryConsole = "Host.Function.Console"
)

func categoryOf(f *function) string { return "Function." + f.name }

// logger hands lines over one at a time, whoever writes them, if their category's level lets them pass.
type logger struct {
	mu     sync.Mutex
	now    func() time.Time
	on     func(Line)
	levels levels
}

func newLogger(on func(Line), now func() time.Time) *logger {
	if on == nil {
		on = func(Line) {}
	}
	return &logger{now: now, on: on}
}

func (l *logger) setLevels(to levels) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.levels = to
}

func (l *logger) write(source, level, category, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.levels.pass(category, level) {
		l.on(Line{Time: l.now(), Level: level, Source: source, Category: category, Text: text})
	}
}

func (l *logger) say(level, category, text string) { l.write("host", level, category, text) }
func (l *logger) host(level, text string)          { l.write("host", level, categoryHost, text) }
func (l *logger) handler(level, text string)       { l.write("handler", level, categoryConsole, text) }

// levels are logging.logLevel of host.json: the least level by category in lower case.
type levels map[string]int

var ranks = map[string]int{"trace": 0, "debug": 1, "information": 2, "warning": 3, "error": 4, "critical": 5, "none": 6}

func readLevels(c configuration) levels {
	out := levels{}
	for key, value := range c {
		if category, ok := strings.CutPrefix(key, "logging:loglevel:"); ok {
			if rank, ok := ranks[strings.ToLower(value)]; ok {
				out[category] = rank
			}
		}
	}
	return out
}

// pass applies the rule of the longest category that is the line's or stands before it; without any, Information passes.
func (l levels) pass(category, level string) bool {
	least, ok := l["default"]
	if !ok {
		least = ranks["information"]
	}
	for name := strings.ToLower(category); name != ""; {
		if rank, ok := l[name]; ok {
			least = rank
			break
		}
		name = name[:max(0, strings.LastIndexByte(name, '.'))]
	}
	return ranks[strings.ToLower(level)] >= least
}

// stderrLevel is the level the host gives to a line of the handler's stderr (Functions host 4.1037, recorded): with
// useStdErrorStreamForErrorsOnly, the default of custom handlers, everything without "warn" is an error.
func stderrLevel(text string, errorsOnly bool) string {
	lower := strings.ToLower(text)
	if strings.Contains(lower, "warn") {
		return warning
	}
	if errorsOnly {
		return errorLevel
	}
	for _, word := range []string{"error", "fail", "severe", "unhandled exception"} {
		if strings.Contains(lower, word) {
			return errorLevel
		}
	}
	return information
}

// systemLogPrefix marks a line of the handler that the host takes for its own system log.
const systemLogPrefix = "LanguageWorkerConsoleLog"

// lines cuts a stream into lines and hands each over without its end.
type lines struct {
	rest []byte
	on   func(string)
}

func (w *lines) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.on(strings.TrimSuffix(string(w.rest[:i]), "\r"))
		w.rest = w.rest[i+1:]
	}
}

// flush hands over a last line that has no end.
func (w *lines) flush() {
	if len(w.rest) > 0 {
		w.on(string(w.rest))
		w.rest = nil
	}
}
