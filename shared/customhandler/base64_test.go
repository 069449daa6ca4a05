package customhandler

import (
	"bytes"
	"encoding/base64"
	"testing"

	"pgregory.net/rapid"
)

// A body is what encoding/base64 makes of it, and where that refuses it or skips a line break, there is none. Nothing is written
// outside the body's place.
func TestBodiesAreDecodedAsTheStandardLibraryDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(base64.StdEncoding.EncodeToString(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "body")))
		if len(text) > 0 && rapid.Bool().Draw(t, "damaged") {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[at] = rapid.SampledFrom([]byte("A/+=-_\n\r\x00\x80\xff")).Draw(t, "byte")
			text = text[:rapid.IntRange(at+1, len(text)).Draw(t, "length")]
		}
		want, err := base64.StdEncoding.Strict().DecodeString(string(text))
		wanted := err == nil && !bytes.ContainsAny(text, "\r\n")
		place := bytes.Repeat([]byte{0xA5}, 2+base64.StdEncoding.DecodedLen(len(text))+64)
		got, ok := appendBody(place[:2:len(place)], text)
		if ok != wanted || ok && !bytes.Equal(got[2:], want) {
			t.Fatalf("%q: %x %t, want %x %t", text, got[2:], ok, want, wanted)
		}
		if behind := place[len(place)-64:]; !bytes.Equal(place[:2], []byte{0xA5, 0xA5}) || bytes.Count(behind, []byte{0xA5}) != len(behind) {
			t.Fatalf("%q: written outside its place: %x", text, place)
		}
	})
}
