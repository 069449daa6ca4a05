package outlet

import (
	"context"
	"errors"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
)

func TestADeadLinkIsReplacedOnceAndOtherFailuresAreNot(t *testing.T) {
	for _, c := range []struct {
		name          string
		fails         []error // of the uses in turn; then all succeed
		opened, calls int
		err           bool
	}{
		{"works", nil, 1, 1, false},
		{"right revoked and given back", []error{&azservicebus.Error{Code: azservicebus.CodeUnauthorizedAccess}}, 2, 2, false},
		{"right still revoked", []error{&azservicebus.Error{Code: azservicebus.CodeUnauthorizedAccess}, &azservicebus.Error{Code: azservicebus.CodeUnauthorizedAccess}}, 2, 2, true},
		{"link detached", []error{&amqp.LinkError{}}, 2, 2, false},
		{"connection lost, which the SDK mends", []error{&azservicebus.Error{Code: azservicebus.CodeConnectionLost}}, 1, 1, true},
		{"message refused", []error{azservicebus.ErrMessageTooLarge}, 1, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened, calls := 0, 0
			o := New(func() (*int, error) { opened++; return new(int), nil }, func(context.Context, *int) {})
			err := o.Use(t.Context(), func(*int) error {
				calls++
				if calls <= len(c.fails) {
					return c.fails[calls-1]
				}
				return nil
			})
			if opened != c.opened || calls != c.calls || (err != nil) != c.err {
				t.Errorf("opened %d, called %d times, error %v; wanted %d, %d, error %v", opened, calls, err, c.opened, c.calls, c.err)
			}
		})
	}
}

func TestOneLinkServesAllUses(t *testing.T) {
	opened, closed := 0, 0
	o := New(func() (*int, error) { opened++; return new(int), nil }, func(context.Context, *int) { closed++ })
	for range 3 {
		if err := o.Use(t.Context(), func(*int) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	o.Close(t.Context())
	o.Close(t.Context())
	if opened != 1 || closed != 1 {
		t.Errorf("opened %d, closed %d", opened, closed)
	}
	failing := New(func() (*int, error) { return nil, errors.New("no link") }, func(context.Context, *int) {})
	if err := failing.Use(t.Context(), func(*int) error { t.Error("called without a sender"); return nil }); err == nil {
		t.Error("no error without a sender")
	}
}
