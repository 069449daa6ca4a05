package catalog

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/contract"
	"crosswalk/shared/settle"
	"crosswalk/shared/topology"
)

// leavesOut says which records the contract's own condition keeps from the flow.
func (f *flow) leavesOut() string {
	if f.When() == "" {
		return "nothing"
	}
	return "every record for which this is false: " + code(f.When())
}

// to says where records go, and to which rows the flow keeps.
func (f *flow) to() string {
	out := fmt.Sprintf("%s, %s, found by %s", title(f.To.System), code(f.To.Entity), codes(f.To.Key))
	if rows := rowsOf(f); rows != "" {
		out += "; only rows where " + rows
	}
	return out
}

// flow writes one flow's page.
func (b *book) flow(f *flow) []byte {
	w := newPage(f.Name)
	w.line("%s", prose(f.Purpose))
	rows := [][]string{
		{"from", fmt.Sprintf("%s, %s", title(f.From.System), code(f.From.Entity))},
		{"to", f.to()},
		{"starts with", "event " + code(f.From.Event)},
		{"reads", f.reads()},
		{"leaves out", f.leavesOut()},
		{"owner of the fields", title(f.Owner) + ", where the table below names no other"},
		{"team", prose(f.Team)},
		{"link", b.pairText(f)},
		{"a delete in the source", f.deletion()},
		{"contract", fmt.Sprintf("[contract.yaml](%s)", b.link(f, "contract.yaml"))},
	}
	if f.BulkAbove > 0 {
		rows = append(rows, []string{"made for", "up to " + count(f.BulkAbove, "record") + " an hour; more are to be loaded in bulk"})
	}
	w.table([]string{"", ""}, rows)
	w.line("## The way of a message")
	w.picture(b.way(f))
	w.line("## Fields")
	f.fieldTable(w)
	b.examples(w, f)
	b.runBook(w, f)
	w.line("[All flows](../README.md) · [Who owns which field](../ownership.md)")
	return finish(w)
}

// link is the path of one of a flow's files, from a page in a folder of the catalog.
func (b *book) link(f *flow, file string) string { return "../" + b.root + "/" + f.Name + "/" + file }

func (f *flow) reads() string {
	if f.From.State == contract.StateRow {
		return "the record in " + title(f.From.System) + " as it stands when the event is handled; the event only says which record"
	}
	if f.From.State == contract.StateImage {
		return "the post-image that the event carries, which must have every column that is mapped; nothing is read back"
	}
	return "the event's own data, which states a fact that doesn't change; nothing is read back"
}

func (f *flow) deletion() string {
	if !f.deletes() {
		return "no event of this flow tells of one"
	}
	switch f.Delete {
	case contract.DeleteIgnore:
		return "leaves the target as it is"
	case contract.DeleteRow:
		return "deletes the target's record"
	case contract.DeleteDeactivate:
		var sets []string
		for _, v := range f.Deactivation().Fields() {
			column, _ := f.TargetEntity().Column(v.Name)
			sets = append(sets, code(v.Name)+" becomes "+option(column, v.Text()))
		}
		return "deactivates the target's record: " + strings.Join(sets, ", ")
	}
	return "is left to a person: the event is dead-lettered as `delete-rejected`"
}

func (b *book) pairText(f *flow) string {
	if other := b.reverse(f); other != "" {
		return fmt.Sprintf("%s, shared with [%s](%s.md), which goes the other way", code(f.Pair), other, other)
	}
	return code(f.Pair) + "; no flow goes the other way"
}

// way is the picture of the message's way.
func (b *book) way(f *flow) []string {
	source, target := label(title(f.From.System), f.From.Entity), label(title(f.To.System), f.To.Entity)
	out := []string{"source[" + source + "]"}
	const topic = "topic"
	out = append(out, "topic{{"+label("topic "+b.topology.Topic.Name)+"}}")
	queue, receiver := b.ingress(f.From.System)
	if queue != "" {
		out = append(out, fmt.Sprintf("source --> ingress[[%s]] --> receive([%s]) --> %s", label("queue "+queue), label(receiver), topic))
	}
	if hook := b.webhooks[f.From.System]; hook != "" {
		out = append(out, fmt.Sprintf("source -- webhook --> hook([%s]) --> %s", label(hook), topic))
	}
	out = append(out,
		fmt.Sprintf("%s -- %s --> work[[%s]] --> run([%s]) --> target[%s]", topic, label("subscription "+f.Name), label("queue "+f.Name), label(f.Name), target))
	if f.From.State == contract.StateRow {
		out = append(out, "run -. reads the record .-> source")
	}
	return append(out, fmt.Sprintf("run -. rejected or given up .-> dead[[%s]]", label("queue "+f.Name+"/$DeadLetterQueue")))
}

// examples lists them all and shows what one of them writes.
func (b *book) examples(w *writer, f *flow) {
	w.line("## Examples")
	w.line("Each is run by every check of the contract.")
	var rows [][]string
	var shown *contract.Example
	most := 0
	for i := range f.examples {
		e := &f.examples[i]
		outcome := ""
		switch {
		case e.Want.Reject != nil:
			outcome = "rejected: " + code(e.Want.Reject.Reason)
			if e.Want.Reject.Field != "" {
				outcome += " for " + code(e.Want.Reject.Field)
			}
		case e.Want.Ignore != "":
			outcome = "ignored: " + code(e.Want.Ignore)
		default:
			written, filled := members(e.Want.Write)
			outcome = "written, " + count(written, "field")
			if filled > most {
				shown, most = e, filled
			}
		}
		rows = append(rows, []string{
			fmt.Sprintf("[%s](%s)", e.Name, b.link(f, "examples/"+e.Name+".json")), outcome,
			fmt.Sprintf("[%s](%s)", "expected", b.link(f, "examples/"+e.Name+".want.json")),
		})
	}
	w.table([]string{"input", "outcome", ""}, rows)
	if shown == nil {
		return
	}
	text := shown.Want.Write.Clone()
	if text.Indent(jsontext.WithIndent("  ")) == nil {
		w.line("What %s writes:", code(shown.Name))
		w.line("```json\n%s\n```", string(text))
	}
}

// members counts a JSON object's members, and those of them that hold something.
func members(object jsontext.Value) (all, filled int) {
	dec := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := dec.ReadToken(); err != nil {
		return 0, 0
	}
	for dec.PeekKind() == '"' {
		if dec.SkipValue() != nil { // the name
			return all, filled
		}
		value, err := dec.ReadValue()
		if err != nil {
			return all, filled
		}
		all++
		if text := string(value); text != "null" && text != `""` {
			filled++
		}
	}
	return all, filled
}

// runBook says where to look and what to do.
func (b *book) runBook(w *writer, f *flow) {
	p, q := settle.DefaultPolicy(), b.topology.Queues.Work
	w.line("## Run book")
	w.line("### Where to look")
	w.table([]string{"what", "where"}, [][]string{
		{"work waiting, work scheduled for later", fmt.Sprintf("queue %s (lock %s, at most %d deliveries)", code(f.Name), span(time.Duration(q.LockDuration)), q.MaxDeliveryCount)},
		{"what failed for good", "dead-letter queue of queue " + code(f.Name) + ", with reason and description"},
		{"how events get there", fmt.Sprintf("topic %s, subscription %s, rule %s", code(b.topology.Topic.Name), code(f.Name), rulesText(f.rules))},
		{"what couldn't be forwarded to the queue", fmt.Sprintf("dead-letter queue of subscription %s of topic %s; the function `watch-forwarding` looks there and logs `not-forwarded`. Re-sent from there, a message goes to every flow that asks for it; those that had it end as `duplicate`", code(f.Name), code(b.topology.Topic.Name))},
		{"events that no flow asks for", fmt.Sprintf("subscription %s of topic %s", code(b.topology.Topic.Unrouted), code(b.topology.Topic.Name))},
		{"one event's story", "the handler's log lines with `function` = " + code(f.Name) + " and the event's id in `event`"},
		{"who is told", prose(f.Team)},
	})
	w.line("### What mends itself")
	w.line("A passing failure is tried again after about %s, then after about twice as long each time, up to %s: %d attempts in all, within %s of the first delivery. "+
		"A record that another worker holds uses up no attempt. Neither does a missing permission or a wrong address, which somebody must put right: "+
		"the handler's log says `misconfigured`, each message is tried again about every %s, and goes by itself once it is right. "+
		"These are the defaults; settings can change them for one flow.",
		span(p.FirstDelay), span(p.MaxDelay), p.Attempts, span(p.MaxAge), span(p.Misconfigured))
	w.line("### Rejected at once: the message or the record is at fault")
	b.reasonTable(w, f, atFault)
	w.line("### Given up after all attempts: a system was at fault")
	b.reasonTable(w, f, givenUp)
	w.line("### Given up after %s: permissions, addresses, busy records", span(p.MaxAge))
	b.reasonTable(w, f, tooOld)
	if f.BulkAbove > 0 {
		w.line("### Alerts in the log: nothing has failed")
		b.reasonTable(w, f, alerts)
	}
	f.resubmit(w)
}

func (f *flow) resubmit(w *writer) {
	w.line("### How to resubmit")
	for i, step := range []string{
		"Mend the cause first, as the tables say: an unmended message comes back.",
		"In the Azure portal open the Service Bus namespace, queue " + code(f.Name) + ", Service Bus Explorer. You need the role Azure Service Bus Data Owner.",
		"Choose Receive Mode and DeadLetter, then Receive messages with PeekLock. Message Properties show reason and description.",
		"Select those whose cause is mended, choose Re-send selected messages, then Send: copies go to this queue and to no other flow.",
		"With the same messages selected choose Complete: the originals stay in the dead-letter queue otherwise. If their lock has run out meanwhile, receive them again first.",
	} {
		fmt.Fprintf(w, "%d. %s\n", i+1, step)
	}
	w.end()
	w.line("A resubmitted message starts with a full number of attempts and a new age. It is safe at any time and in any order: " +
		"what was applied already ends as `duplicate`, what a newer event has overtaken as `late`, what changes nothing as `unchanged`.")
	if f.From.State == contract.StateRow {
		w.line("The record is read anew, so what counts is how it stands now. One resubmitted message per record is enough; the others may be removed.")
	}
}

func rulesText(rules []topology.Rule) string {
	if len(rules) == 0 {
		return "none: the topology doesn't know this flow"
	}
	var out []string
	for _, r := range rules {
		out = append(out, code(r.SQL()))
	}
	return strings.Join(out, " or ")
}

// span writes a duration in words: 5 seconds, 3 days.
func span(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if d >= u.unit && d%u.unit == 0 && (u.name != "day" || d > u.unit) {
			return count(int(d/u.unit), u.name)
		}
	}
	return count(int(d/time.Second), "second")
}

// finish returns the page's text, which ends with one line break.
func finish(w *writer) []byte { return []byte(strings.TrimRight(w.String(), "\n") + "\n") }
