package link

import (
	"context"
	"errors"
	"time"
)

// Lookup returns the id that a record, known by its id on one side of a pair, has on the other side: what a reference to that
// record leads to there. It is [ErrNotFound] while the record isn't linked, or has been deleted.
func Lookup(ctx context.Context, store Store, pair, side, id, other string, deadline time.Duration) (string, error) {
	if deadline <= 0 {
		deadline = Defaults().ClientDeadline
	}
	t := table{store, pair, deadline}
	p, err := t.pointer(ctx, t.sideKey(side, id))
	if errors.Is(err, ErrNoRow) || err == nil && (p.Dead || p.Link == "") {
		return "", ErrNotFound
	}
	if err != nil {
		return "", err
	}
	var m mainRow
	if _, err := t.read(ctx, t.mainKey(p.Link), &m); errors.Is(err, ErrNoRow) {
		return "", ErrNotFound
	} else if err != nil {
		return "", err
	}
	// A pointer of a record that has moved on to another main isn't repaired here: its own flow does that.
	if found := m.IDs[other]; found != "" && sameKey(m.IDs[side], id) {
		return found, nil
	}
	return "", ErrNotFound
}
