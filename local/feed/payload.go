package feed

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"crosswalk/shared/schema"
)

// invoice is a posted sales invoice as F&O announces it. Zero values are filled with a plain one.
type invoice struct {
	EventID, InvoiceID, Account, LegalEntity string
	Amount, Control                          string // JSON numbers
	Time                                     time.Time
	Subjects                                 int // bytes of padding in ParentContextRecordSubjects
}

func (i invoice) JSON() []byte {
	if i.Account == "" {
		i.Account, i.LegalEntity = "US-001", "usmf"
	}
	if i.Amount == "" {
		i.Amount = "100"
	}
	if i.Control == "" {
		i.Control = "5637998420"
	}
	if i.Time.IsZero() {
		i.Time = firstOfJuly
	}
	subjects := "[]"
	if i.Subjects > 0 {
		subjects = `["` + strings.Repeat("x", i.Subjects) + `"]`
	}
	return fmt.Appendf(nil, `{"BusinessEventId":"SalesInvoicePostedBusinessEvent","BusinessEventLegalEntity":%[1]s,"ContextRecordSubject":"",`+
		`"ControlNumber":%[2]s,"EventId":%[3]s,"EventTime":"/Date(%[4]d)/","EventTimeIso8601":%[5]s,`+
		`"InitiatingUserAADObjectId":"{00000000-0000-0000-0000-000000000000}","InvoiceAccount":%[6]s,`+
		`"InvoiceAmountInAccountingCurrency":%[7]s,"InvoiceDate":"/Date(1782864000000)/","InvoiceDueDate":"/Date(1785456000000)/",`+
		`"InvoiceId":%[8]s,"InvoiceTaxAmount":0,"LegalEntity":%[1]s,"MajorVersion":0,"MinorVersion":0,`+
		`"ParentContextRecordSubjects":%[9]s,"SalesOrderId":"000812"}`,
		quote(i.LegalEntity), i.Control, quote(i.EventID), i.Time.UnixMilli(), quote(i.Time.UTC().Format("2006-01-02T15:04:05.0000000Z")),
		quote(i.Account), i.Amount, quote(i.InvoiceID), subjects)
}

var firstOfJuly = time.Date(2026, 7, 1, 16, 53, 19, 0, time.UTC)

// freeTextInvoice is an event that no function asks for, the n-th.
func freeTextInvoice(n int) []byte {
	return fmt.Appendf(nil, `{"BusinessEventId":"CustFreeTextInvoicePostedBusinessEvent","BusinessEventLegalEntity":"usmf","ContextRecordSubject":"",`+
		`"ControlNumber":%d,"EventId":%q,"EventTime":"/Date(1782924731000)/","EventTimeIso8601":"2026-07-01T16:52:11.4180733Z",`+
		`"InitiatingUserAADObjectId":"{00000000-0000-0000-0000-000000000000}","InvoiceAccount":"US-001","InvoiceAmountInAccountingCurrency":12450.5,`+
		`"InvoiceDate":"/Date(1782864000000)/","InvoiceDueDate":"/Date(-2208988800000)/","InvoiceId":"FTI-%08d","InvoiceTaxAmount":0,`+
		`"LegalEntity":"usmf","MajorVersion":0,"MinorVersion":0,"ParentContextRecordSubjects":null}`, 5637000000+n, guid(burstKind, n), n)
}

// change is an execution context as Dataverse posts it: asynchronous, after the operation.
type change struct {
	Table              string    // "" is account
	Message, AccountID string    // the row's id, of whatever table
	Operation          int       // makes the operation's id
	Time               time.Time // of the operation
	Stripped           bool      // the four members that Dataverse removes above its size limit
	Padding            int       // bytes of text in the target's description
}

func (c change) JSON() []byte {
	if c.Time.IsZero() {
		c.Time = firstOfJuly
	}
	table := cmp.Or(c.Table, "account")
	target := fmt.Sprintf(`[{"key":"Target","value":{"__type":"Entity:http:\/\/schemas.microsoft.com\/xrm\/2011\/Contracts",`+
		`"Attributes":[{"key":"%[3]sid","value":%[1]q},{"key":"description","value":%[2]q}],"EntityState":null,"FormattedValues":[],`+
		`"Id":%[1]q,"KeyAttributes":[],"LogicalName":%[3]q,"RelatedEntities":[],"RowVersion":null}}]`, c.AccountID, strings.Repeat("x", c.Padding), table)
	if c.Stripped {
		target = "null"
	}
	return fmt.Appendf(nil, `{"BusinessUnitId":"11111111-2222-4333-8444-555555555555","CorrelationId":%[1]q,"Depth":1,`+
		`"InitiatingUserId":"75c2dd85-e89e-4711-8122-000d3aa2331c","InputParameters":%[2]s,"MessageName":%[3]q,"Mode":1,`+
		`"OperationCreatedOn":"\/Date(%[4]d+0000)\/","OperationId":%[1]q,"OrganizationId":"4ef5b371-e89e-4711-8122-000d3aa2331c",`+
		`"OrganizationName":"org1a2b3c4d","OutputParameters":[],"OwningExtension":{"Id":"75417616-4ea2-4711-8122-000d3aa2331c","KeyAttributes":[],`+
		`"LogicalName":"sdkmessageprocessingstep","Name":null,"RowVersion":null},"ParentContext":null,"PostEntityImages":[],"PreEntityImages":[],`+
		`"PrimaryEntityId":%[5]q,"PrimaryEntityName":%[6]q,"RequestId":null,"SecondaryEntityName":"none","SharedVariables":[],"Stage":40,`+
		`"UserId":"75c2dd85-e89e-4711-8122-000d3aa2331c"}`, guid(0x0f, c.Operation), target, c.Message, c.Time.UnixMilli(), c.AccountID, table)
}

// dataEvent is what F&O tells of a row of its own through Dataverse: shape and names are those of a public capture (10.0.48).
// The row's GUID is invented from the time.
type dataEvent struct {
	Entity  *schema.Entity
	Key     []string // in the primary key's order
	Message string   // OnExternalCreated, OnExternalUpdated, OnExternalDeleted
	Time    time.Time
}

func (d dataEvent) JSON() []byte {
	var attributes []string
	for i, name := range d.Entity.PrimaryKey {
		value := quote(d.Key[i])
		if c, _ := d.Entity.Column(name); c.Kind == schema.Integer {
			value = d.Key[i]
		}
		attributes = append(attributes, fmt.Sprintf(`{"key":"mserp_%s","value":%s}`, strings.ToLower(name), value))
	}
	id := guid(0xde, int(d.Time.UnixMilli()))
	return fmt.Appendf(nil, `{"BusinessUnitId":"00000000-0000-0000-0000-000000000000","CorrelationId":%[1]q,"Depth":1,`+
		`"InitiatingUserAzureActiveDirectoryObjectId":"3e6a0f55-9b1c-4d63-8d0a-2e64c9a0f3b7","InitiatingUserId":"5f4e3d2c-1b0a-4998-8776-655443322110",`+
		`"InputParameters":[{"key":"Target","value":{"__type":"Entity:http:\/\/schemas.microsoft.com\/xrm\/2011\/Contracts","Attributes":[%[2]s],`+
		`"EntityState":null,"FormattedValues":[],"Id":%[1]q,"KeyAttributes":[],"LogicalName":%[3]q,"RelatedEntities":[],"RowVersion":null}}],`+
		`"MessageName":%[4]q,"Mode":1,"OperationCreatedOn":"\/Date(%[5]d+0000)\/","OrganizationName":"org1a2b3c4d",`+
		`"PrimaryEntityId":"00000000-0000-0000-0000-000000000000","PrimaryEntityName":%[3]q,"Stage":40}`,
		id, strings.Join(attributes, ","), d.Entity.VirtualTable, d.Message, d.Time.UnixMilli())
}

// burstKind is the kind of id that the burst's events have.
const burstKind = 0xb0

// guid makes the n-th of a kind of invented ids.
func guid(kind, n int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind<<24, n)
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(text)
}
