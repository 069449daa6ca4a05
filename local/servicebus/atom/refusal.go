package atom

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

// refusal is an answer that isn't a success. Its text is what clients look at.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

func refuse(code int, format string, args ...any) error {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// refusalOf says how an error is answered.
func refusalOf(err error) *refusal {
	var told *refusal
	switch {
	case errors.As(err, &told):
		return told
	case errors.Is(err, access.ErrExpired), errors.Is(err, access.ErrSignature), errors.Is(err, access.ErrMalformed):
		return &refusal{http.StatusUnauthorized, err.Error()}
	case errors.Is(err, broker.ErrNotFound):
		return &refusal{http.StatusNotFound, "SubCode=40400. Not Found. " + err.Error()}
	case errors.Is(err, broker.ErrExists):
		return &refusal{http.StatusConflict, "SubCode=40900. Conflict. " + err.Error()}
	case errors.Is(err, broker.ErrInvalid), errors.Is(err, broker.ErrNotAllowed), errors.Is(err, broker.ErrNotImplemented):
		return &refusal{http.StatusBadRequest, "SubCode=40000. Bad Request. " + err.Error()}
	}
	return &refusal{http.StatusInternalServerError, "SubCode=50000. " + err.Error()}
}

var marks = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (r *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(r.code)
	// Marks of quotation stay as they are: clients look for the text with them.
	_, _ = fmt.Fprintf(w, "<Error><Code>%d</Code><Detail>%s</Detail></Error>", r.code, marks.Replace(r.text))
}
