// Command crosswalk is the one tool people type: it runs everything on one machine, checks contracts and makes packages.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func main() {
	if err := newRoot().Execute(); err != nil {
		var code exitCode
		if errors.As(err, &code) {
			os.Exit(int(code))
		}
		fmt.Fprintln(os.Stderr, "crosswalk: "+err.Error())
		os.Exit(2)
	}
}

// exitCode ends the program with a status whose reason has been printed already.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:              "crosswalk",
		Short:            "Connects Dynamics 365 with the systems around it",
		SilenceUsage:     true,
		SilenceErrors:    true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) { warnIfStale(cmd.ErrOrStderr()) },
	}
	root.AddCommand(
		newRun(),
		newNew(),
		newCheck(),
		newTry(),
		newDocs(),
		newSchema(),
		newPackage(),
		newPreflight(),
		newRules(),
		newCertificate(certifying{}),
		newRegister(),
		newVerify(),
		newHost(),
		newBroker(),
	)
	return root
}

// projectRoot returns the checkout that the working directory is in.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if isFile(filepath.Join(d, "host.json")) && isFile(filepath.Join(d, "go.mod")) {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is in no Crosswalk project: no folder above it holds host.json and go.mod", dir)
		}
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
