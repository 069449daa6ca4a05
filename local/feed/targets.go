package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"crosswalk/local/systems/traffic"
	"crosswalk/shared/telemetry"
)

// accountRow is an account that a person writes in Dataverse.
type accountRow struct {
	Number, Name, Limit string
	Terms               int // paymenttermscode
}

// id is made of the number, so that cases don't have to remember it.
func (r accountRow) id() string {
	n := 0
	for _, c := range r.Number {
		n = n*31 + int(c)
	}
	return guid(0xac, n&0xffffffffff)
}

func (f *Feed) putAccount(ctx context.Context, r accountRow) error {
	if r.Name == "" {
		r.Name = "Account " + r.Number
	}
	if r.Limit == "" {
		r.Limit = "0"
	}
	columns := map[string]any{"accountnumber": r.Number, "name": r.Name, "cw_legalentity": "usmf", "creditlimit": json.Number(r.Limit), "creditonhold": false}
	if r.Terms != 0 {
		columns["paymenttermscode"] = r.Terms
	}
	return f.PutAccount(ctx, r.id(), columns)
}

// account is a case in which a person writes an account and Dataverse tells of it through its queue.
func account(name string, row accountRow, operation int, wants []Want, words string, then func(context.Context, *Feed) error) Case {
	return Case{
		Name: name, InRun: true, Wants: wants, Row: words, Then: then,
		Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
			if err := f.putAccount(ctx, row); err != nil {
				return nil, 0, err
			}
			body := change{Message: "Create", AccountID: row.id(), Operation: operation}.JSON()
			return []string{idOf(body)}, 0, f.send(ctx, "dataverse-events", "", body)
		},
	}
}

// disturbed makes F&O misbehave while the case lasts.
func disturbed(c Case, fault traffic.Fault) Case {
	send, then := c.Send, c.Then
	var heal func() int
	c.Alone = true
	c.Send = func(ctx context.Context, f *Feed) ([]string, int, error) {
		heal = f.Stack.Systems.FnO().Inject(fault)
		return send(ctx, f)
	}
	c.Then = func(ctx context.Context, f *Feed) error {
		if heal() == 0 {
			return fmt.Errorf("F&O never met the fault, so the case shows nothing")
		}
		return then(ctx, f)
	}
	return c
}

const duplicateKey = `{"error":{"code":"","message":"An error has occurred.","innererror":{"message":"Write failed for table row of type 'CustCustomerV3Entity'. ` +
	`Infolog: Info: Cannot create a record in Customers (CustTable). Customer account: ?.\nThe record already exists..",` +
	`"type":"Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException","stacktrace":""}}}`

const throttling = `{"error":{"code":"","message":"This request could not be processed at this time due to system experiencing high resource utilization."}}`

func targets() []Case {
	return []Case{
		disturbed(account("F&O answers 429 with Retry-After", accountRow{Number: "BUSY-1"}, 31, delivered(accountFlow, "created"), "the customer, not before Retry-After is over",
			customerWrites("BUSY-1", 1)), traffic.Fault{Match: traffic.Writes, Times: 1, Answer: traffic.JSON(http.StatusTooManyRequests, 2*time.Second, throttling)}),
		disturbed(account("F&O answers 500 with a duplicate-key infolog", accountRow{Number: "DUP-1"}, 32, delivered(accountFlow, ""), "one customer: it was there already, and is updated",
			customerHas("DUP-1", nil)), traffic.Fault{Match: traffic.Method(http.MethodPost), Times: 1, AfterEffect: true, Answer: traffic.JSON(http.StatusInternalServerError, 0, duplicateKey)}),
		killInMidWrite(),
	}
}

// killInMidWrite kills the handler when Dataverse has written the invoice and hasn't answered yet.
func killInMidWrite() Case {
	i := invoice{EventID: "00000000-9000-4000-8000-000000000009", InvoiceID: "KILL-1", Amount: "12.34"}
	return Case{
		Name: "`kill -9` of the handler in mid-write", InRun: true, Alone: true, Wants: delivered(invoiceFlow, ""),
		Row: "one invoice; at most one identical repeat of the write",
		Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
			var once sync.Once
			dataverse := f.Stack.Systems.Dataverse()
			dataverse.OnAfterCommit(func(w traffic.Write) {
				if w.Table == "invoice" || w.Table == "invoices" {
					once.Do(func() {
						dataverse.OnAfterCommit(nil)
						f.say("killing the handler on purpose, between its write and its answer; the host starts another")
						_ = f.Stack.Host().KillHandler() // fails only when the handler is gone already
					})
				}
			})
			return []string{idOf(i.JSON())}, 0, f.send(ctx, "fno-events", "", i.JSON())
		},
		Then: func(ctx context.Context, f *Feed) error {
			if n := f.Stack.Systems.Dataverse().WriteCount("invoice", "KILL-1", "usmf"); n < 1 || n > 2 {
				return fmt.Errorf("%d writes of the invoice, wanted one and at most one repeat", n)
			}
			return invoiceHas("KILL-1", "usmf", map[string]string{"totalamount": "12.34"})(ctx, f)
		},
	}
}

// outages take longer than the minute of `crosswalk run`, even with its short delays.
func outages() []Case {
	silent := disturbed(account("F&O says nothing at all for a minute", accountRow{Number: "SILENT-1"}, 41, delivered(accountFlow, ""), "the customer, once F&O answers again",
		customerWrites("SILENT-1", 1)), traffic.Fault{For: 12 * time.Second, Hang: true})
	silent.InRun = false
	return []Case{silent, sendRevoked()}
}

// sendRevoked takes the Send right away while an event waits in its queue, a webhook calls, and a flow needs a retry copy.
func sendRevoked() Case {
	i := invoice{EventID: "00000000-7000-4000-8000-000000000001", InvoiceID: "SEND-1"}
	row, hook := accountRow{Number: "SEND-2"}, accountRow{Number: "SEND-3"}
	return Case{
		Name: "the Send right revoked for two minutes", Alone: true, Status: http.StatusServiceUnavailable,
		Wants: append(delivered(invoiceFlow, "created"), delivered(accountFlow, "created")...),
		Row:   "both records, once the right is back: the event waits in its queue, the flow tries on. A webhook's sender is told 503",
		Send: func(ctx context.Context, f *Feed) ([]string, int, error) {
			revoked, faults, fno := make(chan struct{}), f.Stack.Broker.Faults(), f.Stack.Systems.FnO()
			var once sync.Once
			fno.Inject(traffic.Fault{Match: traffic.Writes, Times: 1, Answer: traffic.JSON(http.StatusTooManyRequests, time.Second, throttling)})
			fno.OnRequest(func(r *http.Request) {
				if traffic.Writes(r) {
					once.Do(func() { faults.RevokeSend(true); close(revoked) })
				}
			})
			defer fno.OnRequest(nil)
			if err := f.putAccount(ctx, row); err != nil {
				return nil, 0, err
			}
			if err := f.sendAt(ctx, "fno-events", i.JSON(), time.Now().Add(2*time.Second)); err != nil {
				return nil, 0, err
			}
			account := change{Message: "Create", AccountID: row.id(), Operation: 52}.JSON()
			if err := f.send(ctx, "dataverse-events", "", account); err != nil {
				return nil, 0, err
			}
			select {
			case <-revoked:
			case <-ctx.Done():
				return nil, 0, fmt.Errorf("the flow never wrote to F&O")
			}
			defer faults.RevokeSend(false)
			status, err := f.webhook(ctx, f.WebhookKey(), nil, change{Message: "Update", AccountID: hook.id(), Operation: 51}.JSON())
			if err != nil {
				return nil, 0, err
			}
			// The right comes back when the event's first delivery has failed.
			return []string{idOf(i.JSON()), idOf(account)}, status, f.awaitLine(ctx, Line{Function: receiveFnO, Event: idOf(i.JSON()), Outcome: telemetry.Abandoned})
		},
		Then: func(ctx context.Context, f *Feed) error {
			if f.Ledger.Saw(Pair{idOf(change{Message: "Create", AccountID: row.id(), Operation: 52}.JSON()), accountFlow}, telemetry.Abandoned) {
				return fmt.Errorf("the flow gave its message back although the right came back within its patience")
			}
			if err := invoiceHas("SEND-1", "usmf", nil)(ctx, f); err != nil {
				return err
			}
			return customerWrites("SEND-2", 1)(ctx, f)
		},
	}
}
