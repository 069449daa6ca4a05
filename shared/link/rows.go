package link

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"crosswalk/shared/fault"
)

// mainRow is the one row per pair and record that everything about it is decided on.
type mainRow struct {
	Key string `json:"key"`
	// IDs holds the record's id by side.
	IDs   map[string]string     `json:"ids,omitempty"`
	Flows map[string]*flowState `json:"flows,omitempty"`
	Claim *claim                `json:"claim,omitempty"`
	// Dirty says that a claim expired, so that it isn't known what its holder did to the target.
	Dirty bool `json:"dirty,omitempty"`
	// Tombstone is the side whose delete removed the record.
	Tombstone string `json:"tombstone,omitempty"`
	// Intent is the id chosen for a create on IntentSide: a GUID, or "=" and the match key.
	Intent     string `json:"intent,omitempty"`
	IntentSide string `json:"intentSide,omitempty"`
}

type flowState struct {
	Hash    string  `json:"hash,omitempty"`
	Version Version `json:"version,omitzero"`
	Pending Version `json:"pending,omitzero"`
}

type claim struct {
	Token string    `json:"token"`
	Until time.Time `json:"until"`
}

func (m *mainRow) flow(name string) *flowState {
	if m.Flows == nil {
		m.Flows = map[string]*flowState{}
	}
	if m.Flows[name] == nil {
		m.Flows[name] = &flowState{}
	}
	return m.Flows[name]
}

func (m *mainRow) setID(side, id string) {
	if m.IDs == nil {
		m.IDs = map[string]string{}
	}
	m.IDs[side] = id
}

// forgetHashes makes every flow compare with the target again, because the ids changed.
func (m *mainRow) forgetHashes() {
	for _, f := range m.Flows {
		f.Hash = ""
	}
}

// intended returns the id that the open intent stands for, or "".
func (m *mainRow) intended() string { return strings.TrimPrefix(m.Intent, "=") }

// pointer leads from a side's id or from a match key to a main row.
type pointer struct {
	Link string `json:"link,omitempty"`
	Dead bool   `json:"dead,omitempty"`

	etag string
}

// table gives the steps typed rows over a [Store].
type table struct {
	store    Store
	pair     string
	deadline time.Duration
}

func (t table) mainKey(l string) Key        { return Key{t.pair, "m", "", l} }
func (t table) sideKey(side, id string) Key { return Key{t.pair, "p", side, fold(id)} }
func (t table) matchKey(key string) Key     { return Key{t.pair, "k", "", fold(key)} }

func (t table) read(ctx context.Context, k Key, into any) (etag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.deadline)
	defer cancel()
	body, etag, err := t.store.Get(ctx, k)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return "", &fault.Error{Kind: fault.Misconfigured, Reason: "link-unreadable", Detail: "a row of the link's table isn't what Crosswalk wrote", Err: err}
	}
	return etag, nil
}

func (t table) pointer(ctx context.Context, k Key) (pointer, error) {
	var p pointer
	etag, err := t.read(ctx, k, &p)
	p.etag = etag
	return p, err
}

func (t table) insert(ctx context.Context, k Key, row any) (string, error) {
	body, err := json.Marshal(row)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, t.deadline)
	defer cancel()
	return t.store.Insert(ctx, k, body)
}

func (t table) swap(ctx context.Context, k Key, etag string, row any) (string, error) {
	body, err := json.Marshal(row)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, t.deadline)
	defer cancel()
	return t.store.Replace(ctx, k, etag, body)
}

func (t table) remove(ctx context.Context, k Key, etag string) error {
	ctx, cancel := context.WithTimeout(ctx, t.deadline)
	defer cancel()
	return t.store.Delete(ctx, k, etag)
}
