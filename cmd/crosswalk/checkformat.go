package main

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"crosswalk/shared/contract"
)

// reports write the findings about the checkout at root, which may be none. In all but text, paths are relative to root,
// with slashes, as services that annotate a repository want them.
var reports = map[string]func(out io.Writer, root string, findings []contract.Finding) error{
	"text": reportText, "json": reportJSON, "github": reportGitHub, "sarif": reportSARIF,
}

// reportNames are the formats in the order in which they are explained, the default first.
var reportNames = []string{"text", "json", "github", "sarif"}

func reportText(out io.Writer, _ string, findings []contract.Finding) error {
	writeFindings(out, findings)
	if len(findings) == 0 {
		fmt.Fprintln(out, "every contract holds")
	}
	return nil
}

// fromRoot returns a finding's path relative to root.
func fromRoot(root string, f contract.Finding) string {
	path, err := filepath.Rel(root, f.File)
	if err != nil {
		path = f.File
	}
	return filepath.ToSlash(path)
}

func reportJSON(out io.Writer, root string, findings []contract.Finding) error {
	type finding struct {
		File    string `json:"file"`
		Line    int    `json:"line"`
		Column  int    `json:"column"`
		Message string `json:"message"`
		Fix     string `json:"fix"`
	}
	list := make([]finding, len(findings))
	for i, f := range findings {
		list[i] = finding{fromRoot(root, f), f.Line, f.Column, f.Message, f.Fix}
	}
	return writeJSON(out, list)
}

// Escapes of workflow commands (GitHub Actions, "Workflow commands"; actions/toolkit, command.ts).
var (
	commandText  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandValue = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func reportGitHub(out io.Writer, root string, findings []contract.Finding) error {
	for _, f := range findings {
		_, err := fmt.Fprintf(out, "::error file=%s,line=%d,col=%d::%s\n", commandValue.Replace(fromRoot(root, f)), f.Line, f.Column, commandText.Replace(withFix(f)))
		if err != nil {
			return err
		}
	}
	return nil
}

func withFix(f contract.Finding) string { return f.Message + " (fix: " + f.Fix + ")" }

// The parts of a SARIF 2.1.0 log that we write (OASIS, "Static Analysis Results Interchange Format").
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		// ColumnKind says that columns count characters.
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI       string `json:"uri"`
				URIBaseID string `json:"uriBaseId"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine   int `json:"startLine"`
				StartColumn int `json:"startColumn"`
			} `json:"region"`
		} `json:"physicalLocation"`
	}
)

// sarifRules are told apart by the file that a finding is about; sarifRuleOf returns an index into them.
var sarifRules = []sarifRule{
	{"contract", sarifText{"A contract fits both systems' schemas and every other contract"}},
	{"function", sarifText{"A function.json starts its function as the contract says"}},
	{"example", sarifText{"An example comes out as it is expected to"}},
	{"schema", sarifText{"A schema snapshot has the form that contracts are checked against"}},
}

func sarifRuleOf(path string) int {
	switch {
	case strings.HasPrefix(path, schemaFolder+"/"):
		return 3
	case strings.Contains(path, "/examples"):
		return 2
	case strings.HasSuffix(path, "/function.json"):
		return 1
	}
	return 0
}

func reportSARIF(out io.Writer, root string, findings []contract.Finding) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "crosswalk", Rules: sarifRules}
	for _, f := range findings {
		path := fromRoot(root, f)
		rule := sarifRuleOf(path)
		var at sarifLocation
		at.Physical.Artifact.URI, at.Physical.Artifact.URIBaseID = (&url.URL{Path: path}).String(), "%SRCROOT%"
		at.Physical.Region.StartLine, at.Physical.Region.StartColumn = f.Line, f.Column
		run.Results = append(run.Results, sarifResult{
			RuleID: sarifRules[rule].ID, RuleIndex: rule, Level: "error", Message: sarifText{withFix(f)}, Locations: []sarifLocation{at},
		})
	}
	return writeJSON(out, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}
