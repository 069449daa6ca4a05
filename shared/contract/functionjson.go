package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// bindingDoc is one binding of a function.json: its members, and where in the file it begins.
type bindingDoc struct {
	at      int
	members map[string]placed
}

// text returns a member that is a string, else "".
func (b bindingDoc) text(name string) string { return Value{JSON: b.members[name].raw}.Text() }

// role is what a function is to the topology.
type role struct {
	// flow is true for a function with a contract.
	flow bool
	// ingress is the queue that a receive function reads, "" for other functions.
	ingress string
}

// functionCheck is one function.json on its way through the check.
type functionCheck struct {
	file, name string
	text       []byte
	role       role
	findings   Findings
}

func (c *functionCheck) add(offset int, fix, format string, args ...any) {
	line, column := position(c.text, offset)
	c.findings = append(c.findings, Finding{File: c.file, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Fix: fix})
}

// checkFunction checks a function.json: no retry, which would retry inside the broker's own redelivery; no output
// binding but the answer of an HTTP function, because the host rewrites what looks like a date or base64; and Service Bus
// triggers as the handler needs them: a flow's on the queue of its own name, a receive function's on its ingress queue.
func checkFunction(file, name string, text []byte, role role) Findings {
	c := &functionCheck{file: file, name: name, text: text, role: role}
	top, err := offsets(text)
	if err != nil {
		c.add(err.offset, "mend the syntax; JSON has no comments, and the file is saved as UTF-8 without a byte order mark", "function.json is no well-formed JSON object: %s", err.why)
		return c.findings
	}
	if retry, ok := top["retry"]; ok {
		c.add(retry.name, "remove retry: the flow schedules its own copies", "retry would retry inside the broker's redelivery, and hold the message's lock meanwhile")
	}
	if disabled, ok := top["disabled"]; ok && string(disabled.raw) != "false" {
		c.add(disabled.name, "remove disabled; where a function rests for a while, the setting AzureWebJobs."+name+".Disabled says so", "disabled keeps the function from starting, and nobody would see it")
	}
	bindings, ok := top["bindings"]
	if !ok {
		c.add(0, "add a serviceBusTrigger on queue "+c.queue(), "function.json has no bindings")
		return c.findings
	}
	list, good := readBindings(bindings)
	if !good {
		c.add(bindings.name, `write "bindings": [{"type": "serviceBusTrigger", …}]`, "bindings is no list of objects")
		return c.findings
	}
	triggers := 0
	answers := slices.ContainsFunc(list, func(b bindingDoc) bool { return strings.EqualFold(b.text("type"), "httpTrigger") })
	for _, b := range list {
		kind, direction := b.text("type"), strings.ToLower(b.text("direction")) // the host reads it so
		out := direction == "out" || direction == "inout"
		if out && !(answers && strings.EqualFold(kind, "http")) {
			c.add(b.at, "remove the binding and let the handler send", "an output binding (%s) rewrites what looks like a date or base64", kind)
		}
		if kind == "serviceBusTrigger" && !out {
			triggers++
			c.trigger(b)
		}
	}
	switch {
	case role.flow && triggers == 0:
		c.add(bindings.name, "add a serviceBusTrigger on queue "+name, "the flow has no Service Bus trigger")
	case triggers > 1:
		c.add(bindings.name, "keep the trigger on queue "+c.queue(), "a function has one trigger; the host refuses one with %d", triggers)
	}
	return c.findings
}

// queue is the queue that the function should read.
func (c *functionCheck) queue() string {
	if c.role.ingress != "" {
		return c.role.ingress
	}
	return c.name
}

// triggerName is the binding's name that the handler looks for in an invocation.
const triggerName = "in"

// trigger checks a Service Bus trigger, member by member.
func (c *functionCheck) trigger(b bindingDoc) {
	if !c.role.flow && c.role.ingress == "" {
		return // a function that the topology doesn't know: its finding says so
	}
	c.want(b, "name", triggerName, "the handler finds the message only under that name")
	if topic := b.text("topicName"); topic != "" {
		c.add(b.members["topicName"].name, "write queueName: "+c.queue(), "the trigger reads topic %s itself, so a retry or a resubmit of this function's message would reach every other function too", topic)
	} else if got := b.text("queueName"); got != c.queue() {
		own := "the flow's own queue is " + c.queue()
		if c.role.ingress != "" {
			own = "the topology gives it the ingress queue " + c.queue()
		}
		c.add(c.at(b, "queueName"), "write queueName: "+c.queue(), "the trigger reads queue %q, but %s", got, own)
	}
	c.want(b, "connection", "SERVICEBUS", "that is the setting that names the namespace")
	c.want(b, "dataType", "binary", "in a text body a member could take the place of the message's own lock token")
	many := b.text("cardinality") == "many"
	switch {
	case c.role.flow && many:
		c.add(c.at(b, "cardinality"), "remove cardinality", "cardinality many hands the flow several records at once, and one bad record would fail its neighbours")
	case c.role.ingress != "" && !many:
		c.add(c.at(b, "cardinality"), "write cardinality: many", "a receive function takes its messages in batches")
	case c.role.ingress != "":
		for _, name := range []string{"autoComplete", "autoCompleteMessages"} {
			if string(b.members[name].raw) != "false" {
				c.add(c.at(b, name), "write "+name+": false", "%s isn't false, so the host would complete messages that the function means to keep", name)
			}
		}
	}
	if sessions := b.members["isSessionsEnabled"]; string(sessions.raw) == "true" {
		c.add(sessions.name, "remove isSessionsEnabled", "queue %s has no sessions, so the trigger would never receive", c.queue())
	}
}

func (c *functionCheck) want(b bindingDoc, name, value, why string) {
	if got := b.text(name); got != value {
		c.add(c.at(b, name), fmt.Sprintf("write %q: %q", name, value), "the trigger's %s is %q instead of %q: %s", name, got, value, why)
	}
}

// at is where a member stands, or the binding where it has none.
func (c *functionCheck) at(b bindingDoc, name string) int {
	if m, ok := b.members[name]; ok {
		return m.name
	}
	return b.at
}

// placed is a member's value and where in the file its name and value begin.
type placed struct {
	name, value int
	raw         jsontext.Value
}

// offsetError says where a file is no JSON object, and why.
type offsetError struct {
	offset int
	why    string
}

// offsets returns the members of the JSON object that is the file.
func offsets(text []byte) (map[string]placed, *offsetError) {
	out := map[string]placed{}
	d := jsontext.NewDecoder(bytes.NewReader(text))
	failed := func(err error) *offsetError {
		if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
			return &offsetError{int(syntax.ByteOffset), syntax.Err.Error()}
		}
		return &offsetError{int(d.InputOffset()), "it is no object"}
	}
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return nil, failed(err)
		}
		return nil, &offsetError{0, "it is no object"}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, failed(err)
	}
	for d.PeekKind() != '}' {
		quoted, err := d.ReadValue()
		if err != nil {
			return nil, failed(err)
		}
		at := int(d.InputOffset()) - len(quoted)
		name, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return nil, failed(err)
		}
		raw, err := d.ReadValue()
		if err != nil {
			return nil, failed(err)
		}
		out[string(name)] = placed{name: at, value: int(d.InputOffset()) - len(raw), raw: raw.Clone()}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, failed(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, &offsetError{int(d.InputOffset()), "something follows the object"}
	}
	return out, nil
}

func readBindings(p placed) ([]bindingDoc, bool) {
	if p.raw.Kind() != '[' {
		return nil, false
	}
	d := jsontext.NewDecoder(bytes.NewReader(p.raw))
	if _, err := d.ReadToken(); err != nil {
		return nil, false
	}
	var out []bindingDoc
	for d.PeekKind() != ']' {
		raw, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		b := bindingDoc{at: p.value + int(d.InputOffset()) - len(raw)}
		members, failed := offsets(raw)
		if failed != nil {
			return nil, false
		}
		for name, m := range members {
			members[name] = placed{name: m.name + b.at, value: m.value + b.at, raw: m.raw}
		}
		b.members = members
		out = append(out, b)
	}
	return out, true
}
