package contract

import (
	"strings"

	"crosswalk/shared/schema"
)

// legalEntityColumn names the company in every F&O entity that belongs to one.
const legalEntityColumn = "dataAreaId"

// legalEntities adds a finding where a flow writes F&O's legal entity as it comes: F&O stores it in lower case, so what is read
// back would never be what was written, and the link would know the row under another key than F&O's events name it by.
func (c *compiler) legalEntities() {
	if c.plan.To.System != schema.FnO {
		return
	}
	for i := range c.doc.fields {
		d := &c.doc.fields[i]
		if d.name.text != legalEntityColumn || d.faulty {
			continue
		}
		switch {
		case d.Value != nil && d.Value.text != strings.ToLower(d.Value.text):
			c.add(d.Value, "write "+strings.ToLower(d.Value.text), "field %s: F&O keeps legal entities in lower case, so it would never hold %q and the row would never be found again", d.name.text, d.Value.text)
		case d.From != nil && d.Case == nil && d.Map == nil && d.table == nil && !isTodo(d.From.text):
			c.add(d.From, "add case: lower", "field %s: F&O keeps legal entities in lower case, so a row that is written as USMF would never be found again", d.name.text)
		}
	}
}
