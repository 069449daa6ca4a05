package front

import (
	"log"
	"strings"
)

// logf is a writer of lines.
type logf func(format string, args ...any)

func lines(f logf) *log.Logger { return log.New(f, "", 0) }

// Write logs one line.
func (f logf) Write(line []byte) (int, error) {
	f("servicebus: http: %s", strings.TrimSpace(string(line)))
	return len(line), nil
}
