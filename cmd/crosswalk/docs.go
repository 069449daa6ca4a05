package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"crosswalk/shared/catalog"
	"crosswalk/shared/contract"
	"crosswalk/shared/editor"
)

// functionsFromCatalog is how the catalog's folder names the functions in links.
const functionsFromCatalog = "../../functions"

func newDocs() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "docs",
		Short: "Write docs/catalog from the contracts: pages of all flows, who owns which field, run books; and the schema for editors",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := openProject()
			if err != nil {
				return err
			}
			pages, err := catalog.Pages(p.functions(), functionsFromCatalog, p.topology, p.schemas)
			var findings contract.Findings
			if errors.As(err, &findings) {
				return fmt.Errorf("the catalog is made from contracts that hold; crosswalk check lists everything that is wrong:\n%w", err)
			}
			if err != nil {
				return err
			}
			files, err := editor.Files(p.schemas)
			if err != nil {
				return err
			}
			for _, f := range files {
				pages = append(pages, catalog.Page{Path: "../" + path.Base(f.Path), Text: f.Text}) // beside the catalog's folder
			}
			folder := filepath.Join(p.root, "docs", "catalog")
			if !check {
				if err := catalog.Write(folder, pages); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "docs/catalog: %d pages; for editors %s, %s and %s\n", len(pages)-len(files), editor.Path, editor.ColumnsPath, editor.SnapshotPath)
				return nil
			}
			stale, err := catalog.Stale(folder, pages)
			if err != nil {
				return err
			}
			if len(stale) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "docs/catalog says what the contracts say, and "+editor.Path+" knows their language")
				return nil
			}
			for _, s := range stale {
				fmt.Fprintln(cmd.OutOrStdout(), path.Join("docs/catalog", s))
			}
			fmt.Fprintln(cmd.OutOrStdout(), "refresh it: "+catalog.Refresh)
			return exitCode(1)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; end with 1 where docs/catalog isn't what the contracts say")
	return cmd
}
