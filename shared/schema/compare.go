package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Change is one difference between two snapshots of an entity, in words.
type Change struct {
	// Column is the column's name, "" for what concerns the entity.
	Column string
	// Text says what changed: "is gone", "is shorter: at most 100 characters, before 160".
	Text string
	// NameOnly is true where only what people see is another: no contract depends on it.
	NameOnly bool
}

// String returns the change as one line.
func (c Change) String() string {
	if c.Column == "" {
		return c.Text
	}
	return "column " + c.Column + " " + c.Text
}

// Compare returns what differs between an entity's old and new snapshot: the entity and its keys first, then columns by
// name. The order of options, targets and a key's columns doesn't count.
func Compare(old, now *Entity) []Change {
	c := &comparison{}
	c.displayName("the entity is", old.DisplayName, now.DisplayName)
	c.text("the entity set's name", old.Set, now.Set)
	c.text("the event's type", old.Event, now.Event)
	c.text("the virtual table's name", old.VirtualTable, now.VirtualTable)
	if !sameSet(old.PrimaryKey, now.PrimaryKey) {
		c.add("the primary key is (%s), before (%s)", strings.Join(now.PrimaryKey, ", "), strings.Join(old.PrimaryKey, ", "))
	}
	c.keys(old.AlternateKeys, now.AlternateKeys, "is gone")
	c.keys(now.AlternateKeys, old.AlternateKeys, "is new")
	names := map[string]bool{}
	for _, list := range [][]Column{old.Columns, now.Columns} {
		for _, column := range list {
			names[column.Name] = true
		}
	}
	for _, name := range sortedNames(names) {
		c.column = name
		before, was := old.Column(name)
		after, is := now.Column(name)
		switch {
		case !is:
			c.add("is gone")
		case !was:
			c.add("is new: %s", describe(after))
		default:
			c.columns(before, after)
		}
	}
	return c.changes
}

type comparison struct {
	column  string
	changes []Change
}

func (c *comparison) add(format string, args ...any) {
	c.changes = append(c.changes, Change{Column: c.column, Text: fmt.Sprintf(format, args...)})
}

func (c *comparison) text(what, before, after string) {
	if before != after {
		c.add("%s is %s, before %s", what, orNone(after), orNone(before))
	}
}

func (c *comparison) displayName(who, before, after string) {
	switch {
	case before == after:
		return
	case after == "":
		c.add("%s shown by no display name any more, before %q", who, before)
	case before == "":
		c.add("%s shown as %q", who, after)
	default:
		c.add("%s shown as %q, before %q", who, after, before)
	}
	c.changes[len(c.changes)-1].NameOnly = true
}

func (c *comparison) keys(keys, others [][]string, what string) {
	for _, key := range keys {
		if !slices.ContainsFunc(others, func(other []string) bool { return sameSet(key, other) }) {
			c.add("alternate key (%s) %s", strings.Join(key, ", "), what)
		}
	}
}

func (c *comparison) columns(before, after *Column) {
	c.displayName("is", before.DisplayName, after.DisplayName)
	if before.Type != after.Type {
		c.add("has another type: %s, before %s", after.Type, before.Type)
	}
	c.length(before.MaxLength, after.MaxLength)
	c.text("has another lower bound: it", before.Min, after.Min)
	c.text("has another upper bound: it", before.Max, after.Max)
	if before.Precision != after.Precision {
		c.add("keeps %s, before %s", places(after.Precision), places(before.Precision))
	}
	c.required(before.Required, after.Required)
	c.text("has another default: it", before.Default, after.Default)
	c.flag(before.ReadOnly, after.ReadOnly, "can't be written any more", "can be written now")
	c.flag(before.DateOnly, after.DateOnly, "holds a day without a time now", "holds a time of day now")
	c.flag(before.NotNull, after.NotNull, "can't be null any more", "can be null now")
	c.flag(before.Optional, after.Optional, "may be missing now", "is always there now")
	c.options(before, after)
	for _, target := range before.Targets {
		c.flag(true, slices.Contains(after.Targets, target), "", "can't refer to "+target+" any more")
	}
	for _, target := range after.Targets {
		c.flag(false, !slices.Contains(before.Targets, target), "can refer to "+target+" now", "")
	}
}

func (c *comparison) length(before, after int) {
	switch {
	case before == after:
	case after == 0:
		c.add("has no known length, before at most %d characters", before)
	case before == 0:
		c.add("has a known length: at most %d characters", after)
	case after < before:
		c.add("is shorter: at most %d characters, before %d", after, before)
	default:
		c.add("is longer: at most %d characters, before %d", after, before)
	}
}

func (c *comparison) required(before, after string) {
	must := func(level string) bool { return level == SystemRequired || level == ApplicationRequired }
	switch {
	case before == after:
	case must(after) && !must(before):
		c.add("is newly required (%s)", after)
	case must(before) && !must(after):
		c.add("isn't required any more")
	default:
		c.add("has another required level: %s, before %s", orNone(after), orNone(before))
	}
}

func (c *comparison) flag(before, after bool, on, off string) {
	switch {
	case after && !before:
		c.add("%s", on)
	case before && !after:
		c.add("%s", off)
	}
}

func (c *comparison) options(before, after *Column) {
	for _, o := range before.Options {
		switch now, ok := after.Option(o.Value); {
		case !ok:
			c.add("has lost option %s", named(o))
		case now.Label != o.Label:
			c.add("calls option %s %q, before %q", o.Value, now.Label, o.Label)
		}
	}
	for _, o := range after.Options {
		if _, ok := before.Option(o.Value); !ok {
			c.add("has a new option %s", named(o))
		}
	}
}

func named(o Option) string {
	if o.Label == "" {
		return o.Value
	}
	return o.Value + " (" + o.Label + ")"
}

func describe(c *Column) string {
	text := c.Type
	if c.MaxLength > 0 {
		text += fmt.Sprintf(", at most %d characters", c.MaxLength)
	}
	if c.MustBeSent() {
		text += ", required"
	}
	if c.ReadOnly {
		text += ", can't be written"
	}
	return text
}

func places(n int) string {
	switch n {
	case 0:
		return "an unknown number of decimal places"
	case 1:
		return "1 decimal place"
	}
	return fmt.Sprintf("%d decimal places", n)
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func sortedNames(names map[string]bool) []string {
	out := make([]string, 0, len(names))
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
