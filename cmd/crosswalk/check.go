package main

import (
	"fmt"
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
			findings, err := contract.Check(filepath.Join(root, "functions"))
			if err != nil {
				return err
			}
			for _, f := range findings {
				fmt.Fprintln(cmd.OutOrStdout(), f.String())
			}
			if len(findings) > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%d findings\n", len(findings))
				return exitCode(1)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "every contract holds")
			return nil
		},
	}
}
