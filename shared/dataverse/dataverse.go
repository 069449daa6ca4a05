// Package dataverse reads and writes rows through the Dataverse Web API v9.2.
//
// Every failure is a *fault.Error that says whose fault it is; see judge in this package for the table. No error holds a value
// out of a message or an answer's text.
package dataverse

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
)

// The conditions a flow handles itself. Calls return them wrapped in a *fault.Error; ask with errors.Is.
var (
	// ErrNotFound means that the addressed row itself doesn't exist.
	ErrNotFound = odata.ErrNotFound
	// ErrExists means that a row with this id or alternate key exists.
	ErrExists = odata.ErrExists
	// ErrStale means that the row has changed since its ETag was read.
	ErrStale = odata.ErrStale
)

// Row is one row; its ID is a GUID in lower case.
type Row = odata.Row

// KeyValue is one column of an alternate key. The client quotes and encodes its value.
type KeyValue = odata.KeyValue

// Options are the settings of a client; nil or zero is right for production.
type Options = odata.Options

// Client reads and writes one environment's rows as one application user. It is safe for concurrent use.
type Client struct{ odata *odata.Client }

// New returns a client for the environment at baseURL, such as https://contoso.crm4.dynamics.com.
func New(baseURL string, credential azcore.TokenCredential, o *Options) (*Client, error) {
	client, err := odata.NewClient(odata.Service{
		System: "Dataverse", Setting: "DATAVERSE_URL", BaseURL: baseURL, Root: "/api/data/v9.2/", Judge: judge,
	}, credential, o)
	if err != nil {
		return nil, err
	}
	return &Client{client}, nil
}

// ByID returns the row of the entity set with this id. idColumn is the primary key's column, such as accountid; no columns
// means all of them. A row that doesn't exist is ErrNotFound.
func (c *Client) ByID(ctx context.Context, set, idColumn, id string, columns []string) (Row, error) {
	call, err := address(odata.Read, set, id)
	if err != nil {
		return Row{}, err
	}
	return c.read(ctx, call, idColumn, columns)
}

// unkeyable are the characters that make a GET by alternate key fail when a key column's value holds them (public page
// "Define alternate keys to reference rows", section on Unicode and special characters).
const unkeyable = `/<>*%&:\?+`

// ByKey returns the row of the entity set with this alternate key; see ByID for the rest. A blank key value is a Permanent
// error: Dataverse's null never equals it.
func (c *Client) ByKey(ctx context.Context, set, idColumn string, key []KeyValue, columns []string) (Row, error) {
	if err := odata.CheckSet(set); err != nil {
		return Row{}, err
	}
	call := odata.Call{Purpose: odata.Read, Method: http.MethodGet, Set: set}
	byFilter := false
	for _, part := range key {
		if part.Value == "" {
			return Row{}, fault.Reject("blank-required", part.Name, "a key column has no value")
		}
		call.Columns = append(call.Columns, part.Name)
		byFilter = byFilter || strings.ContainsAny(part.Value, unkeyable) // an instant has colons
	}
	segment, err := odata.Key(key)
	if err != nil {
		return Row{}, err
	}
	if !byFilter {
		call.Key = segment
		return c.read(ctx, call, idColumn, columns)
	}
	filter, err := odata.Filter(key)
	if err != nil {
		return Row{}, err
	}
	call.Query = "$filter=" + filter + "&$top=2"
	return c.read(ctx, call, idColumn, columns)
}

// List returns the rows of the entity set whose columns equal those values; a lookup is named _<column>_value. It reads one
// page of 5,000 rows; a fuller one is an error, because whoever lists wants few.
func (c *Client) List(ctx context.Context, set, idColumn string, equal []KeyValue, columns []string) ([]Row, error) {
	if err := odata.CheckSet(set); err != nil {
		return nil, err
	}
	filter, err := odata.Filter(equal)
	if err != nil {
		return nil, err
	}
	list, err := odata.Select(append(slices.Clone(columns), idColumn))
	if err != nil {
		return nil, err
	}
	call := odata.Call{Purpose: odata.Read, Method: http.MethodGet, Set: set, Query: "$select=" + list + "&$filter=" + filter, Columns: columns, IfNoneMatch: "null"}
	answer, err := c.odata.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	rows, err := c.odata.Rows(answer, idColumn)
	if err == nil && len(rows) >= pageLimit {
		err = c.odata.Unreadable(answer)
	}
	return rows, err
}

// pageLimit is the largest page of a standard table (documentation: "Page results").
const pageLimit = 5000

// read completes call with $select and returns the one row it finds, by key or by filter.
func (c *Client) read(ctx context.Context, call odata.Call, idColumn string, columns []string) (Row, error) {
	if len(columns) > 0 && !slices.Contains(columns, idColumn) {
		columns = append(slices.Clone(columns), idColumn)
	}
	list, err := odata.Select(columns)
	if err != nil {
		return Row{}, err
	}
	call.Columns = append(call.Columns, columns...)
	byFilter := call.Query != ""
	if list != "" {
		call.Query = strings.TrimPrefix(call.Query+"&$select="+list, "&")
	}
	call.IfNoneMatch = "null" // the public documentation's way to get past caches
	answer, err := c.odata.Do(ctx, call)
	if err != nil {
		return Row{}, err
	}
	if !byFilter {
		return c.odata.Row(answer, idColumn)
	}
	rows, err := c.odata.Rows(answer, idColumn)
	switch {
	case err != nil:
		return Row{}, err
	case len(rows) == 0:
		return Row{}, &fault.Error{Kind: fault.Transient, Reason: odata.ReasonNotFound, Detail: "Dataverse has no row with this key", Err: ErrNotFound}
	case len(rows) > 1:
		return Row{}, &fault.Error{Kind: fault.Misconfigured, Reason: odata.ReasonMissing,
			Detail: "several rows of " + call.Set + " have the same key; define it as an alternate key and wait until it is active"}
	}
	return rows[0], nil
}

// Create makes the row with this id, chosen by us, and never changes one that exists: a row with the id or with the same
// alternate key is ErrExists. A reference to a row that doesn't exist is a Transient error with reason "reference-missing".
// body is the row as a JSON object.
func (c *Client) Create(ctx context.Context, set, id string, body []byte) error {
	call, err := address(odata.Create, set, id)
	if err != nil {
		return err
	}
	call.IfNoneMatch, call.Body = "*", body
	_, err = c.odata.Do(ctx, call)
	return err
}

// Update changes the columns in body. A row that has changed since etag was read is ErrStale, one that doesn't exist
// ErrNotFound, a change that another row's alternate key forbids ErrExists. An empty etag means "whatever its version"; it
// never creates a row.
func (c *Client) Update(ctx context.Context, set, id, etag string, body []byte) error {
	call, err := address(odata.Update, set, id)
	if err != nil {
		return err
	}
	call.IfMatch, call.Body = version(etag), body
	_, err = c.odata.Do(ctx, call)
	return err
}

// Delete removes the row. Errors are those of Update.
func (c *Client) Delete(ctx context.Context, set, id, etag string) error {
	call, err := address(odata.Delete, set, id)
	if err != nil {
		return err
	}
	call.IfMatch = version(etag)
	_, err = c.odata.Do(ctx, call)
	return err
}

func version(etag string) string {
	if etag == "" {
		return "*"
	}
	return etag
}

var methods = map[odata.Purpose]string{
	odata.Read: http.MethodGet, odata.Create: http.MethodPatch, odata.Update: http.MethodPatch, odata.Delete: http.MethodDelete,
}

// address returns a call to one row by its GUID.
func address(purpose odata.Purpose, set, id string) (odata.Call, error) {
	if err := odata.CheckSet(set); err != nil {
		return odata.Call{}, err
	}
	id, err := odata.GUID(set, id)
	if err != nil {
		return odata.Call{}, err
	}
	return odata.Call{Purpose: purpose, Method: methods[purpose], Set: set, Key: "(" + id + ")", Row: id}, nil
}
