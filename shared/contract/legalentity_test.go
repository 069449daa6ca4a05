package contract

import (
	"strings"
	"testing"
)

// F&O gives back a legal entity in lower case, so a flow that writes another spelling would lose its row.
func TestALegalEntityIsWrittenInLowerCase(t *testing.T) {
	for _, tt := range []struct{ rule, want string }{
		{"{from: cw_legalentity, case: lower, blank: reject}", ""},
		{"{from: cw_legalentity, table: {US: usmf}, blank: reject}", ""},
		{"{value: usmf}", ""},
		{"{from: cw_legalentity, blank: reject}", "contract.yaml:8:22: field dataAreaId: F&O keeps legal entities in lower case, so a row that is written as USMF would never be found again (fix: add case: lower)"},
		{"{value: USMF}", `contract.yaml:8:23: field dataAreaId: F&O keeps legal entities in lower case, so it would never hold "USMF" and the row would never be found again (fix: write usmf)`},
	} {
		_, findings := Parse("contract.yaml", "test", []byte(strings.Replace(back, "{from: cw_legalentity, case: lower, blank: reject}", tt.rule, 1)))
		var got []string
		for _, f := range findings {
			if strings.Contains(f.Message, "lower case") || tt.want == "" {
				got = append(got, f.String())
			}
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%s\n gives %s\n want  %s", tt.rule, strings.Join(got, "\n"), tt.want)
		}
	}
}
