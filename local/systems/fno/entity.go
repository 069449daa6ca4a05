package fno

import (
	"fmt"
	"slices"
	"strings"

	"crosswalk/local/systems/schemas"
)

// entity is one entity set with what the simulator knows of it.
type entity struct {
	set, typeName string
	key           []string
	properties    []*property
	byName        map[string]*property
	// aot is the entity's technical name, which infologs use; label is its name for people.
	aot, label string
}

// property is one property of an entity.
type property struct {
	name string
	// kind is String, Int32, Int64, Decimal, DateTimeOffset, Guid or Enum.
	kind string
	// enum and members are set for an Enum; members are in order, the first is the default.
	enum    string
	members []string
	// length is a String's limit in characters; 0 means that none is known.
	length int
	isKey  bool
	// isDay is true for a DateTimeOffset that holds a day.
	isDay bool
}

// names are entity type, technical name and label, where they are known; the others get the set's name. Those of the
// customer entities are in public captures; the rest are UNCONFIRMED.
var names = map[string][3]string{
	"CustomersV3":           {"CustomerV3", "CustCustomerV3Entity", "Customers V3"},
	"CustomerGroups":        {"CustomerGroup", "CustCustomerGroupEntity", "Customer groups"},
	"PaymentTerms":          {"PaymentTerm", "PaymentTermEntity", "Terms of payment"},
	"LegalEntities":         {"LegalEntity", "CompanyInfoEntity", "Legal entities"},
	"Currencies":            {"Currency", "CurrencyEntity", "Currencies"},
	"SalesInvoiceHeadersV2": {"SalesInvoiceHeaderV2", "SalesInvoiceHeaderV2Entity", "Sales invoice headers V2"},
	"ContactPersons":        {"ContactPerson", "smmContactPersonV2Entity", "Contact persons"},
	"ProductsV2":            {"ProductV2", "EcoResProductV2Entity", "Products V2"},
	"SalesOrderHeadersV2":   {"SalesOrderHeaderV2", "SalesOrderHeaderV2Entity", "Sales order headers V2"},
	"SalesPriceAgreements":  {"SalesPriceAgreement", "SalesPriceAgreementEntity", "Sales price agreements"},
	"VendorsV2":             {"VendorV2", "VendVendorV2Entity", "Vendors V2"},
}

// lengths are the limits from practice; $metadata has none. A suffix after * applies to every property that ends so; the
// first match counts.
var lengths = []struct {
	name   string
	length int
}{
	{"dataAreaId", 4}, {"LegalEntityId", 4}, {"CustomerAccount", 20}, {"InvoiceAccount", 20}, {"VendorAccount", 20},
	{"*AccountNumber", 20}, {"SalesOrderNumber", 20}, {"PurchaseOrderNumber", 20}, {"InvoiceNumber", 20}, {"ItemNumber", 20}, {"LedgerVoucher", 20},
	{"*CurrencyCode", 3}, {"*GroupId", 10}, {"PaymentTerms", 10}, {"PaymentTermsName", 10}, {"PaymentTermId", 10}, {"PaymentMethod", 10},
	{"OrganizationName", 100}, {"NameAlias", 100}, {"KnownAs", 100}, {"PersonFirstName", 100}, {"PersonLastName", 100}, {"PersonMiddleName", 100},
	{"FullPrimaryAddress", 250}, {"*AddressStreet", 250},
	{"FirstName", 25}, {"LastName", 25}, {"MiddleName", 25}, {"ContactPersonId", 20}, {"AssociatedPartyNumber", 40}, {"*CustomerGroupCode", 10},
	{"VendorOrganizationName", 100}, {"VendorSearchName", 100}, {"VendorKnownAsName", 100}, {"QuantityUnitySymbol", 10}, {"DefaultPaymentTermsName", 10},
	{"DeliveryModeCode", 10}, {"DeliveryTermsCode", 10}, {"PrimaryEmailAddress", 255}, {"PrimaryPhoneNumber", 255}, {"PrimaryFaxNumber", 255}, {"PrimaryURL", 255},
	{"*AddressCity", 60}, {"*AddressZipCode", 10}, {"*AddressCountryRegionId", 10}, {"*AddressStateId", 10},
	{"PrimaryContactEmail", 255}, {"PrimaryContactPhone", 255}, {"PrimaryContactFax", 255},
}

// days are the properties that hold a day and no time, as far as keys need it; $metadata doesn't say it. F&O shows a day as its noon
// (captures of OData answers), whatever time was sent.
var days = []string{"InvoiceDate"}

// mandatory are the properties that an insert must bring, besides the key, by entity set.
// Those of orders and vendors are UNCONFIRMED.
var mandatory = map[string][]string{
	"CustomersV3":         {"CustomerGroupId", "SalesCurrencyCode"},
	"SalesOrderHeadersV2": {"OrderingCustomerAccountNumber"},
	"VendorsV2":           {"VendorGroupId"},
}

// mayBeBlank are key properties that may be blank, by entity set: an event that is active for all legal entities names none.
// UNCONFIRMED: that F&O stores it so.
var mayBeBlank = map[string]string{"BusinessEventsConfigurations": "LegalEntity"}

// relation is a property whose value must exist in another entity set.
type relation struct {
	property, label string
	set, key        string
	related         string
}

// relations by entity set. Within a company, the related row must be of the same company where the set has companies.
var relations = map[string][]relation{
	"CustomersV3": {
		{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"},
		{"CustomerGroupId", "Customer group", "CustomerGroups", "CustomerGroupId", "Customer groups"},
		{"SalesCurrencyCode", "Currency", "Currencies", "CurrencyCode", "Currencies"},
		{"PaymentTerms", "Terms of payment", "PaymentTerms", "Name", "Terms of payment"},
		{"InvoiceAccount", "Invoice account", "CustomersV3", "CustomerAccount", "Customers"},
	},
	"CustomerGroups": {
		{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"},
		{"PaymentTermId", "Terms of payment", "PaymentTerms", "Name", "Terms of payment"},
	},
	"ContactPersons": {{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"}},
	"SalesOrderHeadersV2": {
		{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"},
		{"OrderingCustomerAccountNumber", "Customer account", "CustomersV3", "CustomerAccount", "Customers"},
		{"InvoiceCustomerAccountNumber", "Invoice account", "CustomersV3", "CustomerAccount", "Customers"},
		{"CurrencyCode", "Currency", "Currencies", "CurrencyCode", "Currencies"},
		{"PaymentTermsName", "Terms of payment", "PaymentTerms", "Name", "Terms of payment"},
	},
	"SalesPriceAgreements": {
		{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"},
		{"CustomerAccountNumber", "Account selection", "CustomersV3", "CustomerAccount", "Customers"},
		{"PriceCurrencyCode", "Currency", "Currencies", "CurrencyCode", "Currencies"},
	},
	"VendorsV2": {
		{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"},
		{"CurrencyCode", "Currency", "Currencies", "CurrencyCode", "Currencies"},
		{"DefaultPaymentTermsName", "Terms of payment", "PaymentTerms", "Name", "Terms of payment"},
	},
	// UNCONFIRMED, as is what the key's BusinessEventsTable holds: the id of the catalogue's event is taken.
	"BusinessEventsConfigurations": {
		{"BusinessEventsTable", "Business event", "BusinessEventsCatalogs", "BusinessEventId", "Business events"},
		{"LegalEntity", "Legal entity", "LegalEntities", "LegalEntityId", "Legal entities"},
		{"BusinessEventsEndpoint_Name", "Endpoint name", "BusinessEventsEndpoints", "Name", "Business events endpoints"},
	},
	"PaymentTerms": {{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"}},
	"SalesInvoiceHeadersV2": {
		{"dataAreaId", "Company", "LegalEntities", "LegalEntityId", "Legal entities"},
		{"InvoiceCustomerAccountNumber", "Invoice account", "CustomersV3", "CustomerAccount", "Customers"},
		{"CurrencyCode", "Currency", "Currencies", "CurrencyCode", "Currencies"},
	},
}

func loadEntities() (map[string]*entity, map[string][]string, error) {
	tables, err := schemas.FnO()
	if err != nil {
		return nil, nil, err
	}
	enums, err := schemas.FnOEnums()
	if err != nil {
		return nil, nil, err
	}
	out := map[string]*entity{}
	for _, t := range tables {
		e := &entity{set: t.Set, key: t.Key, byName: map[string]*property{}, typeName: strings.TrimSuffix(t.Set, "s"), aot: t.Set + "Entity", label: t.Set}
		if n, ok := names[t.Set]; ok {
			e.typeName, e.aot, e.label = n[0], n[1], n[2]
		}
		for _, c := range t.Columns {
			p := &property{name: c.Name, kind: c.Type, isKey: slices.Contains(t.Key, c.Name), isDay: slices.Contains(days, c.Name)}
			if enum, ok := strings.CutPrefix(c.Type, "Enum "); ok {
				p.kind, p.enum, p.members = "Enum", enum, enums[enum]
				if len(p.members) == 0 {
					return nil, nil, fmt.Errorf("fno: %s.%s: enum %s has no members", t.Set, c.Name, enum)
				}
			}
			if p.kind == "String" {
				p.length = lengthOf(p.name)
			}
			e.properties = append(e.properties, p)
			e.byName[p.name] = p
		}
		slices.SortFunc(e.properties, func(a, b *property) int { return strings.Compare(a.name, b.name) })
		out[e.set] = e
	}
	return out, enums, nil
}

func lengthOf(name string) int {
	for _, l := range lengths {
		if suffix, ok := strings.CutPrefix(l.name, "*"); ok && strings.HasSuffix(name, suffix) || l.name == name {
			return l.length
		}
	}
	return 0
}

// hasCompany tells whether an entity's rows belong to a legal entity.
func (e *entity) hasCompany() bool { return slices.Contains(e.key, "dataAreaId") }
