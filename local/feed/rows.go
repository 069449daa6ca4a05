package feed

import (
	"context"
	"encoding/json"
	"fmt"
)

// columnsAre compares columns of a row with exact JSON texts.
func columnsAre(what string, row []byte, want map[string]string) error {
	var got map[string]json.RawMessage
	if err := json.Unmarshal(row, &got); err != nil {
		return err
	}
	for column, text := range want {
		if string(got[column]) != text {
			return fmt.Errorf("%s: %s is %s, wanted %s", what, column, got[column], text)
		}
	}
	return nil
}

func invoiceHas(number, legalEntity string, want map[string]string) func(context.Context, *Feed) error {
	return func(_ context.Context, f *Feed) error {
		row, ok := f.Stack.Systems.Dataverse().Row("invoice", number, legalEntity)
		if !ok {
			return fmt.Errorf("no invoice %s of %s in Dataverse", number, legalEntity)
		}
		return columnsAre("invoice "+number, row.JSON, want)
	}
}

func invoiceWrites(number, legalEntity string, want int) func(context.Context, *Feed) error {
	return func(_ context.Context, f *Feed) error {
		if n := f.Stack.Systems.Dataverse().WriteCount("invoice", number, legalEntity); n != want {
			return fmt.Errorf("invoice %s was written %d times, wanted %d", number, n, want)
		}
		return nil
	}
}

func customerHas(account string, want map[string]string) func(context.Context, *Feed) error {
	return func(_ context.Context, f *Feed) error {
		row, ok := f.Stack.Systems.FnO().Row("CustomersV3", "usmf", account)
		if !ok {
			return fmt.Errorf("F&O has no customer %s", account)
		}
		return columnsAre("customer "+account, row.JSON, want)
	}
}

func customerAbsent(account string) func(context.Context, *Feed) error {
	return func(_ context.Context, f *Feed) error {
		if _, ok := f.Stack.Systems.FnO().Row("CustomersV3", "usmf", account); ok {
			return fmt.Errorf("F&O has a customer %s that should have been rejected", account)
		}
		return nil
	}
}

func customerWrites(account string, want int) func(context.Context, *Feed) error {
	return func(_ context.Context, f *Feed) error {
		if n := f.Stack.Systems.FnO().WriteCount("CustomersV3", "usmf", account); n != want {
			return fmt.Errorf("customer %s was written %d times, wanted %d", account, n, want)
		}
		return nil
	}
}
