package fault_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"crosswalk/shared/fault"
)

func TestTheKindSurvivesWrapping(t *testing.T) {
	err := fmt.Errorf("write: %w", fmt.Errorf("account: %w", &fault.Error{Kind: fault.Throttled, Err: io.EOF}))
	if got := fault.KindOf(err); got != fault.Throttled {
		t.Errorf("kind %s, want throttled", got)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestAnUnmarkedErrorIsTransient(t *testing.T) {
	if got := fault.KindOf(errors.New("x")); got != fault.Transient {
		t.Errorf("kind %s, want transient", got)
	}
	if got := fault.Of(errors.New("x")); got.Kind != fault.Transient || got.Reason != "unexpected" {
		t.Errorf("got %+v", got)
	}
	if fault.KindOf(nil) != fault.None || fault.Of(nil) != nil {
		t.Error("nil is no failure")
	}
}

func TestTheTextNamesReasonFieldAndFixButNeverTheCause(t *testing.T) {
	err := &fault.Error{Kind: fault.Permanent, Reason: "too-long", Field: "name (from InvoiceId)", Detail: "shorten it", Err: errors.New("secret Jane Doe")}
	if got, want := err.Error(), "too-long: name (from InvoiceId): shorten it"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if strings.Contains(fmt.Sprintf("%v", err), "Jane") {
		t.Error("the text quotes the cause")
	}
}
