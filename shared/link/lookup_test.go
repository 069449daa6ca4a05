package link_test

import (
	"context"
	"errors"
	"testing"

	"crosswalk/shared/link"
)

// A reference leads to what the link holds, in either direction and however the key is spelt, and to nothing once the record
// is deleted or was never linked.
func TestLookup(t *testing.T) {
	store := link.NewMemory()
	for key, body := range map[link.Key]string{
		{Pair: "p", Kind: "p", Side: "fno", ID: "usmf/c-1"}:       `{"link":"L"}`,
		{Pair: "p", Kind: "p", Side: "dataverse", ID: "guid"}:     `{"link":"L"}`,
		{Pair: "p", Kind: "p", Side: "fno", ID: "usmf/old"}:       `{"link":"L"}`,
		{Pair: "p", Kind: "p", Side: "fno", ID: "usmf/dead"}:      `{"link":"L","dead":true}`,
		{Pair: "p", Kind: "p", Side: "fno", ID: "usmf/nowhere"}:   `{"link":"N"}`,
		{Pair: "p", Kind: "p", Side: "fno", ID: "usmf/half"}:      `{"link":"H"}`,
		{Pair: "p", Kind: "m", ID: "L"}:                           `{"key":"k","ids":{"fno":"usmf/C-1","dataverse":"GUID"}}`,
		{Pair: "p", Kind: "m", ID: "H"}:                           `{"key":"k","ids":{"fno":"usmf/half"}}`,
		{Pair: "other", Kind: "p", Side: "fno", ID: "usmf/other"}: `{"link":"L"}`,
	} {
		if _, err := store.Insert(context.Background(), key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ side, id, other, want string }{
		{"fno", "usmf/C-1", "dataverse", "GUID"},
		{"fno", "USMF/c-1", "dataverse", "GUID"},
		{"dataverse", "GUID", "fno", "usmf/C-1"},
		{"fno", "usmf/C-2", "dataverse", ""},
		{"fno", "usmf/old", "dataverse", ""}, // the record has another id now
		{"fno", "usmf/dead", "dataverse", ""},
		{"fno", "usmf/nowhere", "dataverse", ""},
		{"fno", "usmf/half", "dataverse", ""}, // its create is under way
		{"fno", "usmf/other", "dataverse", ""},
	} {
		got, err := link.Lookup(t.Context(), store, "p", tt.side, tt.id, tt.other, 0)
		if got != tt.want || (err != nil) != (tt.want == "") || err != nil && !errors.Is(err, link.ErrNotFound) {
			t.Errorf("%s %s: %q, %v, want %q", tt.side, tt.id, got, err, tt.want)
		}
	}
}
