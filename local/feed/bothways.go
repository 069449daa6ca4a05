package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"crosswalk/shared/schema"
)

// bothWays are cases in which two flows carry one record in opposite directions: each system tells of what the other's flow has
// written, and that must come to rest.
func bothWays() []Case {
	row := accountRow{Number: "ROUND-1", Name: "Sales' name", Limit: "100"}
	return []Case{
		{
			Name: "a customer that changes in both systems, and each flow's echo in the other", InRun: true,
			Wants: []Want{
				delivered(accountFlow, "created")[0], nothing(customerFlow, "unchanged")[0],
				delivered(customerFlow, "updated")[0], nothing(accountFlow, "unchanged")[0],
				delivered(accountFlow, "updated")[0], nothing(customerFlow, "unchanged")[0],
			},
			Row:  "sales' name and finance's limit in both; each system written once for each change of the other",
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) { return f.goRound(ctx, row) },
			Then: func(ctx context.Context, f *Feed) error { return f.atRest(row) },
		},
		{
			Name: "a customer that finance enters first, and the echo of its account", InRun: true,
			Wants: []Want{delivered(customerFlow, "created")[0], nothing(accountFlow, "unchanged")[0]},
			Row:   "one account and one customer, which keeps finance's customer group",
			Send:  financeFirst("ROUND-2"),
			Then:  customerHas("ROUND-2", map[string]string{"CustomerGroupId": `"20"`, "OrganizationName": `"Finance's name"`}),
		},
		{
			Name: "F&O tells of a customer by its GUID alone", InRun: true, Wants: rejected(customerFlow, "bad-value", "subject"), Row: "none",
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				customers := *f.customers()
				customers.PrimaryKey = nil // neither Target nor PreImage holds the key
				body := dataEvent{Entity: &customers, Message: "OnExternalUpdated", Time: firstOfJuly.Add(5 * time.Hour)}.JSON()
				return []string{idOf(body)}, 0, f.send(ctx, "dataverse-events", "", body)
			},
		},
		{
			Name: "a data event of an entity that no flow asks for", InRun: true, Wants: nothing(Unrouted, Unrouted), Row: "none; the event waits in subscription `unrouted`",
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				body := dataEvent{Entity: &schema.Entity{VirtualTable: "mserp_ledgerjournalheaderentity"}, Message: "OnExternalCreated", Time: firstOfJuly.Add(6 * time.Hour)}.JSON()
				return []string{idOf(body)}, 0, f.send(ctx, "dataverse-events", "", body)
			},
		},
	}
}

func (f *Feed) customers() *schema.Entity {
	e, _ := schema.Lookup(schema.FnO, "CustomersV3")
	return e
}

// told sends what F&O tells of a customer of usmf, the n-th time, and waits for its end.
func (f *Feed) told(ctx context.Context, account string, n int) (string, error) {
	body := dataEvent{Entity: f.customers(), Key: []string{"usmf", account}, Message: "OnExternalUpdated", Time: firstOfJuly.Add(time.Duration(n) * time.Minute)}.JSON()
	if err := f.send(ctx, "dataverse-events", "", body); err != nil {
		return "", err
	}
	f.await(ctx, Pair{idOf(body), customerFlow}, nil, Want{})
	return idOf(body), nil
}

// changed sends what Dataverse tells of an account, the n-th time, and waits for its end.
func (f *Feed) changed(ctx context.Context, id string, n int) (string, error) {
	body := change{Message: "Update", AccountID: id, Operation: 60 + n, Time: firstOfJuly.Add(time.Duration(n) * time.Minute)}.JSON()
	if err := f.send(ctx, "dataverse-events", "", body); err != nil {
		return "", err
	}
	f.await(ctx, Pair{idOf(body), accountFlow}, nil, Want{})
	return idOf(body), nil
}

// goRound enters an account, raises its limit in F&O and renames it in Dataverse. After each change both systems tell of it,
// the one that was changed and the one that a flow then wrote.
func (f *Feed) goRound(ctx context.Context, row accountRow) (sent []string, status int, err error) {
	tell := func(tell ...func(n int) (string, error)) {
		for _, t := range tell {
			if err != nil {
				return
			}
			var id string
			if id, err = t(len(sent)); err == nil {
				sent = append(sent, id)
			}
		}
	}
	dataverse := func(n int) (string, error) { return f.changed(ctx, row.id(), n) }
	fno := func(n int) (string, error) { return f.told(ctx, row.Number, n) }
	if err = f.putAccount(ctx, row); err != nil {
		return nil, 0, err
	}
	tell(dataverse, fno)
	key := map[string]json.RawMessage{"dataAreaId": []byte(`"usmf"`), "CustomerAccount": []byte(quote(row.Number))}
	if err == nil {
		key["CreditLimit"] = []byte("7500.5")
		_, err = f.putFnO(f.customers(), key)
	}
	tell(fno, dataverse)
	if err == nil {
		err = f.PutAccount(ctx, row.id(), map[string]any{"name": "Sales' new name"})
	}
	tell(dataverse, fno)
	return sent, 0, err
}

// atRest looks at the two rows after goRound, and at how often each was written: a flow that answered its own echo would have
// written once more.
func (f *Feed) atRest(row accountRow) error {
	account, ok := f.Stack.Systems.Dataverse().Row("account", row.Number)
	if !ok {
		return fmt.Errorf("no account %s", row.Number)
	}
	customer, ok := f.Stack.Systems.FnO().Row("CustomersV3", "usmf", row.Number)
	if !ok {
		return fmt.Errorf("no customer %s", row.Number)
	}
	if err := columnsAre("account "+row.Number, account.JSON, map[string]string{"name": `"Sales' new name"`, "creditlimit": "7500.5"}); err != nil {
		return err
	}
	if err := columnsAre("customer "+row.Number, customer.JSON, map[string]string{"OrganizationName": `"Sales' new name"`, "CreditLimit": "7500.5"}); err != nil {
		return err
	}
	// Two by a person and one by a flow in each: the account's entry, its name and the limit; the customer's create, its name
	// and the limit.
	if account.Writes != 3 || customer.Writes != 3 {
		return fmt.Errorf("the account was written %d times and the customer %d times, wanted 3 each", account.Writes, customer.Writes)
	}
	return nil
}

// financeFirst enters a customer in F&O; then both systems tell of it.
func financeFirst(number string) func(context.Context, *Feed) ([]string, int, error) {
	return func(ctx context.Context, f *Feed) ([]string, int, error) {
		_, err := f.putFnO(f.customers(), map[string]json.RawMessage{
			"dataAreaId": []byte(`"usmf"`), "CustomerAccount": []byte(quote(number)), "OrganizationName": []byte(`"Finance's name"`), "CustomerGroupId": []byte(`"20"`),
		})
		if err != nil {
			return nil, 0, err
		}
		first, err := f.told(ctx, number, 30)
		if err != nil {
			return nil, 0, err
		}
		account, ok := f.Stack.Systems.Dataverse().Row("account", number)
		if !ok {
			return nil, 0, fmt.Errorf("finance's customer %s has no account", number)
		}
		second, err := f.changed(ctx, account.Key, 31)
		return []string{first, second}, 0, err
	}
}
