// Package linktest has the suite that every [link.Store] passes.
package linktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"crosswalk/shared/link"
)

// Run checks a store. newStore is called once per test; the stores it returns may share one table, because every test uses
// a pair of its own.
func Run(t *testing.T, newStore func(*testing.T) link.Store) {
	tests := map[string]func(*testing.T, suite){
		"a row comes back as it was inserted":            roundTrip,
		"an insert never overwrites":                     insertOnce,
		"a replace needs the current ETag":               replaceNeedsETag,
		"a replace with the same body changes the ETag":  fencing,
		"a delete needs the current ETag":                deleteNeedsETag,
		"different keys are different rows":              keysDiffer,
		"of many concurrent swaps exactly one gets in":   swapsExclude,
		"of many concurrent inserts exactly one gets in": insertsExclude,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test(t, suite{newStore(t), t.Context(), t.Name() + link.Defaults().NewID()})
		})
	}
}

type suite struct {
	link.Store
	ctx  context.Context
	pair string
}

func (s suite) key(id string) link.Key { return link.Key{Pair: s.pair, Kind: "k", ID: id} }

func (s suite) insert(t *testing.T, k link.Key, body string) string {
	t.Helper()
	etag, err := s.Insert(s.ctx, k, []byte(body))
	if err != nil || etag == "" {
		t.Fatalf("insert: ETag %q, error %v", etag, err)
	}
	return etag
}

func (s suite) mustHold(t *testing.T, k link.Key, want string) string {
	t.Helper()
	body, etag, err := s.Get(s.ctx, k)
	if err != nil || string(body) != want {
		t.Fatalf("the row holds %q (error %v), want %q", body, err, want)
	}
	return etag
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func roundTrip(t *testing.T, s suite) {
	k := s.key("A/1")
	_, _, err := s.Get(s.ctx, k)
	wantError(t, err, link.ErrNoRow)
	body := `{"key":"Grüße/\\#?'\u0000 \ud83d\ude00","ids":{"fno":"00042"},"until":"2026-07-01T16:53:19Z"}`
	inserted := s.insert(t, k, body)
	if etag := s.mustHold(t, k, body); etag != inserted {
		t.Errorf("ETag %q when read, %q when inserted", etag, inserted)
	}
}

func insertOnce(t *testing.T, s suite) {
	k := s.key("A")
	s.insert(t, k, "1")
	_, err := s.Insert(s.ctx, k, []byte("2"))
	wantError(t, err, link.ErrRowExists)
	s.mustHold(t, k, "1")
}

func replaceNeedsETag(t *testing.T, s suite) {
	k := s.key("A")
	first := s.insert(t, k, "1")
	second, err := s.Replace(s.ctx, k, first, []byte("2"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Replace(s.ctx, k, first, []byte("3"))
	wantError(t, err, link.ErrRowChanged)
	if etag := s.mustHold(t, k, "2"); etag != second {
		t.Errorf("ETag %q when read, %q when replaced", etag, second)
	}
	_, err = s.Replace(s.ctx, s.key("none"), second, []byte("4"))
	wantError(t, err, link.ErrRowChanged)
	_, _, err = s.Get(s.ctx, s.key("none"))
	wantError(t, err, link.ErrNoRow)
}

func fencing(t *testing.T, s suite) {
	k := s.key("A")
	etag := s.insert(t, k, "1")
	seen := map[string]bool{etag: true}
	for range 20 {
		var err error
		if etag, err = s.Replace(s.ctx, k, etag, []byte("1")); err != nil {
			t.Fatal(err)
		}
		if seen[etag] {
			t.Fatalf("ETag %q a second time", etag)
		}
		seen[etag] = true
	}
}

func deleteNeedsETag(t *testing.T, s suite) {
	k := s.key("A")
	first := s.insert(t, k, "1")
	second, err := s.Replace(s.ctx, k, first, []byte("2"))
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, s.Delete(s.ctx, k, first), link.ErrRowChanged)
	s.mustHold(t, k, "2")
	if err := s.Delete(s.ctx, k, second); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.Get(s.ctx, k)
	wantError(t, err, link.ErrNoRow)
	wantError(t, s.Delete(s.ctx, k, second), link.ErrRowChanged)
	s.insert(t, k, "3")
	wantError(t, s.Delete(s.ctx, k, second), link.ErrRowChanged)
	s.mustHold(t, k, "3")
}

// keysDiffer has what Table storage forbids or confuses in keys: each must be a row of its own.
func keysDiffer(t *testing.T, s suite) {
	long := strings.Repeat("x", 3000)
	ids := []string{"", "a", "A", "a/b", "a!2fb", "a%2Fb", `a\b`, "a#b", "a?b", "a:b", "a\tb", "a\x00b", "a\u0085b", "a'b", "a''b", "a b",
		" a", "a ", "é", "e\u0301", "😀", "a+b", "a&b", "a=b", ".", "..", long, long + "1", long + "2", "\xff", "$a", "a\nb"}
	keys := []link.Key{{Pair: s.pair + "/2", Kind: "k", ID: "a"}, {Pair: s.pair, Kind: "p", Side: "fno", ID: "a"}, {Pair: s.pair, Kind: "p", Side: "fno:a", ID: ""},
		{Pair: s.pair, Kind: "p", Side: "dataverse", ID: "a"}, {Pair: s.pair, Kind: "m", ID: "a"}}
	for _, id := range ids {
		keys = append(keys, s.key(id))
	}
	for i, k := range keys {
		s.insert(t, k, fmt.Sprint(i))
	}
	for i, k := range keys {
		s.mustHold(t, k, fmt.Sprint(i))
	}
}

const rivals = 8

// exclusive lets rivals race and returns how many got in.
func exclusive(t *testing.T, attempt func(i int) error, refusal error) int {
	var wins, others int
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range rivals {
		group.Go(func() {
			err := attempt(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				wins++
			} else if !errors.Is(err, refusal) {
				others++
				t.Errorf("error %v, want %v", err, refusal)
			}
		})
	}
	group.Wait()
	return wins
}

func swapsExclude(t *testing.T, s suite) {
	k := s.key("A")
	etag := s.insert(t, k, "0")
	wins := exclusive(t, func(i int) error {
		_, err := s.Replace(s.ctx, k, etag, []byte(fmt.Sprint(i)))
		return err
	}, link.ErrRowChanged)
	if wins != 1 {
		t.Errorf("%d swaps with one ETag got in", wins)
	}
}

func insertsExclude(t *testing.T, s suite) {
	k := s.key("A")
	wins := exclusive(t, func(i int) error {
		_, err := s.Insert(s.ctx, k, []byte(fmt.Sprint(i)))
		return err
	}, link.ErrRowExists)
	if wins != 1 {
		t.Errorf("%d inserts of one row got in", wins)
	}
}
