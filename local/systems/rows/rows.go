// Package rows holds a simulated system's records, with everything a test wants to know about how they came to be.
package rows

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Values are a record's columns, each as its exact JSON literal; an absent column is null.
type Values map[string]jsontext.Value

// Row is a record as a test or the page sees it.
type Row struct {
	// Key is the record's id: a GUID in Dataverse, "<company>/<key>…" in F&O.
	Key string
	// JSON is one object with the stored columns in alphabetical order, numbers with the digits they were written with.
	JSON []byte
	// Version is the row version: it rises with every write in the system.
	Version int64
	// Writes is how many requests have written this key since the start, a create and a delete included; the start data
	// counts as none.
	Writes int
	// Written is when it was last written; the start data has the zero time.
	Written time.Time
}

// Record is a stored record. A Store hands out copies; Values of a copy may be changed freely.
type Record struct {
	Key     string
	Values  Values
	Version int64
	Writes  int
	Written time.Time
}

// Clone returns a copy that shares nothing mutable; the JSON literals are never changed in place.
func (r *Record) Clone() *Record {
	c := *r
	c.Values = make(Values, len(r.Values))
	for k, v := range r.Values {
		c.Values[k] = v
	}
	return &c
}

// Row renders the record.
func (r *Record) Row() Row {
	return Row{Key: r.Key, JSON: Object(r.Values), Version: r.Version, Writes: r.Writes, Written: r.Written}
}

// Object renders columns as one JSON object in alphabetical order.
func Object(v Values) []byte {
	names := make([]string, 0, len(v))
	for n := range v {
		names = append(names, n)
	}
	slices.Sort(names)
	out := []byte{'{'}
	for i, n := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out, _ = jsontext.AppendQuote(out, n)
		out = append(out, ':')
		out = append(out, v[n]...)
	}
	return append(out, '}')
}

// Store holds the tables of one system. Writers take Lock for a whole request, so that its checks and its write are one.
type Store struct {
	sync.Mutex
	now     func() time.Time
	version int64
	tables  map[string]map[string]*Record
	history map[string]map[string][]Row
	writes  map[string]map[string]int
}

// NewStore returns an empty store whose first row version follows first.
func NewStore(now func() time.Time, first int64) *Store {
	return &Store{now: now, version: first, tables: map[string]map[string]*Record{}, history: map[string]map[string][]Row{}, writes: map[string]map[string]int{}}
}

// Get returns a copy of a record, or nil. The caller holds the lock.
func (s *Store) Get(table, key string) *Record {
	if r := s.tables[table][key]; r != nil {
		return r.Clone()
	}
	return nil
}

// Each calls f with every record of a table until f returns false, in no order. f must not change it. The caller holds the
// lock.
func (s *Store) Each(table string, f func(*Record) bool) {
	for _, r := range s.tables[table] {
		if !f(r) {
			return
		}
	}
}

// Put stores a record under its key and gives it the next row version. The caller holds the lock.
func (s *Store) Put(table, key string, v Values) *Record {
	s.version++
	r := &Record{Key: key, Values: v, Version: s.version, Writes: s.count(table, key), Written: s.now()}
	s.keep(table, r)
	s.remember(table, key, r.Row())
	return r.Clone()
}

// Seed stores start data: a version, but no write. The caller holds the lock.
func (s *Store) Seed(table, key string, v Values) {
	s.version++
	r := &Record{Key: key, Values: v, Version: s.version}
	s.keep(table, r)
	s.remember(table, key, r.Row())
}

// Delete removes a record; its history gets a row without JSON. The caller holds the lock.
func (s *Store) Delete(table, key string) {
	s.version++
	delete(s.tables[table], key)
	s.remember(table, key, Row{Key: key, Version: s.version, Writes: s.count(table, key), Written: s.now()})
}

// All returns a table's rows, by key.
func (s *Store) All(table string) []Row {
	s.Lock()
	defer s.Unlock()
	out := make([]Row, 0, len(s.tables[table]))
	for _, r := range s.tables[table] {
		out = append(out, r.Row())
	}
	slices.SortFunc(out, func(a, b Row) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// One returns one row.
func (s *Store) One(table, key string) (Row, bool) {
	s.Lock()
	defer s.Unlock()
	r := s.tables[table][key]
	if r == nil {
		return Row{}, false
	}
	return r.Row(), true
}

// History returns every state a key has had, oldest first, start data included. A delete is a Row without JSON.
func (s *Store) History(table, key string) []Row {
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.history[table][key])
}

// Writes returns how many requests have written a key.
func (s *Store) Writes(table, key string) int {
	s.Lock()
	defer s.Unlock()
	return s.writes[table][key]
}

func (s *Store) keep(table string, r *Record) {
	if s.tables[table] == nil {
		s.tables[table] = map[string]*Record{}
	}
	s.tables[table][r.Key] = r
}

func (s *Store) remember(table, key string, r Row) {
	if s.history[table] == nil {
		s.history[table] = map[string][]Row{}
	}
	s.history[table][key] = append(s.history[table][key], r)
}

func (s *Store) count(table, key string) int {
	if s.writes[table] == nil {
		s.writes[table] = map[string]int{}
	}
	s.writes[table][key]++
	return s.writes[table][key]
}
