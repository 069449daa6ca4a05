package feed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/shared/telemetry"
)

// Names of functions, as the topology has them.
const (
	receiveFnO       = "receive-fno-event"
	receiveDataverse = "receive-dataverse-event"
	invoiceFlow      = "invoice-to-dataverse"
	accountFlow      = "account-to-fno"
	customerFlow     = "customer-to-dataverse"
)

func delivered(function, why string) []Want {
	return []Want{{Function: function, Outcome: telemetry.Delivered, Why: why}}
}

func nothing(function, why string) []Want {
	return []Want{{Function: function, Outcome: telemetry.NothingToDo, Why: why}}
}

func rejected(function, reason, field string) []Want {
	return []Want{{Function: function, Outcome: telemetry.DeadLettered, Reason: reason, Field: field}}
}

// Cases returns all cases, in the order of the README's table.
func Cases() []Case {
	var out []Case
	for _, group := range [][]Case{unreadable(), badValues(), sizes(), order(), bothWays(), webhooks(), targets(), outages()} {
		out = append(out, group...)
	}
	return out
}

// raw is a case whose body the receive function can't read. The message id stands for the event's.
func raw(name, id, reason, field string, body []byte) Case {
	return Case{
		Name: name, InRun: true, Wants: rejected(receiveFnO, reason, field), Row: "none",
		Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
			return []string{id}, 0, f.send(ctx, "fno-events", id, body)
		},
	}
}

func unreadable() []Case {
	good := string(invoice{EventID: "00000000-BAD0-4000-8000-000000000001", InvoiceID: "BAD-1"}.JSON())
	return []Case{
		raw("malformed JSON", "bad-malformed", "malformed-json", "/EventTime", []byte(good[:200])),
		raw("invalid UTF-8", "bad-utf8", "invalid-utf8", "/SalesOrderId", []byte(strings.Replace(good, `"000812"`, "\"\xff\xfe\"", 1))),
		raw("a key twice", "bad-duplicate-key", "duplicate-key", "/InvoiceId", []byte(strings.Replace(good, `"MajorVersion":0`, `"InvoiceId":"OTHER"`, 1))),
		raw("a nested bomb", "bad-nested", "too-deep", "", []byte(strings.Repeat(`{"a":`, 30000)+"1"+strings.Repeat("}", 30000))),
		{
			Name: "an unknown event", InRun: true, Wants: nothing(Unrouted, Unrouted), Row: "none; the event waits in subscription `unrouted`",
			Send: sendEvent([]byte(strings.Replace(string(freeTextInvoice(1<<20)), guid(burstKind, 1<<20), "00000000-B100-4000-8000-000000000001", 1))),
		},
		{
			Name: "F&O's test event", InRun: true, Wants: nothing(receiveFnO, "test-event"), Row: "none",
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				return []string{"test-endpoint"}, 0, f.send(ctx, "fno-events", "test-endpoint", []byte(`{"BusinessEventId":"BusinessEventsTestEndpointContract",`+
					`"ControlNumber":-9223372036854775808,"EventId":"D8F1A2B3-C4D5-4E6F-8091-A2B3C4D5E6F7","EventTime":"/Date(-2208988800000)/","MajorVersion":0,"MinorVersion":0}`))
			},
		},
	}
}

// sendEvent sends an F&O event that can be read.
func sendEvent(body []byte) func(context.Context, *Feed) ([]string, int, error) {
	return func(ctx context.Context, f *Feed) ([]string, int, error) {
		return []string{idOf(body)}, 0, f.send(ctx, "fno-events", "", body)
	}
}

// posted is a case with one invoice event.
func posted(name string, i invoice, wants []Want, row string, then func(context.Context, *Feed) error) Case {
	return Case{Name: name, InRun: true, Wants: wants, Row: row, Send: sendEvent(i.JSON()), Then: then}
}

func badValues() []Case {
	return []Case{
		posted("an id above 2^53", invoice{EventID: "00000000-B000-4000-8000-000000000001", InvoiceID: "BIG-1", Control: "9007199254740993"},
			delivered(invoiceFlow, "created"), "`cw_controlnumber` = 9007199254740993, to the last digit",
			invoiceHas("BIG-1", "usmf", map[string]string{"cw_controlnumber": `"9007199254740993"`})),
		posted("an amount with 18 digits", invoice{EventID: "00000000-B000-4000-8000-000000000002", InvoiceID: "BIG-2", Amount: "-90071992547409.9301"},
			delivered(invoiceFlow, "created"), "`totalamount` = -90071992547409.9301, to the last digit",
			invoiceHas("BIG-2", "usmf", map[string]string{"totalamount": "-90071992547409.9301"})),
		posted("a blank required field", invoice{EventID: "00000000-B000-4000-8000-000000000003", InvoiceID: ""},
			rejected(invoiceFlow, "blank-required", "invoicenumber (from InvoiceId)"), "none", nil),
		posted("a value too long", invoice{EventID: "00000000-B000-4000-8000-000000000004", InvoiceID: strings.Repeat("9", 101)},
			rejected(invoiceFlow, "too-long", "invoicenumber (from InvoiceId)"), "none", nil),
		account("an unknown option", accountRow{Number: "OPT-1", Terms: 2}, 1, rejected(accountFlow, "unknown-option", "PaymentTerms (from paymenttermscode)"),
			"none", customerAbsent("OPT-1")),
	}
}

func sizes() []Case {
	return []Case{
		posted("a body of 240 KB", invoice{EventID: "00000000-5000-4000-8000-000000000001", InvoiceID: "SIZE-1", Subjects: 240 << 10},
			delivered(invoiceFlow, "created"), "the invoice; the body went through a blob (claim check)", invoiceHas("SIZE-1", "usmf", nil)),
		{
			Name: "a body that the broker refuses as too large", InRun: true, Row: "none; the sender gets `amqp:link:message-size-exceeded`",
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				tooLarge := f.Stack.Broker.Broker().MessageLimit("fno-events") // the body alone is as large as a message may be
				err := f.send(ctx, "fno-events", "too-large", invoice{EventID: "00000000-5000-4000-8000-000000000002", InvoiceID: "SIZE-2", Subjects: tooLarge}.JSON())
				if !errors.Is(err, azservicebus.ErrMessageTooLarge) {
					return nil, 0, fmt.Errorf("the sender was not told that its message is too large: %v", err)
				}
				return nil, 0, nil
			},
		},
	}
}

func order() []Case {
	twice := invoice{EventID: "00000000-0000-4000-8000-0000000000D1", InvoiceID: "TWICE-1"}
	newer := invoice{EventID: "00000000-0000-4000-8000-0000000000E2", InvoiceID: "LATE-1", Amount: "200", Time: firstOfJuly.Add(time.Hour)}
	older := invoice{EventID: "00000000-0000-4000-8000-0000000000E1", InvoiceID: "LATE-1", Amount: "100", Time: firstOfJuly}
	return []Case{
		{
			Name: "the same event twice", InRun: true, Wants: delivered(invoiceFlow, "created"), Row: "one invoice, written once",
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				return []string{idOf(twice.JSON())}, 0, errors.Join(f.send(ctx, "fno-events", "", twice.JSON()), f.send(ctx, "fno-events", "", twice.JSON()))
			},
			Then: invoiceWrites("TWICE-1", "usmf", 1),
		},
		{
			Name: "an older event after a newer one", InRun: true, Row: "the newer amount",
			Wants: append(delivered(invoiceFlow, "created"), nothing(invoiceFlow, "late")...),
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				sent := []string{idOf(newer.JSON()), idOf(older.JSON())}
				if err := f.send(ctx, "fno-events", "", newer.JSON()); err != nil {
					return sent, 0, err
				}
				f.await(ctx, Pair{sent[0], invoiceFlow}, nil, Want{})
				return sent, 0, f.send(ctx, "fno-events", "", older.JSON())
			},
			Then: invoiceHas("LATE-1", "usmf", map[string]string{"totalamount": "200"}),
		},
		{
			Name: "two partial updates of one row in the wrong order", InRun: true, Row: "what the row says now, written once",
			Wants: append(delivered(accountFlow, "created"), nothing(accountFlow, "unchanged")...),
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				row := accountRow{Number: "ORDER-1", Name: "First name", Limit: "10"}
				if err := f.putAccount(ctx, row); err != nil {
					return nil, 0, err
				}
				row.Name, row.Limit = "Last name", "20.25"
				if err := f.putAccount(ctx, row); err != nil {
					return nil, 0, err
				}
				second := change{Message: "Update", AccountID: row.id(), Operation: 12, Time: firstOfJuly.Add(time.Minute)}.JSON()
				first := change{Message: "Update", AccountID: row.id(), Operation: 11}.JSON()
				sent := []string{idOf(second), idOf(first)}
				if err := f.send(ctx, "dataverse-events", "", second); err != nil {
					return sent, 0, err
				}
				f.await(ctx, Pair{sent[0], accountFlow}, nil, Want{})
				return sent, 0, f.send(ctx, "dataverse-events", "", first)
			},
			Then: customerHas("ORDER-1", map[string]string{"OrganizationName": `"Last name"`, "CreditLimit": "20.25"}),
		},
	}
}

func webhooks() []Case {
	post := func(key func(*Feed) string, header http.Header, body []byte, ids ...string) func(context.Context, *Feed) ([]string, int, error) {
		return func(ctx context.Context, f *Feed) ([]string, int, error) {
			status, err := f.webhook(ctx, key(f), header, body)
			return ids, status, err
		}
	}
	right := func(f *Feed) string { return f.WebhookKey() }
	hook := func(name string, row accountRow, operation int, header http.Header, c change) Case {
		c.Message, c.AccountID, c.Operation = "Update", row.id(), operation
		return Case{
			Name: name, InRun: true, Status: 200, Wants: delivered(accountFlow, "created"), Row: "the customer, from the row that the flow reads",
			Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
				if err := f.putAccount(ctx, row); err != nil {
					return nil, 0, err
				}
				return post(right, header, c.JSON(), idOf(c.JSON()))(ctx, f)
			},
			Then: customerHas(row.Number, nil),
		}
	}
	return []Case{
		{Name: "a webhook with a wrong key", InRun: true, Status: 401, Row: "none", Send: post(func(*Feed) string { return "wrong" }, nil, []byte("{}"))},
		{Name: "a webhook with no key", InRun: true, Status: 401, Row: "none", Send: post(func(*Feed) string { return "" }, nil, []byte("{}"))},
		{
			Name: "a webhook with an unreadable body", InRun: true, Status: 200, Row: "none; the raw body is kept in the dead letter",
			Wants: rejected(receiveDataverse, "malformed-json", "/MessageName"), Send: post(right, nil, []byte(`{"MessageName":"Upd`), ""),
		},
		hook("a webhook with a 1 MB body", accountRow{Number: "HOOK-1"}, 21, nil, change{Padding: 1 << 20}),
		hook("a webhook with the size-exceeded header", accountRow{Number: "HOOK-2"}, 22, http.Header{"X-Ms-Dynamics-Msg-Size-Exceeded": {""}}, change{Stripped: true}),
	}
}
