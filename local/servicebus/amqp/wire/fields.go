package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// listWriter appends a described list field by field; nulls at the end are left away.
type listWriter struct {
	buf         []byte
	start       int // of the list's size
	count, kept uint32
	end         int // after the last field that isn't null
	err         error
}

func beginList(dst []byte, descriptor uint64) *listWriter {
	dst = append(appendUint64(append(dst, codeDescribed), descriptor), codeList32)
	w := &listWriter{buf: append(dst, 0, 0, 0, 0, 0, 0, 0, 0), start: len(dst)}
	w.end = len(w.buf)
	return w
}

func (w *listWriter) finish() ([]byte, error) {
	w.buf = w.buf[:w.end]
	binary.BigEndian.PutUint32(w.buf[w.start:], uint32(w.end-w.start-4))
	binary.BigEndian.PutUint32(w.buf[w.start+4:], w.kept)
	return w.buf, w.err
}

func (w *listWriter) null() {
	w.buf = append(w.buf, codeNull)
	w.count++
}

// wrote counts a field that was just appended.
func (w *listWriter) wrote() {
	w.count++
	w.kept, w.end = w.count, len(w.buf)
}

func (w *listWriter) value(v any) {
	if v == nil {
		w.null()
		return
	}
	buf, err := Append(w.buf, v)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.buf = buf
	w.wrote()
}

func (w *listWriter) uint32(v uint32) {
	w.buf = appendUint32(w.buf, v)
	w.wrote()
}

func (w *listWriter) uint32Ptr(v *uint32) {
	if v == nil {
		w.null()
		return
	}
	w.uint32(*v)
}

func (w *listWriter) uint64(v uint64) {
	w.buf = appendUint64(w.buf, v)
	w.wrote()
}

func (w *listWriter) uint8Ptr(v *uint8) {
	if v == nil {
		w.null()
		return
	}
	w.buf = append(w.buf, codeUbyte, *v)
	w.wrote()
}

func (w *listWriter) uint16(v uint16) {
	w.buf = binary.BigEndian.AppendUint16(append(w.buf, codeUshort), v)
	w.wrote()
}

// flag writes a boolean whose default is false.
func (w *listWriter) flag(v bool) {
	if !v {
		w.null()
		return
	}
	w.buf = append(w.buf, codeTrue)
	w.wrote()
}

func (w *listWriter) bool(v bool) {
	w.buf, _ = Append(w.buf, v)
	w.wrote()
}

func (w *listWriter) binary(v []byte) {
	if v == nil {
		w.null()
		return
	}
	w.buf = appendBinary(w.buf, v)
	w.wrote()
}

func (w *listWriter) string(v string) {
	w.buf = appendString(w.buf, v)
	w.wrote()
}

func (w *listWriter) stringPtr(v *string) {
	if v == nil {
		w.null()
		return
	}
	w.string(*v)
}

func (w *listWriter) symbolPtr(v *Symbol) {
	if v == nil {
		w.null()
		return
	}
	w.buf = appendSymbol(w.buf, *v)
	w.wrote()
}

func (w *listWriter) timePtr(v *time.Time) {
	if v == nil {
		w.null()
		return
	}
	w.value(*v)
}

func (w *listWriter) mapping(v Map) {
	if len(v) == 0 {
		w.null()
		return
	}
	w.value(v)
}

func (w *listWriter) symbols(v []Symbol) {
	if len(v) == 0 {
		w.null()
		return
	}
	w.value(Symbols(v...))
}

// nested writes a described list as a field, null for one that isn't there.
func (w *listWriter) nested(present bool, appendTo func([]byte) ([]byte, error)) {
	if !present {
		w.null()
		return
	}
	buf, err := appendTo(w.buf)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.buf = buf
	w.wrote()
}

// fieldReader reads the fields of a described list in order. A field that is missing at the end reads as null; the
// first error stays and everything after it reads as null.
type fieldReader struct {
	r    *reader
	left int
	name string
	err  error
}

// openDescribed reads a descriptor, which must be a number or a name this package knows.
func openDescribed(r *reader) (uint64, error) {
	code, err := r.code()
	if err != nil {
		return 0, err
	}
	if code != codeDescribed {
		return 0, errors.New("amqp: a described value is missing")
	}
	v, err := r.value(1)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case uint64:
		return v, nil
	case Symbol:
		if d, ok := descriptorNames[v]; ok {
			return d, nil
		}
	}
	return 0, errors.New("amqp: unknown descriptor")
}

// openList reads the head of a list and returns a reader of its fields. r stands behind the list afterwards.
func openList(r *reader, name string) (*fieldReader, error) {
	code, err := r.code()
	if err != nil {
		return nil, err
	}
	switch code {
	case codeList0:
		return &fieldReader{r: &reader{}, name: name}, nil
	case codeList8, codeList32:
		inner, count, err := r.nested(code == codeList8, 1)
		if err != nil {
			return nil, err
		}
		if count > len(inner.buf) {
			return nil, errCount
		}
		return &fieldReader{r: inner, left: count, name: name}, nil
	}
	return nil, fmt.Errorf("amqp: %s is no list", name)
}

func (f *fieldReader) fail(field string, err error) {
	if f.err == nil {
		f.err = fmt.Errorf("amqp: %s.%s: %w", f.name, field, err)
	}
}

var (
	errMissing = errors.New("mandatory field missing")
	errType    = errors.New("wrong type")
)

func (f *fieldReader) value(field string) any {
	if f.err != nil || f.left == 0 {
		return nil
	}
	f.left--
	v, err := f.r.value(2)
	if err != nil {
		f.fail(field, err)
	}
	return v
}

// skip passes over a field that nobody needs.
func (f *fieldReader) skip(field string) { f.value(field) }

// present reports whether the next field is there and not null; it passes over a null.
func (f *fieldReader) present() bool {
	if f.err != nil || f.left == 0 {
		return false
	}
	if len(f.r.buf) > 0 && f.r.buf[0] == codeNull {
		f.r.buf = f.r.buf[1:]
		f.left--
		return false
	}
	return true
}

func optional[T any](f *fieldReader, field string) *T {
	v := f.value(field)
	if v == nil {
		return nil
	}
	t, ok := v.(T)
	if !ok {
		f.fail(field, errType)
		return nil
	}
	return &t
}

func (f *fieldReader) mandatoryUint32(field string) uint32 {
	p := optional[uint32](f, field)
	if p == nil {
		f.fail(field, errMissing)
		return 0
	}
	return *p
}

// or returns the field's value, or the default where it's null.
func or[T any](f *fieldReader, field string, otherwise T) T {
	if p := optional[T](f, field); p != nil {
		return *p
	}
	return otherwise
}

func (f *fieldReader) mapping(field string) Map { return or[Map](f, field, nil) }

// symbols reads a field that may hold one symbol or an array of them.
func (f *fieldReader) symbols(field string) []Symbol {
	var out []Symbol
	for _, v := range Items(f.value(field)) {
		s, ok := v.(Symbol)
		if !ok {
			f.fail(field, errType)
			return nil
		}
		out = append(out, s)
	}
	return out
}

// text reads a symbol where some clients write a string.
func (f *fieldReader) text(field string) *Symbol {
	v := f.value(field)
	if v == nil {
		return nil
	}
	s, ok := Text(v)
	if !ok {
		f.fail(field, errType)
	}
	sym := Symbol(s)
	return &sym
}
