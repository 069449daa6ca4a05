package infra_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// grant is one role of one principal on one scope, and what needs it.
type grant struct {
	who, role, scope string
	in               []string // parameter sets; nil for all
	because          string
}

const (
	app      = "function app"
	deployer = "11111111-0000-4000-8000-000000000002" // of the parameter sets
	support  = "11111111-0000-4000-8000-000000000003"
	fno      = "11111111-0000-4000-8000-000000000004"
)

// grants are all roles that anybody has.
var grants = []grant{
	{app, "Storage Blob Data Owner", "Storage/storageAccounts", nil, "the host's locks, keys and timer state; the package; shared/claim"},
	{app, "Storage Table Data Contributor", "Storage/storageAccounts", nil, "shared/link reads and writes rows"},
	{app, "Azure Service Bus Data Receiver", bus, nil, "the triggers; settle dead-letters by lock token; deadletter peeks at subscriptions"},
	{app, "Azure Service Bus Data Sender", bus, nil, "event publishes to the topic and parks in an ingress queue; settle sends copies to work queues"},
	{app, "Monitoring Metrics Publisher", "Insights/components", nil, "the host's telemetry, because Application Insights takes no key"},
	{app, "Key Vault Secrets User", "KeyVault/vaults", []string{"prod"}, "identity reads the certificate with its key; nothing is read with a federated credential"},
	{deployer, "Key Vault Certificates Officer", "KeyVault/vaults", []string{"prod"}, "crosswalk certificate ensure makes the certificate"},
	{deployer, "Azure Service Bus Data Owner", bus, []string{"dev"}, "crosswalk verify reads rules, sends and receives; switched off in prod's set"},
	{support, "Azure Service Bus Data Receiver", bus, nil, "Service Bus Explorer shows and takes dead letters"},
	{support, "Azure Service Bus Data Sender", bus, nil, "Service Bus Explorer resubmits them"},
	{support, "Reader", "Resources/resourceGroups", nil, "the workbook, its logs and metrics"},
	{fno, "Key Vault Secrets User", "KeyVault/vaults/secrets", []string{"dev", "prod"}, "F&O reads its connection string, and no other secret"},
}

var roleNames = map[string]string{
	"b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
	"0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
	"4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": "Azure Service Bus Data Receiver",
	"69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Azure Service Bus Data Sender",
	"090c5cfd-751d-490a-894a-3ce6f1109419": "Azure Service Bus Data Owner",
	"3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
	"4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
	"a4417e6f-fecd-4de8-b567-7b0420556985": "Key Vault Certificates Officer",
	"acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

const assignments = "/providers/Microsoft.Authorization/roleAssignments/"

// checkRoles wants exactly the grants of the table.
func checkRoles(_ *world, d *deployment) (f faults) {
	want := map[string]string{}
	for _, g := range grants {
		if g.in == nil || slices.Contains(g.in, d.name) {
			want[strings.Join([]string{g.who, g.role, g.scope}, " | ")] = g.because
		}
	}
	got := map[string]bool{}
	for _, r := range d.all("Authorization/roleAssignments") {
		f.want(guid.MatchString(r.name()), "role assignment %s isn't named by a GUID", r.name())
		definition := fmt.Sprint(r.property("roleDefinitionId"))
		role := roleNames[definition[strings.LastIndex(definition, "/")+1:]]
		f.want(role != "", "role %s is none of the table", definition)
		who := fmt.Sprint(r.property("principalId"))
		identity := d.one("ManagedIdentity/userAssignedIdentities").id()
		kind := map[string]string{app: "ServicePrincipal", deployer: map[string]string{"dev": "User", "prod": "ServicePrincipal"}[d.name], support: "Group", fno: "ServicePrincipal"}
		if strings.HasPrefix(who, "[reference('"+identity+"'") && strings.HasSuffix(who, ".principalId]") {
			who = app
		}
		f.want(r.property("principalType") == kind[who], "%s is a %v; without the right type a first deployment may not find it", who, r.property("principalType"))
		scope, _, _ := strings.Cut(r.id(), assignments)
		row := strings.Join([]string{who, role, kindOfScope(d, scope)}, " | ")
		f.want(!got[row], "granted twice: %s", row)
		got[row] = true
	}
	for row := range got {
		if _, ok := want[row]; !ok {
			f.add("granted, and no code needs it: %s", row)
		}
	}
	for _, row := range slices.Sorted(maps.Keys(want)) {
		f.want(got[row], "not granted: %s (%s)", row, want[row])
	}
	return f
}

// kindOfScope returns the type of the deployed resource with this id.
func kindOfScope(d *deployment, id string) string {
	for _, r := range d.resources {
		if strings.EqualFold(r.id(), id) {
			return r.kind()
		}
	}
	return "something that isn't deployed: " + id
}
