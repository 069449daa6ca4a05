package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// Columns of a trial on the screen, in cells; longer texts are wrapped, never cut.
const (
	sourceCells = 46
	ruleCells   = 46
	targetCells = 56
)

// trialView writes trials for people.
type trialView struct {
	out    io.Writer
	colour bool
}

func (v trialView) paint(colour, text string) string {
	if !v.colour || colour == "" || text == "" {
		return text
	}
	return colour + text + "\x1b[0m"
}

func (v trialView) trial(plan *contract.Plan, t trial) {
	fmt.Fprintf(v.out, "%s: %s %s → %s %s, %s\n", plan.Name, plan.From.System, plan.From.Entity, plan.To.System, plan.To.Entity, printable(t.name, false))
	if t.event != "" {
		fmt.Fprintln(v.out, v.paint(grey, printable(t.event, false)))
	}
	if t.note != "" {
		fmt.Fprintln(v.out, v.paint(yellow, t.note))
	}
	if len(t.steps) > 0 {
		fmt.Fprintln(v.out)
		v.row("", "SOURCE", "RULE", "TARGET")
		for _, s := range t.steps {
			v.step(s, s.Words())
		}
	}
	fmt.Fprintln(v.out)
	if t.fault != nil {
		fmt.Fprintln(v.out, v.paint(red, "rejected  "+printable(t.fault.Error(), false)))
		return
	}
	if t.ignored() {
		fmt.Fprintln(v.out, v.paint(yellow, "ignored   "+contract.NotWanted+": nothing is written"))
		return
	}
	fmt.Fprintf(v.out, "%s  %s  (%s)\n", v.paint(green, "accepted"), printable(t.record.KeyText(), false), strings.Join(plan.To.Key, "/"))
	if address := plan.Address(t.record); address != "" {
		fmt.Fprintln(v.out, "the row's address: "+printable(address, false))
	}
	fmt.Fprintln(v.out, "request body of a new row; an update leaves the key's fields out:")
	var body bytes.Buffer
	if json.Indent(&body, t.record.JSON(true), "", "  ") != nil { // can't be: the record's literals are well formed
		body.Write(t.record.JSON(true))
	}
	fmt.Fprintln(v.out, printable(body.String(), true))
	if t.against != nil {
		v.comparison(plan, t)
	}
}

// step shows a field, and below a list each of its rows, the rules with the first one.
func (v trialView) step(s contract.Step, rule string) {
	v.row(stepColour(s), sourceText(s), rule, targetText(s))
	for i, row := range s.Rows {
		for _, member := range row.Steps {
			words := ""
			if i == 0 {
				words = member.Words()
			}
			v.step(member, words)
		}
	}
}

// comparison shows what the target holds of the record beside what it would become.
func (v trialView) comparison(plan *contract.Plan, t trial) {
	what := printable(plan.To.Entity+" "+t.record.KeyText(), false)
	fmt.Fprintln(v.out)
	switch {
	case !t.against.exists:
		fmt.Fprintf(v.out, "the local %s has no %s: the flow would create it\n", plan.To.System, what)
		return
	case !t.against.changes():
		fmt.Fprintf(v.out, "the local %s holds all of it in %s: the flow would write nothing\n", plan.To.System, what)
	default:
		fmt.Fprintf(v.out, "the local %s has %s; nothing was written\n", plan.To.System, what)
	}
	v.row("", "FIELD", "NOW", "WOULD BECOME")
	for _, d := range t.against.fields {
		now, becomes, colour := "nothing", string(d.Value.JSON), green
		if d.Now != nil {
			now = string(d.Now)
		}
		if d.Same {
			becomes, colour = "unchanged", grey
		}
		v.row(colour, d.Value.Name, now, becomes)
	}
}

// stepColour is the colour of a field's target: written, rejected, or left alone.
func stepColour(s contract.Step) string {
	switch outcome(s) {
	case "rejected":
		return red
	case "written":
		return green
	}
	return grey
}

func sourceText(s contract.Step) string {
	if s.Source == nil {
		return readings(s.Read, nil, ", then ")
	}
	return readings(s.Read, s.Source.Column, ", then ")
}

// readings writes values of the source as they came; column is the one whose display name is told, nil for none.
func readings(read []contract.Reading, column *schema.Column, between string) string {
	parts := make([]string, len(read))
	for i, r := range read {
		name := r.Path
		if column != nil && column.Name == r.Path && column.ShownAs() != "" {
			name += " (" + column.ShownAs() + ")"
		}
		switch {
		case r.JSON != nil && (r.Empty == "" || r.Empty == "null"):
			parts[i] = name + " " + string(r.JSON)
		case r.JSON != nil:
			parts[i] = name + " " + string(r.JSON) + " (" + r.Empty + ")"
		case r.Empty != "":
			parts[i] = name + " (absent)"
		default:
			parts[i] = name + " (an object or a list)"
		}
	}
	return strings.Join(parts, between)
}

func targetText(s contract.Step) string {
	name := s.Property
	switch shown := s.Column.ShownAs(); {
	case shown != "" && s.Key:
		name += " (" + shown + ", key)"
	case shown != "":
		name += " (" + shown + ")"
	case s.Key:
		name += " (key)"
	}
	switch outcome(s) {
	case "not-owned":
		return name + ": not written, " + s.Owner + " owns it"
	case "rejected":
		return name + ": " + s.Fault.Reason + ", " + s.Fault.Detail
	case "skipped":
		if s.InRow {
			return name + ": left out"
		}
		return name + ": left alone"
	}
	if s.Projects {
		return fmt.Sprintf("%s: a list, from %d of the source's rows", name, len(s.Rows))
	}
	return name + " " + string(s.Value.JSON)
}

// row writes one field on as many lines as its longest column needs.
func (v trialView) row(colour, source, rule, target string) {
	left, middle, right := wrap(printable(source, false), sourceCells), wrap(printable(rule, false), ruleCells), wrap(printable(target, false), targetCells)
	at := func(lines []string, i int) string {
		if i < len(lines) {
			return lines[i]
		}
		return ""
	}
	for i := range max(len(left), len(middle), len(right)) {
		line := pad(at(left, i), sourceCells) + "  " + v.paint(grey, pad(at(middle, i), ruleCells)) + "  " + v.paint(colour, at(right, i))
		fmt.Fprintln(v.out, strings.TrimRight(line, " "))
	}
}

// printable replaces what would steer a terminal or turn the direction of text by its JSON escape. In a JSON literal that is
// the same value. Line ends stay where lines is true.
func printable(s string, lines bool) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unicode.In(r, unicode.Cc, unicode.Cf) || r == '\n' && lines:
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// wrap breaks a text into lines of at most width cells, at blanks where it can.
func wrap(s string, width int) []string {
	var lines []string
	for cells(s) > width {
		cut, used, blank := 0, 0, 0
		for i, r := range s {
			if used += cellsOf(r); used > width {
				break
			}
			if cut = i + len(string(r)); r == ' ' {
				blank = i
			}
		}
		if s[cut:] != "" && s[cut] == ' ' {
			blank = cut
		}
		if blank > 0 {
			cut = blank
		}
		lines = append(lines, s[:cut])
		s = strings.TrimLeft(s[cut:], " ")
	}
	return append(lines, s)
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-cells(s))) }

func cells(s string) int {
	n := 0
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

// cellsOf returns how many cells of a terminal a character takes: East Asian ones two, combining ones none.
func cellsOf(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), r >= 0xFF01 && r <= 0xFF60, r >= 0x3000 && r <= 0x303F:
		return 2
	}
	return 1
}
