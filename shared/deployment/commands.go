// Package deployment looks at Azure before and after azd deploys: [Preflight] says what is missing, [CheckRules] whether
// Service Bus has the rules of the topology. It asks through the programs az and azd, so with the login that people and
// pipelines have anyway, and changes nothing.
//
// The commands and their answers are those of azd 1.20 and the Azure CLI 2.60 or later, by their documentation.
package deployment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Commands runs a program and returns what it wrote to its standard output. The error is a *CommandError.
type Commands interface {
	Run(ctx context.Context, program string, args ...string) ([]byte, error)
}

// CommandError says why a command failed.
type CommandError struct {
	Command string
	// Missing: there is no such program.
	Missing bool
	// Said is the first line of its standard error, without the word ERROR.
	Said string
}

// Error holds the command and what it said.
func (e *CommandError) Error() string {
	if e.Missing {
		return fmt.Sprintf("%s isn't installed", strings.Fields(e.Command)[0])
	}
	return fmt.Sprintf("%s: %s", e.Command, e.Said)
}

// Programs are the programs in PATH.
type Programs struct{}

// Run runs a program.
func (Programs) Run(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, &CommandError{Command: commandLine(program, args), Said: ctx.Err().Error()}
	}
	failed := &CommandError{Command: commandLine(program, args), Missing: errors.Is(err, exec.ErrNotFound), Said: firstLine(stderr.String())}
	if failed.Said == "" {
		failed.Said = err.Error()
	}
	return nil, failed
}

func commandLine(program string, args []string) string {
	return strings.Join(append([]string{program}, args...), " ")
}

// firstLine returns the first line that says something.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			return strings.TrimSpace(strings.TrimPrefix(line, "ERROR:"))
		}
	}
	return ""
}

// ask runs a command that answers in JSON. Its output is asked for so.
func ask(ctx context.Context, c Commands, into any, program string, args ...string) error {
	args = append(args, "--output", "json")
	out, err := c.Run(ctx, program, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, into); err != nil {
		return &CommandError{Command: commandLine(program, args), Said: "its answer is no JSON that is understood here"}
	}
	return nil
}

// missing reports whether an error says that the program isn't there.
func missing(err error) bool {
	var failed *CommandError
	return errors.As(err, &failed) && failed.Missing
}
