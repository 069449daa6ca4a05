package registration

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"crosswalk/shared/eventtype"
)

// Environment is what the infrastructure has made. What is empty is printed as a placeholder that says where to find it.
type Environment struct {
	// Application is the client id that Dataverse and F&O know.
	Application string
	// ServiceBus is the namespace's host name, VaultURL the Key Vault's address.
	ServiceBus, VaultURL string
	// FnOSecret and DataverseSecret name the connection strings in Key Vault.
	FnOSecret, DataverseSecret string
	// FunctionHost is the function app's host name.
	FunctionHost string
	// Endpoint is the name of the endpoint in both systems.
	Endpoint string
	// LegalEntities are those whose events are wanted; none means all.
	LegalEntities []string
}

// or returns a value, or a placeholder that says what belongs there.
func or(value, placeholder string) string { return cmp.Or(value, "<"+placeholder+">") }

// writer numbers steps.
type writer struct {
	w io.Writer
	n int
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w.w, format+"\n", args...) }

func (w *writer) step(title string, lines ...string) {
	w.n++
	w.line("\n%d. %s", w.n, title)
	for _, l := range lines {
		w.line("   %s", l)
	}
}

// WriteFnO writes what an administrator of F&O does, step by step. Forms and fields are named as in F&O (documentation:
// "Business events and Azure Service Bus", "Manage business event endpoints", "Activate business events").
func (n *Needs) WriteFnO(out io.Writer, e Environment) {
	w := &writer{w: out}
	w.line("What an administrator of F&O sets up. It is made from the contracts: print it again after each change of them.")
	if access := n.Flows[eventtype.FnO]; len(access) > 0 {
		w.step("System administration > Setup > Microsoft Entra ID applications: the application that reads and writes",
			"Client Id  "+or(e.Application, "client id of the application, ENTRA_CLIENT_ID"),
			"Name       Crosswalk",
			"User ID    a user made for it alone, with the least roles that these need:")
		n.access(w, access)
	}
	if len(n.BusinessEvents)+len(n.DataEvents) == 0 {
		w.line("\nNo contract starts with an event of F&O, so no endpoint is needed.")
		return
	}
	vault := strings.TrimSuffix(e.VaultURL, "/")
	w.step("Entra: an application that lets F&O read one secret, and nothing else",
		"Register an application (not the one above), give it a client secret, and note when that ends: F&O knows no other way.",
		"Set CROSSWALK_FNO_READER_ID to the object id of its service principal and run azd provision: it may then read the secret",
		or(e.FnOSecret, "CROSSWALK_FNO_SECRET_NAME")+", which holds a connection string that can send and nothing else.")
	queue := n.Queues[eventtype.FnO]
	w.step("System administration > Setup > Business events > Business events catalog, tab Endpoints > New",
		"Endpoint type                Azure Service Bus Queue",
		"Endpoint name                "+e.Endpoint,
		"Queue name                   "+queue+"   (namespace "+or(e.ServiceBus, "CROSSWALK_SERVICEBUS")+")",
		"Azure Active Directory application ID      the client id of step "+fmt.Sprint(w.n),
		"Azure application secret                   its client secret",
		"Key Vault DNS name           "+or(vault, "CROSSWALK_KEY_VAULT_URI"),
		"Key Vault secret name        "+or(e.FnOSecret, "CROSSWALK_FNO_SECRET_NAME"),
		"F&O sends a test event when an event is activated; Crosswalk takes it and does nothing.")
	where := "all legal entities: leave Legal entity blank"
	if len(e.LegalEntities) > 0 {
		where = "once for each of the legal entities " + strings.Join(e.LegalEntities, ", ")
	}
	if len(n.BusinessEvents) > 0 {
		lines := []string{"Activate with endpoint " + e.Endpoint + ", for " + where + "."}
		for _, b := range n.BusinessEvents {
			id := b.ID
			if b.Begins {
				id = "every event whose id begins with " + id
			}
			lines = append(lines, fmt.Sprintf("%-45s needed by %s", id, strings.Join(b.Flows, ", ")))
		}
		w.step("The same form, tab Business event catalog: activate these and no others", lines...)
	}
	if len(n.DataEvents) > 0 {
		lines := []string{"It needs the Power Platform integration. Activate with endpoint " + e.Endpoint + "; switch it off during mass loads."}
		for _, d := range n.DataEvents {
			lines = append(lines, fmt.Sprintf("%-45s needed by %s", d.Set+" ("+d.Entity+"): "+strings.Join(d.Changes, ", "), strings.Join(d.Flows, ", ")))
		}
		w.step("The same form, tab Data event catalog: activate these and no others", lines...)
	}
	w.line("\nWith the Power Platform integration switched on F&O sends through Dataverse, and the endpoint appears among its service endpoints: leave it there.")
}

// WriteDataverse writes what an administrator of Dataverse does, step by step. Names are those of the Plug-in Registration
// Tool and the Power Platform admin center (documentation: "Azure integration", "Use webhooks", "Register a plug-in").
func (n *Needs) WriteDataverse(out io.Writer, e Environment) {
	w := &writer{w: out}
	w.line("What an administrator of Dataverse sets up. It is made from the contracts: print it again after each change of them.")
	if access := n.Flows[eventtype.Dataverse]; len(access) > 0 {
		w.step("Power Platform admin center > environment > Settings > Users + permissions > Application users > New app user",
			"App             "+or(e.Application, "client id of the application, ENTRA_CLIENT_ID"),
			"Security roles  a role made for it alone, with the least privileges (organisation level) that these need:")
		n.access(w, access)
	}
	if len(n.Steps) == 0 {
		w.line("\nNo contract starts with an event of Dataverse, so no endpoint is needed.")
		return
	}
	w.step("Plug-in Registration Tool > Register > Register New Service Endpoint",
		"Connection string   the one in Key Vault secret "+or(e.DataverseSecret, "CROSSWALK_DATAVERSE_SECRET_NAME; azd env set CROSSWALK_DATAVERSE_SEND_KEY true makes it"),
		"                    (it can send to the queue and nothing else; Dataverse keeps it and never shows it again)",
		"Designation type    Queue",
		"Queue name          "+n.Queues[eventtype.Dataverse]+"   (namespace "+or(e.ServiceBus, "CROSSWALK_SERVICEBUS")+")",
		"Message format      JSON (the default, .NET binary, can't be read)",
		"Name                "+e.Endpoint,
		"Or, where no shared key is allowed, Register New Web Hook instead:",
		"Endpoint URL        https://"+or(e.FunctionHost, "CROSSWALK_FUNCTION_HOST")+"/api/dataverse-webhook",
		"Authentication      HttpHeader, x-functions-key = the function key of dataverse-webhook",
		"A Service Bus endpoint is tried again for days; a web hook once, and only after 502, 503 or 504.")
	lines := []string{"Event pipeline stage PostOperation, execution mode Asynchronous, delete AsyncOperation if successful, no images but those named."}
	for _, s := range n.Steps {
		lines = append(lines, fmt.Sprintf("%-8s %-28s needed by %s", s.Message, s.Table, strings.Join(s.Flows, ", ")))
		if s.Attributes != nil {
			lines = append(lines, "         filtering attributes: "+strings.Join(s.Attributes, ", "))
		}
		if s.Image != nil {
			lines = append(lines, "         post image, with all of these columns: "+strings.Join(s.Image, ", "))
		}
	}
	w.step("Register New Step on that endpoint, once for each of these and no others", lines...)
	if !slices.ContainsFunc(n.Steps, func(s Step) bool { return s.Image != nil }) {
		w.line("\nAll flows read the row itself, so no step needs an image.")
	}
	w.line("\nFiltering attributes keep away updates that no contract reads.")
}

// access lists what the flows do, one line for each entity.
func (n *Needs) access(w *writer, list []Access) {
	byEntity := map[string][]Access{}
	var entities []string
	for _, a := range list {
		if byEntity[a.Entity] == nil {
			entities = append(entities, a.Entity)
		}
		byEntity[a.Entity] = append(byEntity[a.Entity], a)
	}
	slices.Sort(entities)
	for _, entity := range entities {
		verbs, flows := []string{"read"}, []string{}
		for _, a := range byEntity[entity] {
			if a.Writes {
				verbs = append(verbs, "create", "update")
			}
			if a.Deletes {
				verbs = append(verbs, "delete")
			}
			if a.Appends {
				verbs = append(verbs, "append")
			}
			if a.AppendsTo {
				verbs = append(verbs, "append to")
			}
			flows = append(flows, a.Flow)
		}
		slices.Sort(flows)
		slices.SortFunc(verbs, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
		w.line("     %-24s %-38s (%s)", entity, strings.Join(slices.Compact(verbs), ", "), strings.Join(slices.Compact(flows), ", "))
	}
}

var order = []string{"read", "create", "update", "delete", "append", "append to"}
