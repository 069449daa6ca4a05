package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// sendRow writes a row flow's source row and tells of it as the source would. The row is as a read returns it, so what can't be
// written is left out: annotations and columns without a value. file is the example's, for the error.
func sendRow(p *contract.Plan, row []byte, n int, file string) func(context.Context, *Feed) ([]string, int, error) {
	return func(ctx context.Context, f *Feed) ([]string, int, error) {
		var columns map[string]json.RawMessage
		if err := json.Unmarshal(row, &columns); err != nil {
			return nil, 0, err
		}
		for name, value := range columns {
			if strings.Contains(name, "@") || string(value) == "null" {
				delete(columns, name)
			}
		}
		body, err := f.putSource(ctx, p, columns, n)
		if err != nil {
			return nil, 0, fmt.Errorf("%s doesn't take this record, so the flow can never meet it: mend or remove %s: %w", p.From.System, file, err)
		}
		return []string{idOf(body)}, 0, f.send(ctx, "dataverse-events", "", body)
	}
}

// putSource writes the row and returns the event of it, the n-th.
func (f *Feed) putSource(ctx context.Context, p *contract.Plan, columns map[string]json.RawMessage, n int) ([]byte, error) {
	if p.From.System == schema.FnO {
		key, err := f.putFnO(p.SourceEntity(), columns)
		if err != nil {
			return nil, err
		}
		at := firstOfJuly.Add(time.Duration(n) * time.Second)
		return dataEvent{Entity: p.SourceEntity(), Key: key, Message: "OnExternalUpdated", Time: at}.JSON(), nil
	}
	var id string
	if err := json.Unmarshal(columns[p.SourceID()], &id); err != nil {
		return nil, fmt.Errorf("the example has no %s", p.SourceID())
	}
	delete(columns, p.SourceID())
	return change{Table: p.From.Entity, Message: "Update", AccountID: id, Operation: n}.JSON(), f.PutRow(ctx, p.SourceSet(), id, columns)
}

// alsoMandatory is what F&O wants of a new row besides the columns that a flow reads.
var alsoMandatory = map[string]string{
	"CustomersV3":         `{"CustomerGroupId":"10","SalesCurrencyCode":"USD"}`,
	"SalesOrderHeadersV2": `{"OrderingCustomerAccountNumber":"US-001"}`,
	"VendorsV2":           `{"VendorGroupId":"10"}`,
}

// putFnO writes a row in F&O, new or not, as a person there would, and returns its key.
func (f *Feed) putFnO(e *schema.Entity, columns map[string]json.RawMessage) (key []string, err error) {
	var segment []string
	for _, name := range e.PrimaryKey {
		var text string
		value := string(columns[name])
		if json.Unmarshal(columns[name], &text) == nil {
			value = "'" + url.PathEscape(strings.ReplaceAll(text, "'", "''")) + "'"
		} else {
			text = value
		}
		key, segment = append(key, text), append(segment, name+"="+value)
	}
	row := map[string]json.RawMessage{}
	if text := alsoMandatory[e.Name]; text != "" {
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			return nil, err
		}
	}
	for name, value := range columns {
		row[name] = value
	}
	fno := f.Stack.Systems.FnO()
	method, path, send := http.MethodPost, e.Set, row
	if _, there := fno.Row(e.Set, key...); there {
		method, path, send = http.MethodPatch, e.Set+"("+strings.Join(segment, ",")+")", columns
	}
	body, err := json.Marshal(send)
	if err != nil {
		return nil, err
	}
	if status, answer := fno.Edit(method, path, body); status >= 300 {
		return nil, fmt.Errorf("%s %s: %d %s", e.Name, strings.Join(key, "/"), status, answer)
	}
	return key, nil
}
