// Package startdata holds the records that the simulated systems start with and share. Every name is invented.
package startdata

import (
	"fmt"
	"strings"
)

// Customer is a customer that both systems know: an account in Dataverse, a CustomersV3 row in F&O.
type Customer struct {
	// Number is the account number, Company its legal entity.
	Number, Company, Name string
	// Currency is an ISO code, Country an F&O country code of three letters.
	Currency, Country string
	Phone, Email      string
	// CreditLimit is a whole amount in Currency.
	CreditLimit int
}

var names = []string{
	"Alder Ridge Outfitters", "Bluewater Marine Supply", "Cedar Falls Bakery", "Dover Street Interiors", "Eastgate Cycles",
	"Fernhill Garden Centers", "Granite Bay Tools", "Harbor Light Theaters", "Ironwood Furniture", "Juniper Health Clinics",
	"Kestrel Aviation Parts", "Lakeshore Printing", "Maple & Main Grocers", "Northfield Robotics", "Orchard Lane Schools",
	"Pinecrest Hotels", "Quarry Road Masonry", "Riverbend Breweries", "Summit Trail Sports", "Tidewater Seafood",
	"Müller & Söhne Maschinenbau GmbH",
}

// Product is a product that Dataverse knows.
type Product struct{ Number, Name string }

// Products returns D0001 and D0003.
func Products() []Product {
	return []Product{{"D0001", "Mid-range speaker"}, {"D0003", "Standard speaker"}}
}

// Customers returns US-001…US-020 of company usmf, then DE-001 of demf.
func Customers() []Customer {
	out := make([]Customer, len(names))
	for i, name := range names {
		c := Customer{Number: fmt.Sprintf("US-%03d", i+1), Company: "usmf", Name: name, Currency: "USD", Country: "USA"}
		if i == len(names)-1 {
			c.Number, c.Company, c.Currency, c.Country = "DE-001", "demf", "EUR", "DEU"
		}
		c.Phone = fmt.Sprintf("+1 555 01%02d", i+1)
		c.Email = "accounts@" + strings.ToLower(c.Number) + ".example"
		c.CreditLimit = (i + 1) * 5000
		out[i] = c
	}
	return out
}
