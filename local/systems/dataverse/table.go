package dataverse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/schemas"
)

// table is one table with what the simulator knows of it.
type table struct {
	name, set, id string
	columns       []*column
	byName        map[string]*column
	// navigations are the single-valued navigation properties, by name.
	navigations map[string]navigation
	// keys are the alternate keys, each a list of columns.
	keys [][]string
	// states maps a status (statuscode) to its state (statecode); nil where the pairs aren't known.
	states map[int]int
	// totals are the columns that system price calculation owns.
	totals []string
}

// column is one column.
type column struct {
	name string
	// kind is the Common Data Model's type: String, Money, Lookup, ….
	kind string
	// length is a String's limit in characters (UTF-16 units, as SQL Server counts).
	length   int
	min, max *decimal.Decimal
	level    string
	options  []option
	targets  []string
	readOnly bool
	dateOnly bool
}

type option struct {
	value int
	label string
}

// navigation is how a lookup is written: customerid_account@odata.bind.
type navigation struct {
	column *column
	target string
}

// valueName is the name a column has in answers: _customerid_value for a lookup.
func (c *column) valueName() string {
	if c.isLookup() {
		return "_" + c.name + "_value"
	}
	return c.name
}

func (c *column) isLookup() bool { return strings.HasPrefix(c.kind, "Lookup") }

func (c *column) isOption() bool {
	return c.kind == "Picklist" || c.kind == "State" || c.kind == "Status"
}

// own are the customer's own columns, by table; cw_ is the publisher's prefix.
var own = map[string][]schemas.Column{
	"account":           {ownText("cw_legalentity", 4), ownText("cw_vendoraccount", 20)},
	"contact":           {ownText("cw_legalentity", 4), ownText("cw_contactnumber", 20), ownText("cw_customerparty", 40)},
	"invoice":           {ownText("cw_legalentity", 4), ownText("cw_controlnumber", 20)},
	"productpricelevel": {ownText("cw_legalentity", 4), ownText("cw_recordid", 20), ownDay("cw_validfrom"), ownDay("cw_validto")},
	"quote":             {ownText("cw_legalentity", 4), ownText("cw_customeraccount", 20)},
	"salesorder":        {ownText("cw_legalentity", 4), ownText("cw_orderstatus", 20)},
}

func ownText(name string, length int) schemas.Column {
	return schemas.Column{Name: name, Type: "String", Limit: strconv.Itoa(length), Level: "none"}
}

func ownDay(name string) schemas.Column {
	return schemas.Column{Name: name, Type: "DateTime", Level: "none"}
}

// alternateKeys are the integration's own: none exists out of the box.
var alternateKeys = map[string][][]string{
	"account":             {{"accountnumber"}, {"cw_legalentity", "accountnumber"}, {"cw_legalentity", "cw_vendoraccount"}},
	"contact":             {{"cw_legalentity", "cw_contactnumber"}},
	"invoice":             {{"invoicenumber", "cw_legalentity"}},
	"product":             {{"productnumber"}},
	"productpricelevel":   {{"cw_legalentity", "cw_recordid"}},
	"salesorder":          {{"ordernumber", "cw_legalentity"}},
	"uom":                 {{"name"}},
	"uomschedule":         {{"name"}},
	"transactioncurrency": {{"isocurrencycode"}},
	"pricelevel":          {{"name"}},
}

// dateOnly are the DateTime columns whose format is date only. The Common Data Model's documents don't say it; the last
// line's are UNCONFIRMED.
var dateOnly = []string{
	"duedate", "birthdate", "datefulfilled", "requestdeliveryby", "actualclosedate", "estimatedclosedate",
	"anniversary", "datedelivered", "finaldecisiondate", "begindate", "enddate", "lastusedincampaign", "cw_validfrom", "cw_validto",
}

// readOnly are the columns that the platform keeps itself, besides *_base, *_composite and exchange rates. The Common Data
// Model's documents don't say it; the set is UNCONFIRMED.
var readOnly = []string{
	"versionnumber", "createdon", "createdby", "modifiedon", "modifiedby", "createdonbehalfby", "modifiedonbehalfby", "organizationid",
	"merged", "masterid", "entityimageid", "onholdtime", "lastonholdtime", "opendeals", "opendeals_date", "opendeals_state",
	"openrevenue", "openrevenue_date", "openrevenue_state", "aging30", "aging60", "aging90",
	"createdbyexternalparty", "modifiedbyexternalparty", "timespentbymeonemailandmeetings", "accountid", "contactid",
}

// statePairs are the states of each status (Microsoft's table reference).
var statePairs = map[string]map[int]int{
	"account":             {1: 0, 2: 1},
	"contact":             {1: 0, 2: 1},
	"transactioncurrency": {1: 0, 2: 1},
	"pricelevel":          {100001: 0, 100002: 1},
	stepTable:             {1: 0, 2: 1},
	// The others of product, Draft and Under Revision, are states of their own. A new product is active: the organisation's
	// setting "Create products in active state" is on.
	"product":    {1: 0, 2: 1, 0: 2, 3: 3},
	"quote":      {1: 0, 2: 1, 3: 1, 4: 2, 5: 3, 6: 3, 7: 3},
	"salesorder": {1: 0, 2: 0, 3: 1, 4: 2, 100001: 3, 100002: 3, 100003: 4},
	"invoice":    {1: 0, 2: 0, 4: 0, 5: 0, 6: 0, 3: 1, 7: 1, 100001: 2, 100002: 2, 100003: 3},
}

var calculated = []string{"totalamount", "totalamountlessfreight", "totaldiscountamount", "totallineitemamount", "totallineitemdiscountamount", "totaltax"}

// unitGroup is the table of unit groups, which the published set lacks. From Microsoft's table reference; required levels are
// UNCONFIRMED.
var unitGroup = schemas.Table{Name: "uomschedule", Set: "uomschedules", Key: []string{"uomscheduleid"}, Columns: []schemas.Column{
	{Name: "uomscheduleid", Type: "Uniqueidentifier", Level: "systemrequired"}, {Name: "name", Type: "String", Limit: "200", Level: "systemrequired"},
	{Name: "baseuomname", Type: "String", Limit: "100", Level: "systemrequired"}, {Name: "description", Type: "String", Limit: "2000", Level: "none"},
	{Name: "createdon", Type: "DateTime", Level: "none"}, {Name: "modifiedon", Type: "DateTime", Level: "none"}, {Name: "versionnumber", Type: "BigInt", Level: "none"},
}}

// loadTables reads the published tables and adds what they leave out. Owners and the organisation are tables that the
// published set lacks; they get an id and a name.
func loadTables() ([]*table, error) {
	published, err := schemas.Dataverse()
	if err != nil {
		return nil, err
	}
	published = append(append(published, unitGroup), eventTables...)
	for _, name := range []string{"systemuser", "team"} {
		published = append(published, schemas.Table{Name: name, Set: name + "s", Key: []string{name + "id"}, Columns: []schemas.Column{
			{Name: name + "id", Type: "Uniqueidentifier", Level: "systemrequired"}, {Name: "name", Type: "String", Limit: "200"}}})
	}
	var out []*table
	for _, p := range published {
		t := &table{name: p.Name, set: p.Set, id: p.Key[0], byName: map[string]*column{}, navigations: map[string]navigation{}, keys: alternateKeys[p.Name], states: statePairs[p.Name]}
		for _, raw := range append(p.Columns, own[p.Name]...) {
			c, err := newColumn(t, raw)
			if err != nil {
				return nil, err
			}
			t.columns = append(t.columns, c)
			t.byName[c.name] = c
			t.addNavigations(c)
		}
		slices.SortFunc(t.columns, func(a, b *column) int { return strings.Compare(a.name, b.name) })
		if slices.Contains([]string{"invoice", "quote", "salesorder"}, t.name) {
			t.totals = calculated
		}
		out = append(out, t)
	}
	return out, nil
}

func newColumn(t *table, raw schemas.Column) (*column, error) {
	c := &column{name: raw.Name, kind: raw.Type, level: raw.Level}
	c.dateOnly = c.kind == "DateTime" && slices.Contains(dateOnly, c.name)
	c.readOnly = c.name != t.id && (slices.Contains(readOnly, c.name) || strings.HasSuffix(c.name, "_base") || strings.HasSuffix(c.name, "_composite") ||
		c.name == "exchangerate" && t.name != "transactioncurrency")
	var err error
	switch {
	case c.kind == "String" && raw.Limit != "":
		c.length, err = strconv.Atoi(raw.Limit)
	case strings.Contains(raw.Limit, ".."):
		low, high, _ := strings.Cut(raw.Limit, "..")
		least, _, ok1 := odata.Decimal(low)
		most, _, ok2 := odata.Decimal(high)
		if c.min, c.max = &least, &most; !ok1 || !ok2 {
			err = fmt.Errorf("range %q", raw.Limit)
		}
	case c.isOption():
		c.options, err = readOptions(raw.Detail)
	case c.isLookup():
		c.targets = strings.Split(raw.Detail, "|")
	}
	if err != nil {
		return nil, fmt.Errorf("dataverse: %s.%s: %w", t.name, c.name, err)
	}
	return c, nil
}

func readOptions(text string) ([]option, error) {
	var out []option
	if text == "" { // a choice without published options takes any number
		return nil, nil
	}
	for _, pair := range strings.Split(text, "|") {
		value, label, _ := strings.Cut(pair, "=")
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, err
		}
		out = append(out, option{n, label})
	}
	return out, nil
}

// addNavigations names a lookup's navigation properties: the column's own name where there is one target or an owner,
// <column>_<target> where there are several (customerid_account).
func (t *table) addNavigations(c *column) {
	if !c.isLookup() {
		return
	}
	for _, target := range c.targets {
		name := c.name
		if len(c.targets) > 1 && c.name != "ownerid" {
			name += "_" + target
		}
		if _, taken := t.navigations[name]; taken {
			target = "" // an owner: any of the column's targets
		}
		t.navigations[name] = navigation{column: c, target: target}
	}
}

func (c *column) option(value int) bool {
	return len(c.options) == 0 || slices.ContainsFunc(c.options, func(o option) bool { return o.value == value })
}
