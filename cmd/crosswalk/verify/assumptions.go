package verify

import (
	"bytes"
	"context"
	"net/http"
	"strings"
)

// Assumption is something about Azure or Dynamics 365 that the project relies on or avoids, and that no source settles. In
// the code it is marked UNCONFIRMED.
type Assumption struct {
	// File is where the mark stands.
	File string
	// Question is the finding that answers it, or what would have to be seen.
	Question string
	// Evidence and Fix say why verify can't see it and who can; both are "" where a finding answers it.
	Evidence, Fix string
}

const missingRow = "F&O answers a read of a row that isn't there with 404 and its error form, or with nothing"

// Assumptions returns what the code marks as UNCONFIRMED.
func Assumptions() []Assumption {
	return []Assumption{
		{File: "handlers/receive/webhook.go", Question: proxied},
		{File: "shared/finops/judge.go", Question: missingRow},
		{
			File: "handlers/flow/finops.go", Question: "F&O refuses a write with a stale ETag",
			Evidence: "only a write could show it; no flow sends one, so nothing depends on it",
			Fix:      "nothing to do; who wants If-Match for F&O tries it in a sandbox first",
		},
		{
			File: "shared/contract/currency.go", Question: "Dataverse gives an amount without a currency the default currency of the user who writes",
			Evidence: "no flow writes an amount without its currency: the check refuses such a contract",
			Fix:      "nothing to do",
		},
		{
			File: "shared/contract/image.go", Question: "Dataverse leaves a column without a value out of an image",
			Evidence: "only an image of a row with an empty column shows it; such a record is rejected as image-incomplete unless the contract says blank: {absent: …}, so nothing is taken for empty by mistake",
			Fix:      "empty a mapped column of one row and look at its dead letter or its delivery",
		},
		{
			File: "shared/schema/schema.go", Question: "F&O's virtual tables have the names of the snapshots, and its entities need the properties that they call required",
			Evidence: "only your F&O's metadata shows it",
			Fix:      "crosswalk schema pull for each entity of a contract, then crosswalk check",
		},
		{
			File: "shared/schema/key.go", Question: "F&O finds a row whose key has a day by the noon of that day, and takes a decimal number in a key",
			Evidence: "no flow writes an entity with such a key",
			Fix:      "before one does, read a row in a sandbox by the address that crosswalk try shows",
		},
		{
			File: "shared/schema/environment/saved.go", Question: "Dataverse's expanded Attributes carry the lengths, bounds and targets of their columns",
			Evidence: "a saved answer shows it; what it lacks is kept from the old snapshot or stays unknown, and crosswalk check asks for what a contract needs",
			Fix:      "pull from the environment itself, or look at the lengths in the snapshot that crosswalk schema pull writes",
		},
		{
			File: "shared/odata/names.go", Question: "Dataverse names the alternate key that forbids a row, by its schema name or its label",
			Evidence: "a dead letter with the reason other-key-taken shows it; without the name its description says the same",
			Fix:      "look for the key among the table's keys in the maker portal",
		},
		{
			File: "shared/registration/checkdataverse.go", Question: "a queue that the registration tool makes has contract 2 or 6",
			Evidence: "both are taken, so nothing depends on it",
			Fix:      "nothing to do; crosswalk register dataverse --check shows whether the endpoint is found",
		},
		{
			File: "shared/registration/checkfno.go", Question: "F&O's activations name an event by its BusinessEventId and all companies by a blank, and may be made by OData",
			Evidence: "only an F&O with an activation made in its form shows it",
			Fix:      "switch one event on in the form, then run crosswalk register fno --check: it must find it",
		},
		{
			File: "infra/modules/roles.bicep", Question: "F&O reads its connection string with a right to that one secret alone",
			Evidence: "only F&O's own test of its endpoint shows it",
			Fix:      "press Test on the endpoint's form in F&O; where it may not list secrets, give its application Key Vault Secrets User on the vault",
		},
	}
}

// open names the assumptions that no question here answers.
func (d *Deployment) open(context.Context) []Finding {
	var out []Finding
	for _, a := range Assumptions() {
		if a.Evidence != "" {
			out = append(out, unknown(a.Question, a.Fix, "%s", a.Evidence))
		}
	}
	return out
}

// missing asks F&O for a customer that can't be there.
func (d *Deployment) missing(ctx context.Context) []Finding {
	if d.FnOURL == "" || d.FnOToken == nil {
		return nil
	}
	const fix = "read F&O with a login that is a user there (or look into the log of a flow that reads or writes F&O)"
	token, err := d.FnOToken(ctx)
	if err != nil {
		return []Finding{unknown(missingRow, fix, "no token can be had (%T)", err)}
	}
	path := "/data/CustomersV3(dataAreaId='zzzz',CustomerAccount='crosswalk-verify')?cross-company=true&$select=CustomerAccount"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(d.FnOURL, "/")+strings.ReplaceAll(path, "'", "%27"), http.NoBody)
	if err != nil {
		return []Finding{failed(missingRow, "see that F&O's address is right", "it is no URL")}
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", "application/json")
	code, body, err := d.do(r)
	form := bytes.Contains(body, []byte(`"error"`))
	switch {
	case err != nil:
		return []Finding{failed(missingRow, fix, "it doesn't answer: %v", err)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return []Finding{unknown(missingRow, fix, "it refuses this login (%d)", code)}
	case code != http.StatusNotFound || !form && len(body) > 0:
		return []Finding{failed(missingRow, "the judgement in shared/finops/judge.go needs a look", "it answers %d with a body of %d bytes", code, len(body))}
	}
	return []Finding{held(missingRow, "404, %s", map[bool]string{true: "with its error form", false: "with nothing"}[form])}
}
