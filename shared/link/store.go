package link

import (
	"context"
	"errors"
	"strconv"
	"sync"
)

// What a [Store] answers when a row isn't as the caller believed. Any other error means that it isn't known whether the
// operation took place.
var (
	// ErrNoRow says that the row doesn't exist.
	ErrNoRow = errors.New("link: no such row")
	// ErrRowExists says that the row to insert exists already.
	ErrRowExists = errors.New("link: row exists")
	// ErrRowChanged says that the row was changed or removed since its ETag was taken.
	ErrRowChanged = errors.New("link: row changed")
)

// Store holds rows that are only ever written by compare-and-swap. Reads are strongly consistent. Package linktest has the
// suite that every implementation passes.
type Store interface {
	// Get returns a row's body and its ETag, or [ErrNoRow].
	Get(ctx context.Context, key Key) (body []byte, etag string, err error)
	// Insert adds a row and returns its ETag, or [ErrRowExists].
	Insert(ctx context.Context, key Key, body []byte) (etag string, err error)
	// Replace swaps a row's body and returns its new ETag, which differs from the old one even when the body doesn't.
	// It returns [ErrRowChanged] when the row has another ETag or is gone.
	Replace(ctx context.Context, key Key, etag string, body []byte) (newETag string, err error)
	// Delete removes a row, or returns [ErrRowChanged] when it has another ETag or is gone.
	Delete(ctx context.Context, key Key, etag string) error
}

// Memory is a [Store] in memory, for tests. Its zero value isn't usable: see [NewMemory].
type Memory struct {
	mu   sync.Mutex
	rows map[[2]string]memoryRow
	last uint64
}

type memoryRow struct {
	key  Key
	etag string
	body []byte
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{rows: map[[2]string]memoryRow{}} }

func place(k Key) [2]string {
	partition, row := k.Table()
	return [2]string{partition, row}
}

func (m *Memory) put(k Key, body []byte) string {
	m.last++
	etag := strconv.FormatUint(m.last, 10)
	m.rows[place(k)] = memoryRow{k, etag, append([]byte(nil), body...)}
	return etag
}

// Get implements [Store].
func (m *Memory) Get(_ context.Context, k Key) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[place(k)]
	if !ok {
		return nil, "", ErrNoRow
	}
	return append([]byte(nil), row.body...), row.etag, nil
}

// Insert implements [Store].
func (m *Memory) Insert(_ context.Context, k Key, body []byte) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.rows[place(k)]; ok {
		return "", ErrRowExists
	}
	return m.put(k, body), nil
}

// Replace implements [Store].
func (m *Memory) Replace(_ context.Context, k Key, etag string, body []byte) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[place(k)].etag != etag || etag == "" {
		return "", ErrRowChanged
	}
	return m.put(k, body), nil
}

// Delete implements [Store].
func (m *Memory) Delete(_ context.Context, k Key, etag string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[place(k)].etag != etag || etag == "" {
		return ErrRowChanged
	}
	delete(m.rows, place(k))
	return nil
}

// Rows returns every row's body by its key, for assertions.
func (m *Memory) Rows() map[Key]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make(map[Key]string, len(m.rows))
	for _, row := range m.rows {
		rows[row.key] = string(row.body)
	}
	return rows
}
