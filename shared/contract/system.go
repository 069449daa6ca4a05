package contract

import (
	"slices"
	"strings"
	"unicode"

	"crosswalk/shared/schema"
)

// otherNames are words that people use for a system and contracts don't, in lower case and without anything but letters and
// digits.
var otherNames = map[string]string{
	"finops": schema.FnO, "fo": schema.FnO, "fando": schema.FnO, "d365fo": schema.FnO, "d365finance": schema.FnO, "dynamicsfo": schema.FnO,
	"financeoperations": schema.FnO, "financeandoperations": schema.FnO,
	"crm": schema.Dataverse, "cds": schema.Dataverse, "ce": schema.Dataverse, "d365ce": schema.Dataverse, "d365sales": schema.Dataverse,
	"customerengagement": schema.Dataverse, "commondataservice": schema.Dataverse, "dynamicscrm": schema.Dataverse, "powerapps": schema.Dataverse,
	"sfdc": schema.Salesforce, "sf": schema.Salesforce,
}

// SystemMeant returns the one of the known systems that a name may stand for, "" where none is likely.
func SystemMeant(written string, known []string) string {
	plain := strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, written)
	if name := otherNames[plain]; slices.Contains(known, name) {
		return name
	}
	return nearest(written, known)
}
