package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"crosswalk/shared/draft"
	"crosswalk/shared/schema"
)

func newNew() *cobra.Command {
	cmd := &cobra.Command{Use: "new", Short: "Write the first version of something"}
	cmd.AddCommand(newNewFlow())
	return cmd
}

// flowAnswers are what a new flow is made from, as text: given by arguments or asked for.
type flowAnswers struct{ name, from, to, event, key, pair string }

func newNewFlow() *cobra.Command {
	var a flowAnswers
	cmd := &cobra.Command{
		Use:   "flow [NAME]",
		Short: "Write a new flow: its contract, function.json, an example and its entry in the topology",
		Long: `Write a new flow: its contract with every field that the target requires, function.json, an example and its entry in the
topology. What only you can know is marked TODO; crosswalk check says what to fill in there.

On a terminal it asks for what isn't said, and ? shows what may be answered. Elsewhere it takes what is beyond doubt and names the
flags that are missing.`,
		Example: `  crosswalk new flow
  crosswalk new flow currency-to-dataverse --from fno/Currencies --to dataverse/transactioncurrency
  crosswalk new flow account-to-fno --from dataverse/account --event 'dataverse.account.*' --to fno/CustomersV3 --key dataAreaId,CustomerAccount`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("a flow has one name, and these are %d: %s; write it with hyphens, such as %s", len(args), strings.Join(args, ", "), strings.ToLower(strings.Join(args, "-")))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				a.name = args[0]
			}
			d := drafter{
				project: draft.Project{Root: p.root, Functions: "functions", Topology: topologyFile, Schemas: p.schemas},
				out:     cmd.OutOrStdout(), in: bufio.NewReader(cmd.InOrStdin()), asks: asks(cmd.InOrStdin()), program: invoked(p.root),
			}
			return d.run(a)
		},
	}
	cmd.Flags().StringVar(&a.from, "from", "", "the source, such as fno/CustomersV3")
	cmd.Flags().StringVar(&a.event, "event", "", "the event that starts the flow, such as 'dataverse.account.*'")
	cmd.Flags().StringVar(&a.to, "to", "", "the target, such as dataverse/account")
	cmd.Flags().StringVar(&a.key, "key", "", "the target's columns by which a record is found, with commas between them")
	cmd.Flags().StringVar(&a.pair, "pair", "", "the link that both directions share; that of the opposite flow, or the flow's name, where it isn't said")
	return cmd
}

// asks reports whether somebody is there to answer: not where a script's input is a file, a pipe or nothing.
func asks(in io.Reader) bool {
	f, ok := in.(*os.File)
	return !ok || isatty.IsTerminal(f.Fd()) || isatty.IsCygwinTerminal(f.Fd())
}

// invoked is how a person calls this program again: as the project's own binary, by go run, or by its name.
func invoked(root string) string {
	program, err := os.Executable()
	if err != nil {
		return "crosswalk"
	}
	here, _ := os.Getwd()
	if path, err := filepath.Rel(root, program); err == nil && filepath.IsLocal(path) {
		if path, err = filepath.Rel(here, program); err == nil {
			return path
		}
	}
	if strings.Contains(program, "go-build") {
		return "go run ./cmd/crosswalk"
	}
	return "crosswalk"
}

// drafter asks for what a new flow needs and writes it.
type drafter struct {
	project draft.Project
	out     io.Writer
	in      *bufio.Reader
	asks    bool
	program string
	// missing are the flags that nobody is there to be asked for.
	missing []string
}

// question is one thing to know.
type question struct {
	// flag gives the answer without asking, given is its value.
	flag, given string
	text        string
	// likely is what Enter means; "" for nothing.
	likely string
	// help is what ? shows. Where it lists all answers that there are, closed is true.
	help   string
	closed bool
}

func (d *drafter) run(a flowAnswers) error {
	if d.asks {
		fmt.Fprintln(d.out, "Enter takes what stands in [brackets], ? shows what may be answered, Ctrl-C ends without writing anything.")
	}
	f := draft.Flow{Pair: a.pair}
	var source, target *schema.Entity
	err := d.ask(question{
		flag: "NAME", given: a.name, text: "Name of the flow, such as customer-to-dataverse",
		help: "Lower-case words with hyphens, at most 50 characters: what it carries and where to. It names the folder, the function and the queue.",
	}, func(answer string) error {
		f.Name = answer
		return d.project.CheckName(answer)
	})
	if err == nil {
		err = d.ask(question{flag: "--from", given: a.from, text: "Source, as system/Entity", help: d.entities("")}, func(answer string) (err error) {
			if f.From, source, err = d.project.Side(answer); err != nil {
				return err
			}
			return draft.CheckSource(source)
		})
	}
	if err == nil && source != nil {
		err = d.ask(question{
			flag: "--event", given: a.event, text: "Event that starts the flow", likely: draft.Event(source),
			help: "The star stands for created, updated and deleted: write one of them in its place where the others aren't meant.",
		}, func(answer string) error {
			f.Event = answer
			return draft.CheckEvent(source, answer)
		})
	}
	if err == nil {
		err = d.ask(question{flag: "--to", given: a.to, text: "Target, as system/Entity", help: d.entities(f.From.System)}, func(answer string) (err error) {
			if f.To, target, err = d.project.Side(answer); err != nil {
				return err
			}
			return draft.CheckTarget(target)
		})
	}
	if err == nil && target != nil {
		err = d.key(&f, target, a.key)
	}
	if err != nil {
		return err
	}
	if len(d.missing) > 0 {
		return fmt.Errorf("nobody is here to be asked, and this is missing:\n  %s", strings.Join(d.missing, "\n  "))
	}
	return d.write(f)
}

// key asks for the columns by which a record is found: by their names, or by the number of one of the target's keys.
func (d *drafter) key(f *draft.Flow, target *schema.Entity, given string) error {
	keys := draft.Keys(target)
	var lines []string
	for i, key := range keys {
		lines = append(lines, fmt.Sprintf("%d  %s", i+1, strings.Join(key, ",")))
	}
	q := question{
		flag: "--key", given: given, text: "Key by which a record is found in " + target.Name,
		likely: strings.Join(d.project.Key(f.From, f.To), ","), help: strings.Join(lines, "\n"), closed: true,
	}
	if len(keys) > 1 {
		q.text += "\n  " + strings.Join(lines, "\n  ") + "\nits number, or its columns with commas between them"
	}
	if len(keys) == 0 {
		return draft.CheckKey(target, nil)
	}
	return d.ask(q, func(answer string) error {
		if i, err := strconv.Atoi(answer); err == nil && i >= 1 && i <= len(keys) {
			answer = strings.Join(keys[i-1], ",")
		}
		f.Key = nil
		for column := range strings.SplitSeq(answer, ",") {
			f.Key = append(f.Key, strings.TrimSpace(column))
		}
		return draft.CheckKey(target, f.Key)
	})
}

// ask takes a flag's value; asks for it, again after each wrong answer; or takes what is likely where nobody can be asked. The
// error is for a flag that is wrong, and for answers that end.
func (d *drafter) ask(q question, take func(string) error) error {
	switch {
	case q.given != "":
		if err := take(q.given); err != nil {
			return fmt.Errorf("%s: %w", q.flag, err)
		}
		return nil
	case !d.asks && q.likely != "":
		return take(q.likely)
	case !d.asks:
		what, _, _ := strings.Cut(q.text, "\n")
		missing := q.flag + ": " + strings.ToLower(what[:1]) + what[1:]
		if q.closed {
			missing += ", one of\n    " + strings.ReplaceAll(q.help, "\n", "\n    ")
		}
		d.missing = append(d.missing, missing)
		return nil
	}
	prompt := q.text
	if q.likely != "" {
		prompt += " [" + q.likely + "]"
	}
	for {
		fmt.Fprint(d.out, prompt+": ")
		line, err := d.in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		answer := strings.TrimSpace(line)
		ended := errors.Is(err, io.EOF)
		switch {
		case answer == "" && ended:
			fmt.Fprintln(d.out)
			return fmt.Errorf("the answers ended at %q; nothing was written", strings.SplitN(q.text, "\n", 2)[0])
		case answer == "" && q.likely == "", answer == "?":
			fmt.Fprintln(d.out, "  "+strings.ReplaceAll(q.help, "\n", "\n  "))
			continue
		case answer == "":
			answer = q.likely
		}
		if err = take(answer); err == nil {
			return nil
		}
		fmt.Fprintln(d.out, "  That can't be: "+err.Error())
	}
}

// entities lists what a flow can come from or go to; those of the other systems where one side is known.
func (d *drafter) entities(other string) string {
	lines := []string{"These have a schema, in shared/schema; " + d.program + " schema pull reads another from your environment."}
	for _, system := range d.project.Schemas.Systems() {
		if system == other {
			continue
		}
		var names []string
		for _, name := range d.project.Schemas.Entities(system) {
			if e, ok := d.project.Schemas.Lookup(system, name); ok && (other == "" || e.Set != "") {
				names = append(names, system+"/"+name)
			}
		}
		lines = append(lines, slices.Concat([]string{system + ":"}, names)...)
	}
	return strings.Join(lines, "\n")
}

func (d *drafter) write(f draft.Flow) error {
	paths, err := d.project.Write(f)
	if err != nil {
		return err
	}
	for _, path := range paths {
		fmt.Fprintln(d.out, "wrote "+path)
	}
	fmt.Fprintf(d.out, `
What to do now, in %[4]s:
  1. %[3]s check
     names every TODO in functions/%[1]s/contract.yaml; fill them in, until only the example is left
  2. functions/%[1]s/examples/first.json
     make it a record as %[2]s sends it
  3. %[3]s try %[1]s first --save first
     shows what the flow makes of it, and keeps that as what the example expects
  4. %[3]s docs
     writes the flow's page in docs/catalog; docs/first-flow.md goes on from here
`, f.Name, f.From.System, d.program, d.project.Root)
	return nil
}
