package link_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/settle"
)

// wanted is the record of these tests: a key and a number that only ever rises.
type wanted struct {
	key   string
	value int
}

func (w wanted) KeyText() string { return w.key }
func (w wanted) Hash() string    { return fmt.Sprint(content(w.value)) }

// content is what a value means to the target: its last digit. So a content and its hash can come back under a newer value.
func content(value int) int { return value % 10 }

// gate stands before every operation of a worker. Before tells whether the operation takes place: it may refuse it,
// or let it happen and lose the answer.
type gate interface {
	// pass calls do, before, after or instead of which it may return an error of its own. write is true for a write to the
	// target.
	pass(name string, write bool, do func() error) error
}

// open lets everything pass.
type open struct{}

func (open) pass(_ string, _ bool, do func() error) error { return do() }

var errCrash = errors.New("crashed")

// world is one pair of systems with its link.
type world struct {
	now    time.Time
	store  *link.Memory
	source map[string]wanted
	target map[string]*targetRow
	traits link.Traits
	// writes is what was written to each key, in order; deletes are -1.
	writes map[string][]int
	ids    int
	etags  int
	// uniqueKeys is false where the target has no alternate key that refuses a second row.
	uniqueKeys bool
	// mayBeDirty is true where a crash may be followed by nothing but a change that says nothing about the target.
	mayBeDirty bool
}

type targetRow struct {
	key   string
	value int
	etag  string
}

var start = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func newWorld(traits link.Traits) *world {
	return &world{now: start, store: link.NewMemory(), source: map[string]wanted{}, target: map[string]*targetRow{},
		traits: traits, writes: map[string][]int{}, uniqueKeys: true}
}

func (w *world) etag() string { w.etags++; return fmt.Sprintf("W/%d", w.etags) }

// put makes a target row that Crosswalk didn't write.
func (w *world) put(id, key string, value int) {
	if w.traits.KeyIsID {
		id = key
	}
	w.target[id] = &targetRow{key, value, w.etag()}
}

// flow returns a worker's flow, whose every operation goes through g.
func (w *world) flow(event bool, g gate) *link.Flow[wanted] {
	f := &link.Flow[wanted]{Name: "a-to-b", Pair: "pair", From: "a", To: "b", Deletion: link.Delete,
		Store: gatedStore{w.store, g}, Target: gatedTarget{w, g},
		Options: link.Options{Now: func() time.Time { return w.now }, NewID: func() string { w.ids++; return fmt.Sprintf("guid-%d", w.ids) }}}
	if !event {
		f.Source = gatedSource{w, g}
	}
	return f
}

type gatedSource struct {
	*world
	gate gate
}

func (s gatedSource) Read(_ context.Context, id string) (record wanted, err error) {
	err = s.gate.pass("read source", false, func() error {
		var ok bool
		if record, ok = s.source[id]; !ok {
			return fmt.Errorf("source: %w", link.ErrNotFound)
		}
		return nil
	})
	return record, err
}

type gatedTarget struct {
	*world
	gate gate
}

func (s gatedTarget) Traits() link.Traits { return s.traits }

func (s gatedTarget) row(id string) link.Row {
	r := s.target[id]
	body, _ := json.Marshal([]any{r.key, content(r.value)})
	return link.Row{ID: id, ETag: r.etag, JSON: body}
}

func (s gatedTarget) Find(_ context.Context, r wanted) (row link.Row, err error) {
	err = s.gate.pass("find target", false, func() error {
		for id, found := range s.target {
			if found.key == r.key {
				row = s.row(id)
				return nil
			}
		}
		return link.ErrNotFound
	})
	return row, err
}

func (s gatedTarget) Read(_ context.Context, id string) (row link.Row, err error) {
	err = s.gate.pass("read target", false, func() error {
		if s.target[id] == nil {
			return link.ErrNotFound
		}
		row = s.row(id)
		return nil
	})
	return row, err
}

func (s gatedTarget) Equal(_ context.Context, row link.Row, r wanted) (bool, error) {
	body, _ := json.Marshal([]any{r.key, content(r.value)})
	return string(row.JSON) == string(body), nil
}

func (s gatedTarget) Create(_ context.Context, id string, r wanted) error {
	return s.gate.pass("create target", true, func() error {
		if s.target[id] != nil {
			return link.ErrExists
		}
		for _, row := range s.target {
			if s.uniqueKeys && row.key == r.key {
				return link.ErrExists
			}
		}
		s.target[id] = &targetRow{r.key, r.value, s.etag()}
		s.writes[r.key] = append(s.writes[r.key], r.value)
		return nil
	})
}

func (s gatedTarget) Update(_ context.Context, id, etag string, r wanted) error {
	return s.gate.pass("update target", true, func() error {
		row := s.target[id]
		switch {
		case row == nil:
			return link.ErrNotFound
		case s.traits.IfMatch && etag != row.etag:
			return link.ErrStale
		}
		*row = targetRow{r.key, r.value, s.etag()}
		s.writes[r.key] = append(s.writes[r.key], r.value)
		return nil
	})
}

func (s gatedTarget) Delete(_ context.Context, id, etag string) error {
	return s.gate.pass("delete target", true, func() error {
		row := s.target[id]
		switch {
		case row == nil:
			return link.ErrNotFound
		case s.traits.IfMatch && etag != row.etag:
			return link.ErrStale
		}
		delete(s.target, id)
		s.writes[row.key] = append(s.writes[row.key], -1)
		return nil
	})
}

type gatedStore struct {
	link.Store
	gate gate
}

func (s gatedStore) Get(ctx context.Context, k link.Key) (body []byte, etag string, err error) {
	err = s.gate.pass("get "+k.Kind, false, func() (err error) { body, etag, err = s.Store.Get(ctx, k); return err })
	return body, etag, err
}

func (s gatedStore) Insert(ctx context.Context, k link.Key, b []byte) (etag string, err error) {
	err = s.gate.pass("insert "+k.Kind, false, func() (err error) { etag, err = s.Store.Insert(ctx, k, b); return err })
	return etag, err
}

func (s gatedStore) Replace(ctx context.Context, k link.Key, e string, b []byte) (etag string, err error) {
	err = s.gate.pass("swap "+k.Kind, false, func() (err error) { etag, err = s.Store.Replace(ctx, k, e, b); return err })
	return etag, err
}

func (s gatedStore) Delete(ctx context.Context, k link.Key, e string) error {
	return s.gate.pass("delete "+k.Kind, false, func() error { return s.Store.Delete(ctx, k, e) })
}

// settleAll delivers a change until it ends, moving the clock on as it is told to, and returns how it ended.
func (w *world) settleAll(t testing.TB, event bool, c link.Change[wanted]) settle.Outcome {
	t.Helper()
	for range 20 {
		outcome, err := w.flow(event, open{}).Apply(t.Context(), c)
		if err == nil {
			return outcome
		}
		after := 5 * time.Second
		if e := fault.Of(err); e.Kind == fault.Waiting {
			after = e.After
		} else if e.Kind == fault.Permanent {
			t.Fatalf("refused: %v", err)
		}
		w.now = w.now.Add(after)
	}
	t.Fatal("the change doesn't come to rest")
	return settle.Outcome{}
}

// rows returns key → value of the target; a second row of a key fails the test.
func (w *world) rows(t fatalf) map[string]int {
	rows := map[string]int{}
	for id, row := range w.target {
		if _, twice := rows[row.key]; twice {
			t.Fatalf("a second target row %s for key %s", id, row.key)
		}
		rows[row.key] = row.value
	}
	return rows
}

type fatalf interface{ Fatalf(string, ...any) }

// checkWrites holds that no older value was written over a newer one, and counts identical repeats.
func (w *world) checkWrites(t fatalf) (repeats int) {
	for key, values := range w.writes {
		newest := -1
		for i, now := range values {
			switch {
			case now == -1:
			case i > 0 && now == values[i-1]:
				repeats++
			case now <= newest:
				t.Fatalf("key %s: %d was written after %d (%v)", key, now, newest, values)
			}
			newest = max(newest, now)
		}
	}
	return repeats
}

// checkLink holds that at rest every main is free and clean and that all pointers lead where they should.
func (w *world) checkLink(t fatalf) {
	rows := w.store.Rows()
	mains := map[string]map[string]any{}
	byKey := map[string][]string{}
	for k, body := range rows {
		if k.Kind != "m" {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatalf("main row: %v", err)
		}
		for _, open := range []string{"claim", "dirty"} {
			unbound := m["ids"] == nil // a crash right after it was made: nothing was promised or written
			if m[open] != nil && !unbound && !(open == "dirty" && w.mayBeDirty) {
				t.Fatalf("main %s at rest has %s: %s", k.ID, open, body)
			}
		}
		mains[k.ID] = m
		byKey[m["key"].(string)] = append(byKey[m["key"].(string)], k.ID)
		if ids, ok := m["ids"].(map[string]any); ok && ids["b"] != nil && m["intent"] != nil {
			t.Fatalf("main %s is bound and has an intent: %s", k.ID, body)
		}
	}
	for key, ids := range byKey {
		if len(ids) > 1 {
			t.Fatalf("key %s has mains %v", key, ids)
		}
	}
	for k, body := range rows {
		var p struct{ Link string }
		if k.Kind == "m" || json.Unmarshal([]byte(body), &p) != nil || p.Link == "" {
			continue
		}
		m := mains[p.Link]
		if m == nil && k.Kind == "k" {
			continue // a crash right after it was made, and nothing since
		}
		if m == nil || k.Kind == "k" && !strings.EqualFold(m["key"].(string), k.ID) {
			t.Fatalf("pointer %v leads to main %v", k, m)
		}
	}
	for id, row := range w.target {
		if !slices.ContainsFunc(byKey[row.key], func(l string) bool { ids, _ := mains[l]["ids"].(map[string]any); return ids["b"] == id }) {
			t.Fatalf("target row %s isn't bound in the main of key %s", id, row.key)
		}
		if _, ok := rows[link.Key{Pair: "pair", Kind: "p", Side: "b", ID: strings.ToLower(id)}]; !ok {
			t.Fatalf("target row %s has no pointer", id)
		}
	}
}

func version(n int) link.Version {
	return link.Version{Sequence: fmt.Sprintf("%06d", n), Event: fmt.Sprintf("e%d", n)}
}

// event is an event flow's change to a value; row changes carry nothing but the id.
func eventChange(key string, value int) link.Change[wanted] {
	return link.Change[wanted]{Version: version(value), Record: wanted{key, value}}
}

func rowChange(id string, n int) link.Change[wanted] {
	return link.Change[wanted]{ID: id, Version: version(n)}
}
