package feed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"crosswalk/local/stack"
)

// Subject is an invoice of US-001 in usmf, or an account of usmf, that goes through versions, 1 being the first. Every
// column of a version that is looked at says which one it is.
type Subject struct {
	Number  string
	ID      string // an account's
	Version int
}

// Posted returns F&O's event of an invoice's version. n makes the event's id. Versions 2k and 2k+1 are of the same second, so
// that their control numbers decide.
func (s *Subject) Posted(n int) Message {
	body := invoice{
		EventID: guid(0xca, n), InvoiceID: s.Number, Amount: strconv.Itoa(s.Version) + ".25", Control: controlOf(s.Version),
		Time: firstOfJuly.Add(time.Duration(s.Version/2) * time.Second),
	}.JSON()
	return Message{"fno-events", body, Pair{idOf(body), invoiceFlow}}
}

func controlOf(version int) string { return strconv.Itoa(5637998000 + version) }

// Changed writes an account's version as a person in Dataverse would and returns the event of it. n makes the event's id.
func (s *Subject) Changed(to *stack.Stack, n int) (Message, error) {
	row := fmt.Appendf(nil, `{"accountnumber":%q,"cw_legalentity":"usmf","name":"version %[2]d","telephone1":"phone %[2]d"}`, s.Number, s.Version)
	if status, answer := to.Systems.Dataverse().Edit(http.MethodPatch, "accounts("+s.ID+")", row); status >= 300 {
		return Message{}, fmt.Errorf("account %s: %d %s", s.Number, status, answer)
	}
	body := change{Message: "Update", AccountID: s.ID, Operation: n, Time: firstOfJuly.Add(time.Duration(n) * time.Second)}.JSON()
	return Message{"dataverse-events", body, Pair{idOf(body), accountFlow}}, nil
}

// InvoiceVersion returns which version a row of Dataverse's invoice holds; an error where it doesn't hold one whole version.
func InvoiceVersion(row []byte) (int, error) {
	var got struct {
		Amount  json.Number `json:"totalamount"`
		Control string      `json:"cw_controlnumber"`
	}
	if err := json.Unmarshal(row, &got); err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(strings.TrimSuffix(got.Amount.String(), ".25"))
	if err == nil && got.Control != controlOf(version) {
		err = fmt.Errorf("amount %s stands beside control number %s", got.Amount, got.Control)
	}
	return version, err
}

// CustomerVersion returns which version a row of F&O's CustomersV3 holds, 0 for the start data; an error where it doesn't
// hold one whole version.
func CustomerVersion(row []byte) (int, error) {
	var got struct {
		Name  string `json:"OrganizationName"`
		Phone string `json:"PrimaryContactPhone"`
	}
	if err := json.Unmarshal(row, &got); err != nil {
		return 0, err
	}
	text, ours := strings.CutPrefix(got.Name, "version ")
	if !ours {
		return 0, nil
	}
	version, err := strconv.Atoi(text)
	if err == nil && got.Phone != "phone "+text {
		err = fmt.Errorf("name %q stands beside %q", got.Name, got.Phone)
	}
	return version, err
}
