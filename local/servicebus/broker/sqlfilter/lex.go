package sqlfilter

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	end       tokenKind = iota
	word                // a bare name or keyword
	name                // [name] or "name"
	text                // 'text'
	integer             // 12
	floating            // 1.5, 1e3
	parameter           // @name
	symbol              // an operator or punctuation mark
)

// lexeme is a token: its kind, where it starts (bytes), and its text without quotes. Keywords and symbols are
// compared by upper, which is empty for all others.
type lexeme struct {
	kind  tokenKind
	at    int
	text  string
	upper string
}

// lexer cuts a filter into lexemes, one at a time.
type lexer struct {
	input string
	pos   int
}

func (l *lexer) fail(at int, format string, args ...any) error {
	return fmt.Errorf("%w: character %d: %s", ErrSyntax, utf8.RuneCountInString(l.input[:at])+1, fmt.Sprintf(format, args...))
}

func (l *lexer) next() (lexeme, error) {
	for l.pos < len(l.input) {
		r, size := utf8.DecodeRuneInString(l.input[l.pos:])
		if !unicode.IsSpace(r) {
			break
		}
		l.pos += size
	}
	at := l.pos
	if at == len(l.input) {
		return lexeme{kind: end, at: at}, nil
	}
	r, _ := utf8.DecodeRuneInString(l.input[at:])
	switch {
	case r == '\'':
		s, err := l.quoted('\'')
		return lexeme{kind: text, at: at, text: s}, err
	case r == '"':
		s, err := l.quoted('"')
		return lexeme{kind: name, at: at, text: s}, err
	case r == '[':
		s, err := l.quoted(']')
		return lexeme{kind: name, at: at, text: s}, err
	case isDigit(r), r == '.' && at+1 < len(l.input) && isDigit(rune(l.input[at+1])):
		return l.number()
	case r == '@':
		s := l.run(at + 1)
		if s == "" {
			return lexeme{}, l.fail(at, "a parameter has a name")
		}
		return lexeme{kind: parameter, at: at, text: "@" + s}, nil
	case unicode.IsLetter(r):
		s := l.run(at)
		return lexeme{kind: word, at: at, text: s, upper: strings.ToUpper(s)}, nil
	}
	for _, s := range []string{"<>", "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", ",", ".", ";"} {
		if strings.HasPrefix(l.input[at:], s) {
			l.pos += len(s)
			return lexeme{kind: symbol, at: at, text: s, upper: s}, nil
		}
	}
	return lexeme{}, l.fail(at, "unexpected %q", r)
}

// run reads letters, digits and underscores.
func (l *lexer) run(at int) string {
	l.pos = at + strings.IndexFunc(l.input[at:]+" ", func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return l.input[at:l.pos]
}

// quoted reads what stands between the mark at pos and the closing one; two closing marks stand for one.
func (l *lexer) quoted(closing byte) (string, error) {
	at := l.pos
	var b strings.Builder
	for i := at + 1; i < len(l.input); i++ {
		if l.input[i] != closing {
			b.WriteByte(l.input[i])
			continue
		}
		if i+1 < len(l.input) && l.input[i+1] == closing {
			b.WriteByte(closing)
			i++
			continue
		}
		l.pos = i + 1
		return b.String(), nil
	}
	return "", l.fail(at, "%q has no end", l.input[at])
}

func (l *lexer) number() (lexeme, error) {
	at, kind := l.pos, integer
	digits := func() {
		for l.pos < len(l.input) && isDigit(rune(l.input[l.pos])) {
			l.pos++
		}
	}
	digits()
	if l.pos < len(l.input) && l.input[l.pos] == '.' {
		kind = floating
		l.pos++
		digits()
	}
	if l.pos < len(l.input) && (l.input[l.pos] == 'e' || l.input[l.pos] == 'E') {
		kind = floating
		l.pos++
		if l.pos < len(l.input) && (l.input[l.pos] == '+' || l.input[l.pos] == '-') {
			l.pos++
		}
		digits()
	}
	if r, _ := utf8.DecodeRuneInString(l.input[l.pos:]); l.pos < len(l.input) && (r == '_' || unicode.IsLetter(r)) {
		return lexeme{}, l.fail(at, "a number followed by a letter")
	}
	return lexeme{kind: kind, at: at, text: l.input[at:l.pos]}, nil
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
