package contract

import (
	"strings"

	"crosswalk/shared/schema"
)

// labels compiles options: labels into a map of values: what stands for an option on one side becomes what stands for the
// option of the same label on the other. An F&O enum has no labels, so its members' names stand for them.
func (c *compiler) labels(d *fieldDoc, f *fieldPlan) {
	if f.input == nil {
		return
	}
	source, target := f.input.column, f.column
	switch {
	case d.Map != nil || d.Table != nil:
		c.add(d.Options, "keep one of them", "field %s: options and map or table exclude each other", target.Name)
		return
	case source.Kind == schema.Choice && f.edit.any():
		c.add(d.Options, "remove the operations on text", "field %s: an option is matched by its label, so its value can't be edited before", target.Name)
		return
	case source.Kind == schema.Choice && target.Kind == schema.Text && f.bind == nil:
		f.choices = map[string]literal{}
		for _, o := range source.Options {
			f.choices[o.Value] = c.literal(&element{shape: textShape, text: label(o), line: d.Options.line, column: d.Options.column}, f, "label")
		}
		return
	case target.Kind != schema.Choice || source.Kind != schema.Choice && source.Kind != schema.Text:
		c.add(d.Options, "remove options", "field %s: options goes between an option and its label, but %s is a %s and %s a %s",
			target.Name, source.Name, source.Kind, target.Name, target.Kind)
		return
	}
	f.choices = map[string]literal{}
	byLabel := map[string]string{}
	for _, o := range target.Options {
		if other, taken := byLabel[label(o)]; taken {
			c.add(d.Options, "write a map: {…}", "field %s: %s's options %s and %s have the same label %q", target.Name, target.Name, other, o.Value, label(o))
		}
		byLabel[label(o)] = o.Value
		if source.Kind == schema.Text {
			f.choices[label(o)] = optionLiteral(o, c.plan.To.System)
		}
	}
	if source.Kind == schema.Text {
		return
	}
	var missing []string
	for _, o := range source.Options {
		value, ok := byLabel[label(o)]
		if !ok {
			missing = append(missing, o.Value+" ("+label(o)+")")
			continue
		}
		f.choices[o.Value] = optionLiteral(schema.Option{Value: value}, c.plan.To.System)
	}
	if len(missing) > 0 && d.Other == nil {
		c.add(d.Options, "give both sides the same labels, write a map: {…}, or add other: reject", "field %s: %s has no option with the label of %s's %s", target.Name, target.Name, source.Name, strings.Join(missing, ", "))
	}
}

// label is what people call an option.
func label(o schema.Option) string {
	if o.Label == "" {
		return o.Value
	}
	return o.Label
}

func optionLiteral(o schema.Option, system string) literal {
	if system == schema.FnO {
		return literal{json: quote(o.Value)}
	}
	return literal{json: []byte(o.Value)}
}
