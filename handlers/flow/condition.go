package flow

import (
	"errors"

	"crosswalk/shared/dataverse"
	"crosswalk/shared/finops"
	"crosswalk/shared/link"
)

// condition is a client's error that the link must recognise: it is both.
type condition struct{ meaning, cause error }

func (c condition) Error() string   { return c.cause.Error() }
func (c condition) Unwrap() []error { return []error{c.cause, c.meaning} }

// asCondition marks the conditions of a client's error in the link's words.
func asCondition(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, dataverse.ErrNotFound), errors.Is(err, finops.ErrNotFound):
		return condition{link.ErrNotFound, err}
	case errors.Is(err, dataverse.ErrExists), errors.Is(err, finops.ErrExists):
		return condition{link.ErrExists, err}
	case errors.Is(err, dataverse.ErrStale):
		return condition{link.ErrStale, err}
	}
	return err
}
