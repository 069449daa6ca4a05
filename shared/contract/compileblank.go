package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/schema"
)

// blanks compiles what each kind of empty does. Where the contract doesn't say, an absent member leaves the target alone
// and the other kinds empty it, unless the target can't be empty: then the contract must say.
func (c *compiler) blanks(d *fieldDoc, f *fieldPlan, in *input, doc *blankDoc, at *element) {
	must := c.mustHave(f.column)
	nothing, hasNothing := c.nothing(f.column)
	var unsaid []string
	for kind := range in.blanks {
		var rule *blankRule
		if doc != nil {
			rule = doc.rules[kind]
		}
		if c.plan.From.State == StateImage && empty(kind) == absent && doc != nil && doc.rules[absent] == doc.rules[null] {
			rule = nil // one rule for all kinds of empty says nothing about an image that is incomplete
		}
		if rule == nil {
			plan := blankPlan{action: blankNull, value: literal{json: []byte(nothing)}}
			if empty(kind) == absent {
				plan = blankPlan{action: blankSkip}
			}
			if empty(kind) == absent && c.plan.From.State == StateImage {
				in.blanks[kind] = blankPlan{action: blankIncomplete}
				continue
			}
			if (must || !hasNothing) && c.happens(f, empty(kind), in) {
				unsaid = append(unsaid, emptyNames[kind])
			}
			in.blanks[kind] = plan
			continue
		}
		in.blanks[kind] = c.blankPlan(d, f, rule, must, nothing, hasNothing)
	}
	if len(unsaid) == 0 {
		return
	}
	why := "is required"
	if !must {
		why = "can't be empty in " + c.plan.To.System
	}
	c.add(at, "add blank: reject, {from: OtherField} or {value: …}", "field %s %s, and the contract doesn't say what a blank %s (%s) does", f.column.Name, why, in.column.Name, strings.Join(unsaid, ", "))
}

// mustHave reports whether a row can't be without the column.
func (c *compiler) mustHave(column *schema.Column) bool {
	return column.Required == schema.SystemRequired || column.Required == schema.ApplicationRequired || slices.Contains(c.plan.To.Key, column.Name)
}

// happens reports whether an input can be empty in this way.
func (c *compiler) happens(f *fieldPlan, kind empty, in *input) bool {
	column := in.source()
	if column.Type == computedType {
		return kind == null && !column.NotNull || kind == emptyText && (column.Kind == schema.Text || in.splits(f))
	}
	if column.Type == rowsType {
		return kind == absent && c.plan.From.State != StateRow || kind == null || kind == emptyText && (!column.NotNull || in.splits(f))
	}
	switch kind {
	case absent:
		return c.plan.From.State != StateRow
	case emptyText:
		return in.splits(f) || column.Kind == schema.Text || column.Kind == schema.Time || column.Kind == schema.GUID || column.Kind == schema.Choice && c.plan.From.System == schema.FnO
	case unset:
		return c.plan.From.System == schema.FnO && (column.Kind == schema.Time || column.Kind == schema.GUID)
	}
	return true
}

// nothing returns the target's own way to say that a field is empty. It is false where there is none, or where writing
// it (F&O's 0) would state a fact that the source doesn't know.
func (c *compiler) nothing(column *schema.Column) (string, bool) {
	if c.scope.system != schema.FnO {
		return "null", true
	}
	switch column.Kind {
	case schema.Text:
		return `""`, true
	case schema.Time:
		return `"` + unsetDate + `"`, true
	case schema.GUID:
		return `"` + zeroGUID + `"`, true
	case schema.Integer, schema.Number:
		return "0", false
	}
	return "", false
}

func (c *compiler) blankPlan(d *fieldDoc, f *fieldPlan, rule *blankRule, must bool, nothing string, hasNothing bool) blankPlan {
	plan := blankPlan{action: rule.action}
	switch rule.action {
	case blankNull:
		if must {
			c.add(rule.at, "write reject, {from: OtherField} or {value: …}", "field %s is required and can't be left empty", f.column.Name)
		} else if !hasNothing && nothing == "" {
			c.add(rule.at, "write reject, skip or {value: …}", "field %s: %s has no empty %s", f.column.Name, c.plan.To.System, f.column.Kind)
		}
		plan.value = literal{json: []byte(nothing)}
	case blankSkip:
		if must {
			c.add(rule.at, "write reject, {from: OtherField} or {value: …}", "field %s is required and can't be skipped: a new row would come without it", f.column.Name)
		}
	case blankValue:
		plan.value = c.literal(rule.value, f, "blank value")
		if must && strings.TrimSpace(rule.value.text) == "" {
			c.add(rule.value, "write reject or a value", "field %s is required, and a blank value is none", f.column.Name)
		}
	case blankFrom:
		plan.other = c.input(d, f, rule.from, rule.then, rule.edits)
	}
	return plan
}
