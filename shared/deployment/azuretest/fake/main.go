// Command fake is az or azd, whichever name it is built under, for what runs them by name: the hooks. It takes its answers
// from the files in FAKE_AZURE_ANSWERS and adds each command to the file FAKE_AZURE_LOG.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"crosswalk/shared/deployment/azuretest"
)

func main() {
	answers, err := azuretest.Read(filepath.SplitList(os.Getenv("FAKE_AZURE_ANSWERS"))...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	program := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	answer, command := answers.Of(program, os.Args[1:])
	if err := note(command); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Stdout.Write(answer.Stdout)
	fmt.Fprint(os.Stderr, answer.Stderr)
	os.Exit(answer.Exit)
}

func note(command string) error {
	f, err := os.OpenFile(os.Getenv("FAKE_AZURE_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, command); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
