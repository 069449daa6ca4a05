// Package azuretest plays the programs az and azd from a file of answers, in the shape that the real ones write. A command
// that the file hasn't got is refused, as a misspelt one is.
package azuretest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"crosswalk/shared/deployment"
	"crosswalk/shared/topology"
)

// Answer is what one command writes and how it ends.
type Answer struct {
	Stdout json.RawMessage `json:"stdout,omitempty"`
	Stderr string          `json:"stderr,omitempty"`
	Exit   int             `json:"exit,omitempty"`
	// Missing: there is no such program.
	Missing bool `json:"-"`
}

// Answers are the answers by command line. A file that an argument names with @ is written with its content.
type Answers map[string]Answer

// Read reads answers from files; a later one's stand before an earlier one's.
func Read(files ...string) (Answers, error) {
	out := Answers{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &out); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return out, nil
}

// Rules are the answers to a listing of every rule of a namespace that has the topology's. Azure shows more of a rule than
// is read here.
func Rules(bus deployment.Bus, t *topology.Topology) Answers {
	out := Answers{}
	for _, s := range t.Entities().Subscriptions {
		var rules []map[string]any
		for _, f := range s.Filters {
			rules = append(rules, map[string]any{
				"name": f.Name, "filterType": "SqlFilter", "action": map[string]any{}, "resourceGroup": bus.ResourceGroup,
				"sqlFilter": map[string]any{"sqlExpression": f.SQL, "compatibilityLevel": 20}, "type": "Microsoft.ServiceBus/namespaces/topics/subscriptions/rules",
			})
		}
		listed, err := json.Marshal(rules)
		if err != nil {
			panic(err) // of texts and numbers
		}
		out[fmt.Sprintf("az servicebus topic subscription rule list --resource-group %s --namespace-name %s --topic-name %s --subscription-name %s --subscription %s --output json",
			bus.ResourceGroup, bus.Namespace, t.Topic.Name, s.Name, bus.Subscription)] = Answer{Stdout: listed}
	}
	return out
}

// Of returns the answer to a command, and the command as it is looked up.
func (a Answers) Of(program string, args []string) (Answer, string) {
	words := []string{program}
	for _, arg := range args {
		if name, ok := strings.CutPrefix(arg, "@"); ok {
			if data, err := os.ReadFile(name); err == nil {
				arg = "@" + string(data)
			}
		}
		words = append(words, arg)
	}
	command := strings.Join(words, " ")
	answer, ok := a[command]
	if !ok {
		return Answer{Stderr: "ERROR: unrecognized arguments: " + strings.Join(args, " "), Exit: 2}, command
	}
	return answer, command
}

// With returns a copy with another answer to each command that begins with a text. It panics where there is none: the
// test would test nothing.
func (a Answers) With(begin string, answer Answer) Answers {
	out, found := maps.Clone(a), false
	for command := range out {
		if strings.HasPrefix(command, begin) {
			out[command], found = answer, true
		}
	}
	if !found {
		panic("no command begins with " + begin)
	}
	return out
}

// Commands answers in this process and keeps what was asked.
type Commands struct {
	Answers Answers

	mu    sync.Mutex
	asked []string
}

// Run answers as [deployment.Programs] would.
func (c *Commands) Run(_ context.Context, program string, args ...string) ([]byte, error) {
	answer, command := c.Answers.Of(program, args)
	c.mu.Lock()
	c.asked = append(c.asked, command)
	c.mu.Unlock()
	switch {
	case answer.Missing:
		return nil, &deployment.CommandError{Command: command, Missing: true}
	case answer.Exit != 0:
		return nil, &deployment.CommandError{Command: command, Said: strings.TrimPrefix(answer.Stderr, "ERROR: ")}
	}
	return answer.Stdout, nil
}

// Asked are the commands so far.
func (c *Commands) Asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}
