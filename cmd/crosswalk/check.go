package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

func newCheck() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check every contract against both systems' schemas and run its examples",
		Long: `Check every contract against both systems' schemas and run its examples. Where a schema snapshot is faulty itself, as one
written by hand may be, its faults are told first and alone.

Formats: text for people; json, an array of findings; github, workflow commands that annotate the lines of a pull request;
sarif, a SARIF 2.1.0 log. The exit status is 0 without findings, 1 with some, and 2 where the check couldn't run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, ok := reports[format]
			if !ok {
				return fmt.Errorf("there is no format %q: %s", format, strings.Join(reportNames, ", "))
			}
			root, err := projectRoot()
			if err != nil {
				return err
			}
			findings, err := findingsAt(root)
			if err != nil {
				return err
			}
			if err := report(cmd.OutOrStdout(), root, findings); err != nil {
				return err
			}
			if len(findings) > 0 {
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", reportNames[0], strings.Join(reportNames, ", "))
	return cmd
}

// findingsAt returns every finding about a checkout: about its snapshots, or, once those hold, about its contracts.
func findingsAt(root string) ([]contract.Finding, error) {
	faults, err := schema.Check(filepath.Join(root, schemaFolder))
	if err != nil {
		return nil, err
	}
	var findings []contract.Finding
	for _, f := range faults {
		findings = append(findings, contract.Finding{
			File: filepath.Join(root, filepath.FromSlash(schemaFolder), filepath.FromSlash(f.File)), Line: f.Line, Column: f.Column, Message: f.Message, Fix: f.Fix,
		})
	}
	if len(findings) > 0 {
		return findings, nil
	}
	p, err := projectAt(root)
	if err != nil {
		return nil, err
	}
	return p.check()
}

// check writes every finding about the contracts of a checkout and reports whether there is none.
func check(root string, out io.Writer) (bool, error) {
	findings, err := findingsAt(root)
	if err != nil {
		return false, err
	}
	writeFindings(out, findings)
	return len(findings) == 0, nil
}

// writeFindings writes one finding per line and their number. Paths are relative to the working directory where they can be.
func writeFindings(out io.Writer, findings []contract.Finding) {
	for _, f := range fromHere(findings) {
		fmt.Fprintln(out, f.String())
	}
	switch len(findings) {
	case 0:
	case 1:
		fmt.Fprintln(out, "1 finding")
	default:
		fmt.Fprintf(out, "%d findings\n", len(findings))
	}
}

// fromHere gives findings the paths that lead to their files from the working directory; without one they stay absolute.
func fromHere(findings []contract.Finding) contract.Findings {
	out := slices.Clone(findings)
	here, _ := os.Getwd()
	for i, f := range out {
		if short, err := filepath.Rel(here, f.File); err == nil {
			out[i].File = short
		}
	}
	return out
}
