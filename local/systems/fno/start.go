package fno

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/page"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/startdata"
)

func (s *Simulator) seed() error {
	for _, c := range [][]string{{"USD", "US Dollar", "$"}, {"EUR", "Euro", "€"}, {"GBP", "Pound sterling", "£"}} {
		s.start("Currencies", map[string]string{"CurrencyCode": c[0], "Name": c[1], "Symbol": c[2]})
	}
	for _, e := range [][]string{{"SalesInvoicePostedBusinessEvent", "SalesOrder", "Sales order invoice posted"}, {"CustFreeTextInvoicePostedBusinessEvent", "Customer", "Free text invoice posted"},
		{"PurchaseOrderConfirmedBusinessEvent", "PurchaseOrder", "Purchase order confirmed"}, {"VendorInvoicePostedBusinessEvent", "Vendor", "Vendor invoice posted"}} {
		s.start("BusinessEventsCatalogs", map[string]string{"BusinessEventId": e[0], "Module": e[1], "Name": e[2]})
	}
	for _, l := range [][]string{{"usmf", "Contoso Entertainment System USA", "USA"}, {"demf", "Contoso Entertainment System Germany", "DEU"}} {
		s.start("LegalEntities", map[string]string{"LegalEntityId": l[0], "Name": l[1], "AddressCountryRegionId": l[2]})
		for _, t := range [][]string{{"Net10", "Net 10 days", "10"}, {"Net30", "Net 30 days", "30"}, {"Net45", "Net 45 days", "45"}, {"Net60", "Net 60 days", "60"}} {
			s.start("PaymentTerms", map[string]string{"dataAreaId": l[0], "Name": t[0], "Description": t[1]}, "NumberOfDays", t[2])
		}
		for _, g := range [][]string{{"10", "Wholesale customers"}, {"20", "Major customers"}, {"30", "Retail customers"}, {"40", "Internet customers"}, {"80", "Other customers"}, {"90", "Intercompany customers"}} {
			s.start("CustomerGroups", map[string]string{"dataAreaId": l[0], "CustomerGroupId": g[0], "Description": g[1], "PaymentTermId": "Net30"})
		}
	}
	for _, c := range startdata.Customers() {
		s.start("CustomersV3", map[string]string{
			"dataAreaId": c.Company, "CustomerAccount": c.Number, "OrganizationName": c.Name, "NameAlias": c.Name, "CustomerGroupId": "10",
			"SalesCurrencyCode": c.Currency, "PaymentTerms": "Net30", "AddressCountryRegionId": c.Country, "PartyType": "Organization",
			"PartyNumber": fmt.Sprintf("%09d", s.numbers.Add(1)), "PrimaryContactPhone": c.Phone, "PrimaryContactEmail": c.Email,
		}, "CreditLimit", strconv.Itoa(c.CreditLimit))
	}
	return nil
}

// start stores one start row: text properties by name, then names and literals of the others.
func (s *Simulator) start(set string, text map[string]string, literals ...string) {
	s.store.Lock()
	defer s.store.Unlock()
	e := s.sets[set]
	v := rows.Values{}
	for _, p := range e.properties {
		v[p.name] = p.blank()
	}
	for name, value := range text {
		v[name] = odata.Quote(value)
	}
	for i := 0; i+1 < len(literals); i += 2 {
		v[literals[i]] = jsontext.Value(literals[i+1])
	}
	s.store.Seed(set, keyText(e.keyOf(v)), v)
}

// shownFirst are the page's first columns of the customers; the others that hold something follow.
var shownFirst = []string{"dataAreaId", "CustomerAccount", "OrganizationName", "CustomerGroupId", "SalesCurrencyCode", "CreditLimit", "PaymentTerms", "OnHoldStatus"}

// Sections returns the customers, and every other entity set that was written, for the page.
func (s *Simulator) Sections() []page.Section {
	var out []page.Section
	for _, set := range []string{"CustomersV3", "CustomerGroups", "PaymentTerms", "Currencies", "LegalEntities", "SalesInvoiceHeadersV2", "ContactPersons", "ProductsV2", "SalesOrderHeadersV2", "SalesPriceAgreements", "VendorsV2"} {
		list, e := s.Rows(set), s.sets[set]
		first := e.key
		if set == "CustomersV3" {
			first = shownFirst
		} else if !anyWritten(list) {
			continue
		}
		blank := func(name, value string) bool {
			p := e.byName[name]
			text, ok := odata.Text(p.blank())
			return ok && value == text || value == string(p.blank())
		}
		out = append(out, page.Render("F&O", set, list, first, nil, blank))
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
