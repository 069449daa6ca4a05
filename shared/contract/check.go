package contract

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// Check checks every function under root, the folder that holds one folder per function, against the schemas and the
// built-in topology, and runs all examples. It returns all findings sorted by file and line; it needs no network. The
// error is for a root that can't be read.
func Check(root string) ([]Finding, error) {
	return CheckAgainst(root, topology.Default(), schema.BuiltIn())
}

// CheckAgainst is Check with another topology and other schemas.
func CheckAgainst(root string, t *topology.Topology, schemas *schema.Set) ([]Finding, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	c := &checker{topology: t, schemas: schemas}
	c.tables, c.findings = sharedTables(root)
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		c.folder(filepath.Join(root, e.Name()), e.Name())
	}
	c.withoutContract(root)
	c.unusedTables(root)
	c.together()
	c.findings.sort()
	return c.findings, nil
}

type checker struct {
	// tables are those that all contracts share.
	tables   map[string]*element
	topology *topology.Topology
	schemas  *schema.Set
	// folders are the functions that have a contract.yaml, be it faulty or not.
	folders  []string
	flows    []flow
	findings Findings
}

// flow is a contract that could be read, for the checks that look at several.
type flow struct {
	file string
	plan *Plan
	doc  *document
}

func (c *checker) add(file string, at *element, fix, format string, args ...any) {
	r := reader{file: file}
	r.add(at, fix, format, args...)
	c.findings = append(c.findings, r.findings...)
}

// functionNames is what the Functions host takes for a function's name (its Utility.FunctionNameRegex), but for the length.
var functionNames = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`) })

// folder checks one function. A folder without contract.yaml and function.json is none.
func (c *checker) folder(path, name string) {
	contract, function := filepath.Join(path, contractFile), filepath.Join(path, functionFile)
	text, unread := read(contract)
	binding, unreadBinding := read(function)
	c.findings = append(c.findings, slices.Concat(unread, unreadBinding, misnamed(path))...)
	if len(unread)+len(unreadBinding) > 0 {
		c.folders = append(c.folders, name) // whatever it has, it isn't missing
		return
	}
	if text == nil && binding == nil {
		return
	}
	first := contract
	if text == nil {
		first = function
	}
	if len(name) > topology.MaxNameLength {
		c.add(first, nil, "rename the folder", "the function's name has %d characters; a subscription's may have %d", len(name), topology.MaxNameLength)
	}
	if !functionNames().MatchString(name) {
		c.add(first, nil, "rename the folder, such as customer-to-dataverse", "the function's name %q isn't made of letters, digits and hyphens behind a letter, so the host would leave the function out", name)
	}
	if binding != nil {
		c.findings = append(c.findings, checkFunction(function, name, binding, role{flow: text != nil, ingress: c.ingress(name)})...)
	} else {
		c.add(contract, nil, "add function.json with a serviceBusTrigger on queue "+name, "the flow has no function.json, so nothing would start it")
	}
	if text == nil {
		c.orphan(function, name, binding)
		return
	}
	c.folders = append(c.folders, name)
	plan, doc, findings := parseWith(c.tables, contract, name, text, c.schemas.Lookup)
	c.findings = append(c.findings, findings...)
	examples, exampleFindings := Examples(path)
	c.findings = append(c.findings, exampleFindings...)
	if doc == nil {
		return
	}
	c.flows = append(c.flows, flow{file: contract, plan: plan, doc: doc})
	c.routes(contract, name, doc)
	if len(findings) > 0 {
		return // a faulty plan would only add noise
	}
	for _, e := range examples {
		c.findings = append(c.findings, plan.Try(e)...)
	}
}

// orphan adds a finding for a function that reads a queue of its own and has no contract. Receive functions read the
// ingress queues, others have no queue at all.
func (c *checker) orphan(file, name string, text []byte) {
	known := slices.ContainsFunc(c.topology.Functions, func(f topology.Function) bool { return f.Name == name })
	if known || c.ingress(name) != "" {
		return // one has its finding for the topology's sake, the other needs no contract
	}
	if top, err := offsets(text); err == nil {
		if list, ok := readBindings(top["bindings"]); ok && slices.ContainsFunc(list, func(b bindingDoc) bool { return b.text("type") == "serviceBusTrigger" }) {
			c.add(file, nil, "write "+filepath.Join(filepath.Dir(file), "contract.yaml"), "the function has a Service Bus trigger and no contract, and no flow runs without one")
		}
	}
}

// ingress returns the queue that a receive function reads, "" for another function.
func (c *checker) ingress(name string) string {
	for _, in := range c.topology.Ingress {
		if in.Function == name {
			return in.Queue
		}
	}
	return ""
}

// withoutContract adds a finding for each function that the topology sends events to and that has no contract.
func (c *checker) withoutContract(root string) {
	for _, f := range c.topology.Functions {
		if !slices.Contains(c.folders, f.Name) {
			c.add(filepath.Join(root, f.Name, "contract.yaml"), nil, "write the contract, or take the function out of the topology (shared/topology/topology.json)",
				"the topology sends events to %s, but there is no contract, and no flow runs without one", f.Name)
		}
	}
}

// routes checks that the topology sends the function what its contract asks for, and nothing else.
func (c *checker) routes(file, name string, d *document) {
	at := d.from.Event
	if at == nil {
		return // its absence is a finding already
	}
	i := slices.IndexFunc(c.topology.Functions, func(f topology.Function) bool { return f.Name == name })
	if i < 0 {
		c.add(file, at, `add {"name": "`+name+`", "events": [{"type": "`+at.text+`"}]} to the functions of shared/topology/topology.json`, "the topology has no function %s, so no event would reach it", name)
		return
	}
	var types []string
	for _, rule := range c.topology.Functions[i].Events {
		if rule.Type != at.text {
			types = append(types, rule.Type)
		}
	}
	if len(types) > 0 {
		c.add(file, at, "write the same in the contract and in shared/topology/topology.json", "the topology sends %s %s, the contract asks for %s", name, strings.Join(types, ", "), at.text)
	}
}
