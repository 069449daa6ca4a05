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
	Text   string
}

// logger hands lines over one at a time, whoever writes them.
type logger struct {
	mu  sync.Mutex
	now func() time.Time
	on  func(Line)
}

func newLogger(on func(Line), now func() time.Time) *logger {
	if on == nil {
		on = func(Line) {}
	}
	return &logger{now: now, on: on}
}

func (l *logger) write(source, level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.on(Line{Time: l.now(), Level: level, Source: source, Text: text})
}

func (l *logger) host(level, text string)    { l.write("host", level, text) }
func (l *logger) handler(level, text string) { l.write("handler", level, text) }

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
