package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"crosswalk/shared/contract"
)

var exampleNames = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// saveExample keeps a record and what the flow makes of it as an example of the flow.
func saveExample(folder, name string, trials []trial) error {
	if !exampleNames.MatchString(name) {
		return fmt.Errorf("--save %s: an example's name is made of lower-case words, digits and single hyphens", name)
	}
	if len(trials) != 1 {
		return fmt.Errorf("--save keeps one record, and these are %d", len(trials))
	}
	var want bytes.Buffer
	text, err := json.Marshal(expectation(trials[0]))
	if err == nil {
		err = json.Indent(&want, text, "", "  ")
	}
	if err != nil {
		return err
	}
	path := filepath.Join(folder, "examples", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(path+".json", trials[0].data, 0o644), os.WriteFile(path+".want.json", append(want.Bytes(), '\n'), 0o644))
}

func expectation(t trial) any {
	if t.fault != nil {
		return struct {
			Reject contract.Rejection `json:"reject"`
		}{contract.Rejection{Reason: t.fault.Reason, Field: t.fault.Field}}
	}
	if t.ignored() {
		return struct {
			Ignore string `json:"ignore"`
		}{contract.NotWanted}
	}
	return struct {
		Write json.RawMessage `json:"write"`
	}{t.record.JSON(true)}
}
