// Package order maps a confirmed order as a careful programmer would write it by hand on encoding/json: the opponent of the
// contract beside it, which has to give the same output.
package order

import (
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"
)

type event struct {
	BusinessEventLegalEntity     string
	ControlNumber                int64
	EventID                      string `json:"EventId"`
	EventTimeIso8601             time.Time
	SalesOrderNumber             string
	OrderRecID                   int64 `json:"OrderRecId"`
	OrderDate                    string
	RequestedShippingDate        string
	CurrencyCode                 string
	OrderTotalAmount             json.Number
	TotalTaxAmount               json.Number
	FreightAmount                json.Number
	OrderTotalDiscountPercentage json.Number
	OnHold                       string
	OrderPriority                string
	CustomerRequisitionNumber    string
	CustomersOrderReference      string
	PaymentTermsName             string
	DeliveryModeCode             string
	InvoiceAddressee             string
	Lines                        []line
	Customer                     struct {
		Account, Name, Email, Phone string
		Address                     struct {
			Street, City, ZipCode, CountryRegionID string
		}
	}
}

type line struct {
	LineNumber           int32
	ItemNumber           string
	OrderedSalesQuantity json.Number
	SalesPrice           json.Number
	LineAmount           json.Number
}

type orderDetail struct {
	Line     int32       `json:"lineitemnumber"`
	Item     string      `json:"productdescription"`
	Quantity json.Number `json:"quantity"`
	Price    json.Number `json:"priceperunit"`
	Amount   json.Number `json:"extendedamount"`
}

type salesOrder struct {
	OrderNumber        string      `json:"ordernumber"`
	Name               string      `json:"name"`
	ExternalID         string      `json:"cw_externalid"`
	ControlNumber      string      `json:"cw_controlnumber"`
	EventID            string      `json:"cw_eventid"`
	LegalEntity        string      `json:"cw_legalentity"`
	Customer           string      `json:"customerid_account@odata.bind"`
	Currency           string      `json:"transactioncurrencyid@odata.bind"`
	SubmitDate         string      `json:"submitdate"`
	RequestDeliveryBy  string      `json:"requestdeliveryby"`
	DateFulfilled      string      `json:"datefulfilled"`
	TotalAmount        json.Number `json:"totalamount"`
	TotalTax           json.Number `json:"totaltax"`
	FreightAmount      json.Number `json:"freightamount"`
	DiscountPercentage json.Number `json:"discountpercentage"`
	PaymentTerms       int         `json:"paymenttermscode"`
	ShippingMethod     int         `json:"shippingmethodcode"`
	Priority           int         `json:"prioritycode"`
	OnHold             bool        `json:"cw_onhold"`
	Reference          string      `json:"cw_reference,omitempty"`
	BillToName         string      `json:"billto_name,omitempty"`
	BillToLine1        string      `json:"billto_line1"`
	BillToCity         string      `json:"billto_city"`
	BillToPostalCode   string      `json:"billto_postalcode"`
	BillToCountry      string      `json:"billto_country"`
	Email              string      `json:"emailaddress"`
	Telephone          string      `json:"billto_telephone"`

	Details []orderDetail `json:"order_details"`
}

var (
	terms      = map[string]int{"Net30": 1, "Net45": 3, "Net60": 4}
	carriers   = map[string]int{"10": 2, "20": 4, "30": 1}
	priorities = map[string]int{"High": 2, "Normal": 1}
	holds      = map[string]bool{"No": false, "Yes": true}
)

// Map returns the sales order that a confirmed order becomes.
func Map(src []byte) ([]byte, error) {
	var in event
	if err := json.Unmarshal(src, &in); err != nil {
		return nil, err
	}
	if in.SalesOrderNumber == "" || in.Customer.Account == "" || in.CurrencyCode == "" || in.BusinessEventLegalEntity == "" {
		return nil, errors.New("a required field is blank")
	}
	out := salesOrder{
		OrderNumber:      in.SalesOrderNumber,
		Name:             in.SalesOrderNumber + " · " + in.Customer.Name,
		ExternalID:       "FNO-" + strconv.FormatInt(in.OrderRecID, 10),
		ControlNumber:    strconv.FormatInt(in.ControlNumber, 10),
		EventID:          in.EventID,
		LegalEntity:      strings.ToLower(in.BusinessEventLegalEntity),
		Customer:         "/accounts(accountnumber='" + in.Customer.Account + "')",
		Currency:         "/transactioncurrencies(isocurrencycode='" + in.CurrencyCode + "')",
		DateFulfilled:    in.EventTimeIso8601.UTC().Truncate(time.Second).Format(time.RFC3339),
		OnHold:           holds[in.OnHold],
		Reference:        either(in.CustomerRequisitionNumber, in.CustomersOrderReference),
		BillToName:       either(in.InvoiceAddressee, in.Customer.Name),
		BillToLine1:      in.Customer.Address.Street,
		BillToCity:       in.Customer.Address.City,
		BillToPostalCode: in.Customer.Address.ZipCode,
		BillToCountry:    in.Customer.Address.CountryRegionID,
		Email:            strings.ToLower(in.Customer.Email),
		Telephone:        in.Customer.Phone,
		Priority:         1,
	}
	var ok [3]bool
	out.PaymentTerms, ok[0] = terms[in.PaymentTermsName]
	out.ShippingMethod, ok[1] = carriers[in.DeliveryModeCode]
	ok[2] = true
	if strings.TrimSpace(in.OrderPriority) != "" {
		out.Priority, ok[2] = priorities[in.OrderPriority]
	}
	if ok != [3]bool{true, true, true} {
		return nil, errors.New("an option is unknown")
	}
	var err error
	if out.SubmitDate, err = moment(in.OrderDate); err != nil {
		return nil, err
	}
	if out.RequestDeliveryBy, err = moment(in.RequestedShippingDate); err != nil {
		return nil, err
	}
	if out.TotalAmount, err = cents(in.OrderTotalAmount); err != nil {
		return nil, err
	}
	if out.TotalTax, err = cents(in.TotalTaxAmount); err != nil {
		return nil, err
	}
	if out.FreightAmount, err = cents(in.FreightAmount); err != nil {
		return nil, err
	}
	out.DiscountPercentage = in.OrderTotalDiscountPercentage
	if out.Details, err = details(in.Lines); err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

func details(lines []line) ([]orderDetail, error) {
	out := make([]orderDetail, len(lines))
	for i := range lines {
		in := &lines[i]
		if in.ItemNumber == "" || in.OrderedSalesQuantity == "" {
			return nil, errors.New("a line's required field is blank")
		}
		price, err := cents(in.SalesPrice)
		if err != nil {
			return nil, err
		}
		amount, err := cents(in.LineAmount)
		if err != nil {
			return nil, err
		}
		out[i] = orderDetail{Line: in.LineNumber, Item: in.ItemNumber, Quantity: in.OrderedSalesQuantity, Price: price, Amount: amount}
	}
	return out, nil
}

func either(a, b string) string {
	if strings.TrimSpace(a) != "" {
		return a
	}
	return b
}

// moment reads /Date(ms)/.
func moment(s string) (string, error) {
	ms, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(s, "/Date("), ")/"), 10, 64)
	return time.UnixMilli(ms).UTC().Format(time.RFC3339), err
}

// cents rounds to two places, half to even, by the text where that is enough.
func cents(n json.Number) (json.Number, error) {
	whole, fraction, _ := strings.Cut(string(n), ".")
	if rest := strings.TrimRight(fraction, "0"); len(rest) <= 2 {
		if rest == "" {
			return json.Number(whole), nil
		}
		return json.Number(whole + "." + rest), nil
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return "", errors.New("a number can't be read")
	}
	r.Mul(r, big.NewRat(100, 1))
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if c := m.Lsh(m, 1).Cmp(r.Denom()); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return cents(json.Number(new(big.Rat).SetFrac(q, big.NewInt(100)).FloatString(2)))
}
