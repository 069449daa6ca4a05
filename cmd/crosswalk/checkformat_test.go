package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/contract"
)

func testFindings(root string) []contract.Finding {
	at := func(parts ...string) string { return filepath.Join(append([]string{root, "functions"}, parts...)...) }
	return []contract.Finding{
		{File: at("a b,c", "contract.yaml"), Line: 3, Column: 7, Message: "field name: 100% of \"<x>\"\r\nare: wrong, all", Fix: "write name & more"},
		{File: at("orders", "examples", "ü.want.json"), Line: 1, Column: 1, Message: "nothing", Fix: "add"},
		{File: at("orders", "function.json"), Line: 2, Column: 5, Message: "a retry", Fix: "remove it"},
	}
}

func TestReports(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	for _, tt := range []struct {
		format   string
		findings []contract.Finding
		want     string
	}{
		{"text", nil, "every contract holds\n"},
		{"text", testFindings(root)[2:], "functions/orders/function.json:2:5: a retry (fix: remove it)\n1 finding\n"},
		{"text", testFindings(root)[1:], "functions/orders/examples/ü.want.json:1:1: nothing (fix: add)\n" +
			"functions/orders/function.json:2:5: a retry (fix: remove it)\n2 findings\n"},
		{"json", nil, "[]\n"},
		{"json", testFindings(root)[:2], `[
  {
    "file": "functions/a b,c/contract.yaml",
    "line": 3,
    "column": 7,
    "message": "field name: 100% of \"<x>\"\r\nare: wrong, all",
    "fix": "write name & more"
  },
  {
    "file": "functions/orders/examples/ü.want.json",
    "line": 1,
    "column": 1,
    "message": "nothing",
    "fix": "add"
  }
]
`},
		{"github", nil, ""},
		{"github", testFindings(root), `::error file=functions/a b%2Cc/contract.yaml,line=3,col=7::field name: 100%25 of "<x>"%0D%0Aare: wrong, all (fix: write name & more)
::error file=functions/orders/examples/ü.want.json,line=1,col=1::nothing (fix: add)
::error file=functions/orders/function.json,line=2,col=5::a retry (fix: remove it)
`},
		{"sarif", testFindings(root)[:1], `{
  "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
  "version": "2.1.0",
  "runs": [
    {
      "tool": {
        "driver": {
          "name": "crosswalk",
          "rules": [
            {
              "id": "contract",
              "shortDescription": {
                "text": "A contract fits both systems' schemas and every other contract"
              }
            },
            {
              "id": "function",
              "shortDescription": {
                "text": "A function.json starts its function as the contract says"
              }
            },
            {
              "id": "example",
              "shortDescription": {
                "text": "An example comes out as it is expected to"
              }
            },
            {
              "id": "schema",
              "shortDescription": {
                "text": "A schema snapshot has the form that contracts are checked against"
              }
            }
          ]
        }
      },
      "columnKind": "unicodeCodePoints",
      "results": [
        {
          "ruleId": "contract",
          "ruleIndex": 0,
          "level": "error",
          "message": {
            "text": "field name: 100% of \"<x>\"\r\nare: wrong, all (fix: write name & more)"
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "functions/a%20b,c/contract.yaml",
                  "uriBaseId": "%SRCROOT%"
                },
                "region": {
                  "startLine": 3,
                  "startColumn": 7
                }
              }
            }
          ]
        }
      ]
    }
  ]
}
`},
	} {
		var out bytes.Buffer
		if err := reports[tt.format](&out, root, tt.findings); err != nil || out.String() != tt.want {
			t.Errorf("%s: %v\n%s", tt.format, err, out.String())
		}
	}
	if len(reports) != len(reportNames) {
		t.Errorf("%d formats, %d names", len(reports), len(reportNames))
	}
}

// What SARIF 2.1.0 demands, with and without findings: version, runs, the driver's name, a message for each result; and what
// code scanning needs besides: a results array, a rule and a place for each result.
func TestSARIFHasItsRequiredMembers(t *testing.T) {
	root := t.TempDir()
	for _, findings := range [][]contract.Finding{nil, testFindings(root)} {
		var out bytes.Buffer
		if err := reportSARIF(&out, root, findings); err != nil {
			t.Fatal(err)
		}
		type object = map[string]any
		var log object
		if err := json.Unmarshal(out.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		runs, _ := log["runs"].([]any)
		if log["version"] != "2.1.0" || len(runs) != 1 {
			t.Fatal(out.String())
		}
		run := runs[0].(object)
		driver := run["tool"].(object)["driver"].(object)
		rules, _ := driver["rules"].([]any)
		results, ok := run["results"].([]any)
		if driver["name"] != "crosswalk" || !ok || len(results) != len(findings) {
			t.Fatal(out.String())
		}
		for i, r := range results {
			result := r.(object)
			text, _ := result["message"].(object)["text"].(string)
			place := result["locations"].([]any)[0].(object)["physicalLocation"].(object)
			uri, _ := place["artifactLocation"].(object)["uri"].(string)
			region := place["region"].(object)
			rule := rules[int(result["ruleIndex"].(float64))].(object)
			if !strings.HasPrefix(text, findings[i].Message) || !strings.HasPrefix(uri, "functions/") || strings.ContainsAny(uri, " ü") ||
				region["startLine"] != float64(findings[i].Line) || region["startColumn"] != float64(findings[i].Column) || rule["id"] != result["ruleId"] {
				t.Errorf("%v", result)
			}
		}
		if len(results) == 3 && (results[1].(object)["ruleId"] != "example" || results[2].(object)["ruleId"] != "function") {
			t.Error(out.String())
		}
	}
}

// The exit status and the one stream that tools read, for each format.
func TestCheckFormats(t *testing.T) {
	t.Chdir(filepath.Dir(filepath.Dir(sourceDir)))
	sound := t.TempDir()
	for _, name := range []string{"host.json", "go.mod"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(sound, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(sound, "functions"), os.DirFS("functions")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(sound)
	for format, want := range map[string]string{"text": "every contract holds\n", "json": "[]\n", "github": ""} {
		if out, status, err := crosswalk(t, "", "check", "--format", format); out != want || status != 0 || err != nil {
			t.Errorf("%s: status %d, %v\n%s", format, status, err, out)
		}
	}
	contract := filepath.Join("functions", "invoice-to-dataverse", "contract.yaml")
	data, err := os.ReadFile(contract)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(contract, append([]byte("surprise: 1\n"), data...), 0o644); err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{
		"text":   contract + ":1:1: the contract: unknown key \"surprise\" (fix: ",
		"json":   "[\n  {\n    \"file\": \"functions/invoice-to-dataverse/contract.yaml\",\n    \"line\": 1,\n    \"column\": 1,\n    \"message\": \"the contract: unknown key \\\"surprise\\\"\",",
		"github": "::error file=functions/invoice-to-dataverse/contract.yaml,line=1,col=1::the contract: unknown key \"surprise\" (fix: ",
		"sarif":  "{\n  \"$schema\": ",
	} {
		if out, status, err := crosswalk(t, "", "check", "--format", format); !strings.HasPrefix(out, want) || status != 1 || err != nil {
			t.Errorf("%s: status %d, %v\n%s", format, status, err, out)
		}
	}
	if out, status, err := crosswalk(t, "", "check", "--format", "xml"); status != 2 || err == nil || err.Error() != `there is no format "xml": text, json, github, sarif` || out != "" {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}
