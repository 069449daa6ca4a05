package odata

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Row is one row as the service returned it.
type Row struct {
	// ID is the primary key, a GUID in lower case; empty where the system has none.
	ID string
	// ETag is the row's version, opaque and not ordered: W/"1234".
	ETag string
	// JSON is the row object exactly as returned, annotations included.
	JSON []byte
}

// Row returns the row that answer holds. idColumn names the primary key, or is empty. Duplicate names and invalid UTF-8 make
// an answer unreadable.
func (c *Client) Row(answer Answer, idColumn string) (Row, error) {
	return c.row(answer, answer.Body, idColumn)
}

// Rows returns the rows of the first page that answer holds.
func (c *Client) Rows(answer Answer, idColumn string) ([]Row, error) {
	var page struct {
		Value []jsontext.Value `json:"value"`
	}
	if err := json.Unmarshal(answer.Body, &page); err != nil || page.Value == nil {
		return nil, c.Unreadable(answer)
	}
	rows := make([]Row, 0, len(page.Value))
	for _, value := range page.Value {
		row, err := c.row(answer, value, idColumn)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (c *Client) row(answer Answer, object []byte, idColumn string) (Row, error) {
	var columns map[string]jsontext.Value
	if err := json.Unmarshal(object, &columns); err != nil || columns == nil {
		return Row{}, c.Unreadable(answer)
	}
	row := Row{JSON: object}
	if value, ok := columns["@odata.etag"]; ok {
		if err := json.Unmarshal(value, &row.ETag); err != nil {
			return Row{}, c.Unreadable(answer)
		}
	}
	if idColumn == "" {
		return row, nil
	}
	if err := json.Unmarshal(columns[idColumn], &row.ID); err != nil {
		return Row{}, c.Unreadable(answer)
	}
	var err error
	if row.ID, err = GUID(idColumn, row.ID); err != nil {
		return Row{}, c.Unreadable(answer)
	}
	return row, nil
}
