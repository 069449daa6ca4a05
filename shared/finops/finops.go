// Package finops reads and writes rows of Dynamics 365 Finance & Operations through its OData endpoint /data.
//
// Every failure is a *fault.Error that says whose fault it is; see judge in this package for the table. No error holds a value
// out of a message or an answer's text.
//
// F&O words its refusals in the language of the user that the application is mapped to, and the words are all there is to
// tell them apart: that user's language must be English (en-us).
package finops

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"crosswalk/shared/odata"
)

// The conditions a flow handles itself. Calls return them wrapped in a *fault.Error; ask with errors.Is.
var (
	// ErrNotFound means that the addressed row doesn't exist.
	ErrNotFound = odata.ErrNotFound
	// ErrExists means that a row with this key exists.
	ErrExists = odata.ErrExists
)

// Row is one row. Its ID is empty: F&O rows are known by their keys.
type Row = odata.Row

// KeyValue is one column of a key, dataAreaId included. The client quotes and encodes its value.
type KeyValue = odata.KeyValue

// Options are the settings of a client; nil or zero is right for production.
type Options = odata.Options

// everyCompany is in every URL: without it F&O sees only the user's default company, and updates outside it fail.
const everyCompany = "cross-company=true"

// Client reads and writes one environment's rows as one application. It is safe for concurrent use.
type Client struct{ odata *odata.Client }

// New returns a client for the environment at baseURL, such as https://contoso.operations.dynamics.com.
func New(baseURL string, credential azcore.TokenCredential, o *Options) (*Client, error) {
	client, err := odata.NewClient(odata.Service{
		System: "F&O", Setting: "FNO_URL", BaseURL: baseURL, Root: "/data/", Judge: judge,
	}, credential, o)
	if err != nil {
		return nil, err
	}
	return &Client{client}, nil
}

// Read returns the row of the entity set with this key; no columns means all of them. A row that doesn't exist is
// ErrNotFound.
func (c *Client) Read(ctx context.Context, set string, key []KeyValue, columns []string) (Row, error) {
	call, err := address(odata.Read, http.MethodGet, set, key)
	if err != nil {
		return Row{}, err
	}
	list, err := odata.Select(columns)
	if err != nil {
		return Row{}, err
	}
	if list != "" {
		call.Query += "&$select=" + list
		call.Columns = append(call.Columns, columns...)
	}
	answer, err := c.odata.Do(ctx, call)
	if err != nil {
		return Row{}, err
	}
	return c.odata.Row(answer, "")
}

// List returns the rows of the entity set whose columns equal those values, of all companies. F&O gives them in pages of
// 10,000; more than one page is an error, because whoever lists wants few.
func (c *Client) List(ctx context.Context, set string, equal []KeyValue, columns []string) ([]Row, error) {
	if err := odata.CheckSet(set); err != nil {
		return nil, err
	}
	filter, err := odata.Filter(equal)
	if err != nil {
		return nil, err
	}
	list, err := odata.Select(columns)
	if err != nil {
		return nil, err
	}
	call := odata.Call{Purpose: odata.Read, Method: http.MethodGet, Set: set, Query: everyCompany + "&$select=" + list + "&$filter=" + filter, Columns: columns}
	answer, err := c.odata.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	rows, err := c.odata.Rows(answer, "")
	if err == nil && len(rows) >= pageLimit {
		err = c.odata.Unreadable(answer)
	}
	return rows, err
}

// pageLimit is the largest page (documentation: "Open Data Protocol (OData)").
const pageLimit = 10000

// Patch changes the columns in body, a JSON object, and never makes a row: one that doesn't exist is ErrNotFound.
func (c *Client) Patch(ctx context.Context, set string, key []KeyValue, body []byte) error {
	call, err := address(odata.Update, http.MethodPatch, set, key)
	if err != nil {
		return err
	}
	call.Body = body
	_, err = c.odata.Do(ctx, call)
	return err
}

// Post makes a row from body, a JSON object with the key's columns. A row with this key is ErrExists. It is sent once at
// most: with reason "outcome-unknown" look whether the row exists.
func (c *Client) Post(ctx context.Context, set string, body []byte) error {
	if err := odata.CheckSet(set); err != nil {
		return err
	}
	_, err := c.odata.Do(ctx, odata.Call{Purpose: odata.Create, Method: http.MethodPost, Set: set, Query: everyCompany, Body: body})
	return err
}

// Delete removes the row. One that doesn't exist is ErrNotFound.
func (c *Client) Delete(ctx context.Context, set string, key []KeyValue) error {
	call, err := address(odata.Delete, http.MethodDelete, set, key)
	if err != nil {
		return err
	}
	_, err = c.odata.Do(ctx, call)
	return err
}

func address(purpose odata.Purpose, method, set string, key []KeyValue) (odata.Call, error) {
	if err := odata.CheckSet(set); err != nil {
		return odata.Call{}, err
	}
	segment, err := odata.Key(key)
	if err != nil {
		return odata.Call{}, err
	}
	call := odata.Call{Purpose: purpose, Method: method, Set: set, Key: segment, Query: everyCompany}
	for _, part := range key {
		call.Columns = append(call.Columns, part.Name)
	}
	return call, nil
}
