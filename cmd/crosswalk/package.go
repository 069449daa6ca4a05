package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"crosswalk/local/dist"
)

// packageFile is what `crosswalk package` writes and azure.yaml names, under the project's root.
const packageFile = "dist/functions.zip"

func newPackage() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "package",
		Short: "Make the zip that Azure runs: host.json, the handler for linux/amd64, one folder per function",
		Long: `Checks every contract, builds the handler for linux/amd64 and writes the zip that Azure Functions runs. Expressions (CEL)
are built in only where a contract has one, because they lengthen every start. The same sources and the same version of Go
give the same bytes, on every machine and system; the last line shows their SHA-256.`,
		Args: cobra.NoArgs,
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
			target := out
			if target == "" {
				target = filepath.Join(root, filepath.FromSlash(packageFile))
			}
			with, err := dist.Expressions(root)
			if err != nil {
				return err
			}
			if len(with) > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "the handler is built with expressions, for %s\n", strings.Join(with, ", "))
			} else {
				fmt.Fprintln(cmd.OutOrStdout(), "the handler is built without expressions, which no contract has: it starts faster")
			}
			if err := dist.Package(cmd.Context(), root, target); err != nil {
				return err
			}
			data, err := os.ReadFile(target)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s, %d KiB, SHA-256 %s\n", target, len(data)>>10, hex.EncodeToString(sum[:]))
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write (default "+packageFile+" in the project's root)")
	return cmd
}
