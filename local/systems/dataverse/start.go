package dataverse

import (
	"fmt"
	"strconv"
	"strings"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/page"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/startdata"
)

// The fixed ids of the start data. Accounts are AccountID(number).
const (
	organization   = "0aa00000-0000-4000-8000-000000000001"
	person         = "0aa00000-0000-4000-8000-000000000002"
	CurrencyUSD    = "0c000000-0000-4000-8000-000000000001"
	CurrencyEUR    = "0c000000-0000-4000-8000-000000000002"
	PriceLevelUSD  = "0b000000-0000-4000-8000-000000000001"
	PriceLevelEUR  = "0b000000-0000-4000-8000-000000000002"
	baseCurrency   = CurrencyUSD
	accountPattern = "acc00000-0000-4000-8000-%012d"
	unitGroupID    = "0d000000-0000-4000-8000-000000000001"
	unitPattern    = "0e000000-0000-4000-8000-%012d"
	productPattern = "0f000000-0000-4000-8000-%012d"
)

// AccountID returns the id of a start account: 1 to 20 are US-001…US-020, 21 is DE-001.
func AccountID(n int) string { return fmt.Sprintf(accountPattern, n) }

var currencyID = map[string]string{"USD": CurrencyUSD, "EUR": CurrencyEUR}

func (s *Simulator) seed() error {
	for _, id := range *s.users.Load() {
		s.start("systemuser", id, map[string]string{"name": "application user"})
	}
	s.start("systemuser", person, map[string]string{"name": "a person"})
	s.seedMessages()
	currencies := []struct{ id, iso, name, symbol, rate string }{{CurrencyUSD, "USD", "US Dollar", "$", "1"}, {CurrencyEUR, "EUR", "Euro", "€", "0.92"}}
	for _, c := range currencies {
		s.start("transactioncurrency", c.id, map[string]string{"isocurrencycode": c.iso, "currencyname": c.name, "currencysymbol": c.symbol}, "exchangerate", c.rate, "currencyprecision", "2")
	}
	for _, p := range []struct{ id, name, currency string }{{PriceLevelUSD, "USD list", CurrencyUSD}, {PriceLevelEUR, "EUR list", CurrencyEUR}} {
		s.start("pricelevel", p.id, map[string]string{"name": p.name, "_transactioncurrencyid_value": p.currency})
	}
	s.start("uomschedule", unitGroupID, map[string]string{"name": "Default Unit", "baseuomname": "Each"})
	for i, u := range []string{"Each", "Kilogram"} {
		s.start("uom", fmt.Sprintf(unitPattern, i+1), map[string]string{"name": u, "_uomscheduleid_value": unitGroupID}, "quantity", "1")
	}
	for i, p := range startdata.Products() {
		s.start("product", fmt.Sprintf(productPattern, i+1), map[string]string{
			"productnumber": p.Number, "name": p.Name, "_defaultuomid_value": fmt.Sprintf(unitPattern, 1), "_defaultuomscheduleid_value": unitGroupID,
		}, "quantitydecimal", "2", "productstructure", "1")
	}
	for i, c := range startdata.Customers() {
		s.start("account", AccountID(i+1), map[string]string{
			"accountnumber": c.Number, "cw_legalentity": c.Company, "name": c.Name, "address1_country": c.Country,
			"telephone1": c.Phone, "emailaddress1": c.Email, "_transactioncurrencyid_value": currencyID[c.Currency],
		}, "creditlimit", strconv.Itoa(c.CreditLimit), "creditonhold", "false")
	}
	return nil
}

// start stores one start row: text columns by name, then names and literals of the others.
func (s *Simulator) start(name, id string, text map[string]string, literals ...string) {
	s.store.Lock()
	defer s.store.Unlock()
	t := s.tables[name]
	v := rows.Values{t.id: odata.Quote(id)}
	for column, value := range text {
		v[column] = odata.Quote(value)
	}
	for i := 0; i+1 < len(literals); i += 2 {
		v[literals[i]] = []byte(literals[i+1])
	}
	s.fillIn(t, v, s.o.firstUser())
	s.reindex(t, id, nil, v)
	s.store.Seed(name, id, v)
}

func (o Options) firstUser() string {
	if len(o.Users) == 0 {
		return organization
	}
	return strings.ToLower(o.Users[0])
}

// shownFirst are the page's first columns, by table; the others that hold something follow.
var shownFirst = map[string][]string{
	"account": {"accountnumber", "name", "cw_legalentity", "creditlimit", "creditonhold"},
	"invoice": {"invoicenumber", "cw_legalentity", "name", "totalamount", "duedate", "cw_controlnumber", "_customerid_value"},
	"product": {"productnumber", "name", "statecode"},
}

// hidden are the columns that the page leaves out: the same in every row.
var hidden = []string{"_ownerid_value", "_createdby_value", "_modifiedby_value", "_organizationid_value", "createdon"}

// Sections returns the accounts and invoices, and every other table that was written, for the page.
func (s *Simulator) Sections() []page.Section {
	var out []page.Section
	for _, t := range s.sorted() {
		list := s.Rows(t.name)
		if len(shownFirst[t.name]) == 0 && !anyWritten(list) {
			continue
		}
		out = append(out, page.Render("Dataverse", t.name, list, shownFirst[t.name], hidden, nil))
	}
	return out
}

func anyWritten(list []rows.Row) bool {
	for _, r := range list {
		if r.Writes > 0 {
			return true
		}
	}
	return false
}
