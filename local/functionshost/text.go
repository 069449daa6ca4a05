package functionshost

import (
	"strings"
	"unicode/utf8"
)

// netText decodes UTF-8 as .NET does: each longest beginning of a character that breaks off becomes one U+FFFD, where Go
// gives one per byte.
func netText(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	var b strings.Builder
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			size = brokenLength(data)
		}
		b.WriteRune(r)
		data = data[size:]
	}
	return b.String()
}

// brokenLength is how many bytes of an invalid sequence are the beginning of a valid one, 1 at least.
func brokenLength(data []byte) int {
	lead, want := data[0], 0
	low, high := byte(0x80), byte(0xBF) // of the second byte
	switch {
	case lead >= 0xC2 && lead <= 0xDF:
		want = 2
	case lead >= 0xE0 && lead <= 0xEF:
		want = 3
	case lead >= 0xF0 && lead <= 0xF4:
		want = 4
	}
	switch lead {
	case 0xE0:
		low = 0xA0
	case 0xED:
		high = 0x9F
	case 0xF0:
		low = 0x90
	case 0xF4:
		high = 0x8F
	}
	n := 1
	for n < want && n < len(data) && data[n] >= low && data[n] <= high {
		low, high = 0x80, 0xBF
		n++
	}
	return n
}
