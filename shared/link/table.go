package link

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"crosswalk/shared/fault"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
)

// TableName is the name of the table that holds the links.
const TableName = "links"

// Table is a [Store] in Azure Table storage. A row is one entity with the property "row", a JSON text, so that support
// staff can read it in Storage Explorer.
type Table struct{ client *aztables.Client }

// NewTable returns a store in the client's table, which must exist: see [Table.Create]. Each call is bounded by its context
// and by the client's retry options; the SDK repeats a call that got no answer, so a swap that took place can come back
// as [ErrRowChanged].
func NewTable(client *aztables.Client) *Table { return &Table{client} }

// Create makes the table where it doesn't exist.
func (t *Table) Create(ctx context.Context) error {
	_, err := t.client.CreateTable(ctx, nil)
	if code(err) == string(aztables.TableAlreadyExists) {
		return nil
	}
	return tableFault(err)
}

type entity struct {
	PartitionKey, RowKey string
	Row                  string `json:"row"`
}

func newEntity(k Key, body []byte) ([]byte, error) {
	partition, row := k.Table()
	return json.Marshal(entity{partition, row, string(body)})
}

// Get implements [Store].
func (t *Table) Get(ctx context.Context, k Key) ([]byte, string, error) {
	partition, row := k.Table()
	answer, err := t.client.GetEntity(ctx, partition, row, nil)
	if missing(err) {
		return nil, "", ErrNoRow
	}
	if err != nil {
		return nil, "", tableFault(err)
	}
	var e entity
	if err := json.Unmarshal(answer.Value, &e); err != nil {
		return nil, "", tableFault(err)
	}
	return []byte(e.Row), string(answer.ETag), nil
}

// Insert implements [Store].
func (t *Table) Insert(ctx context.Context, k Key, body []byte) (string, error) {
	e, err := newEntity(k, body)
	if err != nil {
		return "", err
	}
	answer, err := t.client.AddEntity(ctx, e, nil)
	if code(err) == string(aztables.EntityAlreadyExists) {
		return "", ErrRowExists
	}
	return string(answer.ETag), tableFault(err)
}

// Replace implements [Store].
func (t *Table) Replace(ctx context.Context, k Key, etag string, body []byte) (string, error) {
	e, err := newEntity(k, body)
	if err != nil {
		return "", err
	}
	match := azcore.ETag(etag)
	answer, err := t.client.UpdateEntity(ctx, e, &aztables.UpdateEntityOptions{IfMatch: &match, UpdateMode: aztables.UpdateModeReplace})
	if changed(err) {
		return "", ErrRowChanged
	}
	return string(answer.ETag), tableFault(err)
}

// Delete implements [Store].
func (t *Table) Delete(ctx context.Context, k Key, etag string) error {
	partition, row := k.Table()
	match := azcore.ETag(etag)
	_, err := t.client.DeleteEntity(ctx, partition, row, &aztables.DeleteEntityOptions{IfMatch: &match})
	if changed(err) {
		return ErrRowChanged
	}
	return tableFault(err)
}

func code(err error) string {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer.ErrorCode
	}
	return ""
}

// missing tells an entity that isn't there from a table that isn't.
func missing(err error) bool {
	c := code(err)
	return c == string(aztables.ResourceNotFound) || c == string(aztables.EntityNotFound)
}

func changed(err error) bool {
	return missing(err) || code(err) == string(aztables.UpdateConditionNotSatisfied)
}

// tableFault judges an error of the storage account.
func tableFault(err error) error {
	if err == nil {
		return nil
	}
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			return &fault.Error{Kind: fault.Misconfigured, Reason: "link-refused",
				Detail: "the storage account refuses the link's table: check the role Storage Table Data Contributor and that the table exists", Err: err}
		}
	}
	return &fault.Error{Kind: fault.Transient, Reason: "link-unavailable", Detail: "the link's table did not answer", Err: err}
}
