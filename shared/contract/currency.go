package contract

import "crosswalk/shared/schema"

// currencyColumn is the lookup of a Dataverse row that says what its amounts of money mean.
const currencyColumn = "transactioncurrencyid"

// currency adds a finding, at the first of them, where amounts of money are written and the contract doesn't name the row's
// currency: Dataverse takes the number as it is, in a currency of its own choice (UNCONFIRMED which: the default of the user who
// writes, else the organization's).
func (c *compiler) currency() {
	_, named := c.plan.owners[currencyColumn]
	if _, has := c.plan.target.Column(currencyColumn); !has || named || c.plan.To.System != schema.Dataverse {
		return
	}
	for _, d := range c.doc.fields {
		if column, ok := c.plan.target.Column(d.name.text); ok && column.Type == "Money" && !column.ReadOnly && d.maps() {
			c.add(d.name, "map "+currencyColumn+", such as "+currencyColumn+": {from: …, reference: isocurrencycode}, or say whose it is: "+currencyColumn+": {owner: dataverse}",
				"field %s is an amount of money, and nothing says in which currency: Dataverse would choose one for a new row", column.Name)
			return
		}
	}
}
