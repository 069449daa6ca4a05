package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"crosswalk/shared/draft"
	"crosswalk/shared/schema"
)

func newNew() *cobra.Command {
	cmd := &cobra.Command{Use: "new", Short: "Write the first version of something"}
	cmd.AddCommand(newNewFlow())
	return cmd
}

// flowAnswers are what a new flow is made from, as text: given by flags or asked for.
type flowAnswers struct{ from, to, event, key, pair string }

func newNewFlow() *cobra.Command {
	var a flowAnswers
	cmd := &cobra.Command{
		Use:   "flow NAME",
		Short: "Write a new flow: its contract, function.json, an example and its entry in the topology",
		Long: `Write a new flow: its contract with every field that the target requires, function.json, an example and its entry in the
topology. What only you can know is marked TODO; crosswalk check says what to fill in there.

On a terminal it asks for what no flag says.`,
		Example: `  crosswalk new flow currency-to-dataverse
  crosswalk new flow account-to-fno --from dataverse/account --event 'dataverse.account.*' --to fno/CustomersV3 --key dataAreaId,CustomerAccount`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			d := drafter{
				project: draft.Project{Root: p.root, Functions: "functions", Topology: topologyFile, Schemas: p.schemas},
				out:     cmd.OutOrStdout(), in: bufio.NewReader(cmd.InOrStdin()), asks: asks(cmd.InOrStdin()),
			}
			return d.run(args[0], a)
		},
	}
	cmd.Flags().StringVar(&a.from, "from", "", "the source, such as fno/CustomersV3")
	cmd.Flags().StringVar(&a.event, "event", "", "the event that starts the flow, such as 'dataverse.account.*'")
	cmd.Flags().StringVar(&a.to, "to", "", "the target, such as dataverse/account")
	cmd.Flags().StringVar(&a.key, "key", "", "the target's columns by which a record is found, with commas between them")
	cmd.Flags().StringVar(&a.pair, "pair", "", "the link that both directions share; that of the opposite flow, or the flow's name, where it isn't said")
	return cmd
}

// asks reports whether somebody is there to answer: not where a script's input is a file or a pipe.
func asks(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return true
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// drafter asks for what a new flow needs and writes it.
type drafter struct {
	project draft.Project
	out     io.Writer
	in      *bufio.Reader
	asks    bool
}

func (d *drafter) run(name string, a flowAnswers) error {
	if err := d.project.CheckName(name); err != nil {
		return err
	}
	f := draft.Flow{Name: name, Pair: a.pair}
	source, err := d.side("--from", "Source, as system/Entity", a.from, &f.From)
	if err != nil {
		return err
	}
	if f.Event, err = d.text("--event", "Event that starts the flow", a.event, draft.Event(source)); err != nil {
		return err
	}
	target, err := d.side("--to", "Target, as system/Entity", a.to, &f.To)
	if err != nil {
		return err
	}
	key, err := d.text("--key", "Key of the target, its columns with commas between them", a.key, strings.Join(draft.Key(target), ","))
	if err != nil {
		return err
	}
	for column := range strings.SplitSeq(key, ",") {
		f.Key = append(f.Key, strings.TrimSpace(column))
	}
	paths, err := d.project.Write(f)
	if err != nil {
		return err
	}
	for _, path := range paths {
		fmt.Fprintln(d.out, "wrote "+path)
	}
	fmt.Fprintf(d.out, `
What to do now:
  1. crosswalk check                       names every TODO in functions/%[1]s/contract.yaml; fill them in
  2. functions/%[1]s/examples/first.json   make it a record as %[2]s sends it
  3. crosswalk try %[1]s first --save first   shows what the flow makes of it, and keeps that as the example's expectation
  4. crosswalk docs                        writes the flow's page in docs/catalog
`, name, f.From.System)
	return nil
}

// side takes a flag's value or asks, and looks the entity up.
func (d *drafter) side(flag, question, given string, into *draft.Side) (*schema.Entity, error) {
	text, err := d.text(flag, question, given, "")
	if err != nil {
		return nil, err
	}
	if *into, err = draft.ParseSide(text); err != nil {
		return nil, err
	}
	return d.project.Entity(*into)
}

// text takes a flag's value; asks for it, with what is likely offered; or takes what is likely where nobody can be asked.
func (d *drafter) text(flag, question, given, likely string) (string, error) {
	switch {
	case given != "":
		return given, nil
	case !d.asks && likely != "":
		return likely, nil
	case !d.asks:
		return "", fmt.Errorf("%s is missing: %s", flag, strings.ToLower(question[:1])+question[1:])
	}
	if likely != "" {
		question += " [" + likely + "]"
	}
	fmt.Fprint(d.out, question+": ")
	line, err := d.in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		line = likely
	}
	if line == "" {
		return "", fmt.Errorf("no answer to %q", question)
	}
	return line, nil
}
