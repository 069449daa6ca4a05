package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"crosswalk/local/feed"
	"crosswalk/local/functionshost"
	"crosswalk/local/stack"
	"crosswalk/shared/telemetry"
)

// console shows people what happens: one line per event and function with its outcome and time.
type console struct {
	mu      sync.Mutex
	out     io.Writer
	verbose bool
	colour  bool
}

func newConsole(out io.Writer, verbose bool) *console {
	c := &console{out: out, verbose: verbose}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		c.colour = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
	}
	return c
}

// refused shows what the host or the broker refused, so that the handler never saw it.
func (c *console) refused(name, how string) {
	c.line(yellow, fmt.Sprintf("%s %-13s %s: %s", time.Now().Format("15:04:05.000"), "refused", name, how))
}

func (c *console) say(format string, args ...any) {
	c.line("", "crosswalk: "+fmt.Sprintf(format, args...))
}

func (c *console) line(colour, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.colour && colour != "" {
		text = colour + text + "\x1b[0m"
	}
	fmt.Fprintln(c.out, text)
}

const (
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	grey   = "\x1b[90m"
)

// watch returns the function that gets every line of the host and the handler: outcomes go to the ledger and are shown as
// one line each, and what the host warns of is shown as it is.
func (c *console) watch(ledger *feed.Ledger) func(functionshost.Line) {
	return func(l functionshost.Line) {
		if o, ok := feed.ParseLine(l.Text); ok {
			ledger.Observe(o)
			c.outcome(l.Time, o)
			return
		}
		if !c.verbose && (l.Level != "Error" || expected(l.Text)) {
			return
		}
		colour := grey
		if l.Level == "Error" {
			colour = red
		}
		c.line(colour, fmt.Sprintf("%s %s %s: %s", l.Time.Format("15:04:05.000"), strings.ToLower(l.Level), l.Source, l.Text))
	}
}

// expected reports whether a line of the host only says again what an outcome's line has said: a dead letter by lock token
// shows as a failed invocation, and the host's own abandon is refused (docs/adr/0002).
func expected(text string) bool {
	return strings.Contains(text, "success: 500") && strings.Contains(text, "(Failed, Id=") ||
		strings.Contains(text, "Action=Abandon") && strings.Contains(text, "MessageLockLostException")
}

func (c *console) outcome(at time.Time, o feed.Line) {
	colour, what := green, o.Outcome
	switch o.Outcome {
	case telemetry.Published:
		if len(o.Routes) > 0 && !c.verbose {
			return // its functions' lines follow
		}
		if len(o.Routes) == 0 {
			if feed.InBurst(o.Event) && !c.verbose {
				return // a thousand of them, counted by the burst's own line
			}
			what, o.Function, o.Why = telemetry.NothingToDo, feed.Unrouted, "no function asks for it"
		}
	case telemetry.NothingToDo:
		colour = grey
	case telemetry.Retry, telemetry.Abandoned:
		colour = yellow
	case telemetry.DeadLettered, telemetry.Alert:
		colour = red
	}
	why := o.Why
	if o.Reason != "" {
		why = o.Reason
		if o.Field != "" {
			why += " " + cut(o.Field, 60)
		}
	}
	if o.RetryMS > 0 {
		why += fmt.Sprintf(", again in %s", (time.Duration(o.RetryMS) * time.Millisecond).Round(100*time.Millisecond))
	}
	c.line(colour, fmt.Sprintf("%s %-13s %-24s %-32s %-17s %6.0f ms  %s", at.Format("15:04:05.000"), what, o.Function, printable(o.Type, false), short(o.Event), o.MS, why))
}

// short returns an id's end, which differs between events more often than its beginning.
func short(id string) string {
	id = printable(id, false) // ids come from whoever sends
	if len(id) > 17 {
		return "…" + id[len(id)-12:]
	}
	return id
}

// cut shortens a text for the screen; the dead letter has the whole of it.
func cut(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func (c *console) endpoints(e stack.Endpoints) {
	for _, row := range [][2]string{
		{"service bus", e.ServiceBus.ConnectionString}, {"blobs", e.Storage.BlobEndpoint}, {"tables", e.Storage.TableEndpoint},
		{"functions", e.Functions.BaseURL}, {"entra", e.Entra.TokenURL}, {"dataverse", e.Dataverse.APIURL},
		{"f&o", e.FnO.DataURL}, {"rows", e.Page},
	} {
		c.line("", fmt.Sprintf("  %-12s %s", row[0], row[1]))
	}
}

func (c *console) report(r feed.Report) {
	for _, problem := range r.Problems {
		c.line(red, "NOT AS EXPECTED  "+problem)
	}
	if r.FoundDone > 0 {
		c.line("", fmt.Sprintf("%d events had no answer in time, and the next attempt found their work done: this machine is busy, nothing is wrong", r.FoundDone))
	}
	c.line("", fmt.Sprintf("burst: %d events, %d invocations", r.BurstEvents, r.BurstInvocations))
	s := r.Summary
	c.line("", fmt.Sprintf("crosswalk run: %d received, %d delivered, %d nothing to do, %d dead-lettered, %d lost",
		s.Received, s.Delivered, s.NothingToDo, s.DeadLettered, s.Lost))
}
