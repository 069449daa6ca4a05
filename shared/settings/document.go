package settings

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Setting describes one environment variable.
type Setting struct {
	// Name is the variable's name, in upper case unless the host wants it otherwise.
	Name string
	// Default is what counts when it isn't set; empty means nothing does.
	Default string
	// Example is its value in local.settings.example.json: one that works on a laptop, or an obvious placeholder.
	Example string
	// Need says when it must be set: "", "always" or a condition.
	Need string
	// Description is one or more sentences.
	Description string
	// PerFunction is true if a function's name as prefix overrides it.
	PerFunction bool
	// Reader is who reads it, if it isn't Load: the Functions host, Go itself.
	Reader string
}

// foreign are the variables that other parts of the process or the host read.
var foreign = []Setting{
	{Name: "FUNCTIONS_WORKER_RUNTIME", Example: "custom", Need: "always", Reader: "the Functions host",
		Description: "Always custom: the handler is a custom handler."},
	{Name: "AzureWebJobsStorage", Example: "UseDevelopmentStorage=true", Need: "always", Reader: "the Functions host",
		Description: "The host's own storage. In Azure use AzureWebJobsStorage__accountName instead."},
	{Name: "FUNCTIONS_CUSTOMHANDLER_PORT", Reader: "the handler", Description: "The port to listen on. The host gives it; don't set it."},
	{Name: "SSL_CERT_FILE", Reader: "Go's TLS",
		Description: "PEM file with the certificate authorities to trust. On a laptop only: those of the simulated systems."},
}

// Document describes every setting: first those that Load reads, in order of declaration, then what others read.
func Document() []Setting {
	tunable := map[string]bool{}
	for _, f := range fieldsOf(new(Tuning)) {
		tunable[f.name()] = true
	}
	var list []Setting
	for _, f := range fieldsOf(new(Settings)) {
		tag := f.declared.Tag
		s := Setting{Name: f.name(), Default: tag.Get("default"), Example: tag.Get("example"), Need: tag.Get("need"),
			Description: tag.Get("desc"), PerFunction: tunable[f.name()]}
		if s.Example == "" {
			s.Example = s.Default
		}
		list = append(list, s)
	}
	return append(list, foreign...)
}

// Markdown returns docs/settings.md.
func Markdown() []byte {
	var b strings.Builder
	b.WriteString("# Settings\n\n" +
		"Environment variables, read once at start; in Azure they are the function app's settings. A blank one counts as not set. " +
		"All problems are reported at once, by name and without values. " +
		"This page is made from `shared/settings`; `go test ./shared/settings -update` rewrites it.\n\n" +
		"| setting | default | needed | what it is |\n| --- | --- | --- | --- |\n")
	for _, s := range Document() {
		text := s.Description
		if s.PerFunction {
			text += " Per function."
		}
		if s.Reader != "" {
			text += " Read by " + s.Reader + "."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Name, code(s.Default), s.Need, text)
	}
	b.WriteString("\n## Per function\n\n" +
		"Settings marked *Per function* can be overridden for one function: its name in upper case with `_` for `-`, `_`, and the " +
		"setting's name. `INVOICE_TO_DATAVERSE_SETTLE_ATTEMPTS=20` gives the messages of `invoice-to-dataverse` 20 attempts.\n\n" +
		"## What must hold\n\n" +
		"For all functions together and for each with its overrides, or the handler refuses to start:\n\n" +
		"- `LINK_MARGIN` ≥ 2 × `CLIENT_TIMEOUT`: a call's last try may be sent at its deadline and take effect up to as long after.\n" +
		"- `LINK_CLAIM` > `LINK_MARGIN` + `CLIENT_TIMEOUT`: before a write there must be time for a read.\n" +
		"- `SETTLE_FIRST_DELAY` ≤ `SETTLE_MAX_DELAY` < `SETTLE_MAX_AGE`, and `SETTLE_MISCONFIGURED` < `SETTLE_MAX_AGE`.\n" +
		"- `SETTLE_COPY_PATIENCE` < 5 minutes, for which the host renews a message's lock.\n")
	return []byte(b.String())
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// Example returns local.settings.example.json: every setting that may be set by hand.
func Example() []byte {
	var b strings.Builder
	b.WriteString("{\n  \"IsEncrypted\": false,\n  \"Values\": {\n")
	var lines []string
	for _, s := range append(foreign[:2:2], Document()...) {
		line := fmt.Sprintf("    %s: %s", quote(s.Name), quote(s.Example))
		if s.Name == "FUNCTIONS_CUSTOMHANDLER_PORT" || len(lines) > 1 && (s.Name == foreign[0].Name || s.Name == foreign[1].Name) {
			continue
		}
		lines = append(lines, line)
	}
	b.WriteString(strings.Join(lines, ",\n") + "\n  }\n}\n")
	return []byte(b.String())
}

// quote returns s as JSON.
func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return strings.ReplaceAll(string(text), `\u0026`, "&")
}
