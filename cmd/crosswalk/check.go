package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"crosswalk/shared/contract"
)

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check every contract against both systems' schemas and run its examples",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := projectRoot()
			if err != nil {
				return err
			}
			sound, err := check(root, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			if !sound {
				return exitCode(1)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "every contract holds")
			return nil
		},
	}
}

// check writes every finding about the contracts of a checkout and reports whether there is none. Paths are relative to the
// working directory where they can be.
func check(root string, out io.Writer) (bool, error) {
	findings, err := contract.Check(filepath.Join(root, "functions"))
	if err != nil {
		return false, err
	}
	here, _ := os.Getwd() // without one the paths stay absolute
	for _, f := range findings {
		if short, err := filepath.Rel(here, f.File); err == nil {
			f.File = short
		}
		fmt.Fprintln(out, f.String())
	}
	switch len(findings) {
	case 0:
		return true, nil
	case 1:
		fmt.Fprintln(out, "1 finding")
	default:
		fmt.Fprintf(out, "%d findings\n", len(findings))
	}
	return false, nil
}
