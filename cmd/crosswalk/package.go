package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"crosswalk/local/dist"
)

func newPackage() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "package",
		Short: "Stage what the Functions host runs: host.json, the handler for linux/amd64, one folder per function",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := projectRoot()
			if err != nil {
				return err
			}
			if sound, err := check(root, cmd.OutOrStdout()); err != nil {
				return err
			} else if !sound {
				return exitCode(1)
			}
			if err := dist.Stage(cmd.Context(), dist.Options{Source: root, Target: out, Deploy: true}); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "staged "+out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "dist", "the folder to fill; what stands there is removed")
	return cmd
}
