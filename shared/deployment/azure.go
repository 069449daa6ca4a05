package deployment

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Roles that may assign roles, and roles that may make resources. A role that isn't among them may be one of the
// customer's own.
var (
	assigningRoles = []string{"Owner", "User Access Administrator", "Role Based Access Control Administrator"}
	makingRoles    = []string{"Owner", "Contributor"}
)

// rights checks that who is logged in may make resources and assign roles to the functions' identity.
func (p *preflight) rights() {
	subscription := p.env["AZURE_SUBSCRIPTION_ID"]
	var assignments []struct {
		Role      string  `json:"roleDefinitionName"`
		Condition *string `json:"condition"`
	}
	scope := "/subscriptions/" + subscription
	err := p.ask(&assignments, "az", "role", "assignment", "list", "--assignee", p.user, "--scope", scope,
		"--include-inherited", "--include-groups", "--subscription", subscription)
	if err != nil {
		p.unknown("your rights on the subscription", err)
		return
	}
	var have, others []string
	for _, a := range assignments {
		have = append(have, a.Role)
		switch {
		case !slices.Contains(append(assigningRoles, makingRoles...), a.Role):
			others = append(others, a.Role)
		case a.Condition != nil && *a.Condition != "" && slices.Contains(assigningRoles, a.Role):
			p.warn("your role "+a.Role+" has a condition", "it may not cover the roles in infra/modules/roles.bicep, nor principals of type ServicePrincipal",
				"look at the condition: az role assignment list --assignee "+p.user+" --scope "+scope)
		}
	}
	lack := func(roles []string, why, role string) {
		switch {
		case intersect(have, roles):
		case len(others) > 0:
			p.warn("whether your roles ("+strings.Join(others, ", ")+") are enough isn't known: none is "+strings.Join(roles, ", "), why, "ask who made the role")
		default:
			p.block("you have none of the roles "+strings.Join(roles, ", ")+" on the subscription", why,
				fmt.Sprintf("have an owner run: az role assignment create --assignee %s --role %q --scope %s", p.user, role, scope))
		}
	}
	lack(makingRoles, "resources can't be made without", "Contributor")
	lack(assigningRoles, "the functions' identity gets its roles from the deployment; without them it may neither read nor send", assigningRoles[2])
}

func intersect(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// Providers are the resource providers that the deployment needs. Microsoft.App is Flex Consumption's, in a virtual network
// too.
var Providers = []string{
	"Microsoft.App", "Microsoft.EventGrid", "Microsoft.Insights", "Microsoft.KeyVault", "Microsoft.ManagedIdentity", "Microsoft.Network",
	"Microsoft.OperationalInsights", "Microsoft.ServiceBus", "Microsoft.Storage", "Microsoft.Web",
}

func (p *preflight) providers() {
	var list []struct {
		Namespace string `json:"namespace"`
		State     string `json:"registrationState"`
	}
	if err := p.ask(&list, "az", "provider", "list", "--subscription", p.env["AZURE_SUBSCRIPTION_ID"]); err != nil {
		p.unknown("the resource providers", err)
		return
	}
	for _, name := range Providers {
		state := "NotRegistered"
		for _, provider := range list {
			if strings.EqualFold(provider.Namespace, name) {
				state = provider.State
			}
		}
		fix := fmt.Sprintf("az provider register --namespace %s --wait --subscription %s", name, p.env["AZURE_SUBSCRIPTION_ID"])
		switch state {
		case "Registered":
		case "Registering":
			p.warn("resource provider "+name+" is being registered", "it takes a few minutes", fix)
		default:
			p.block("resource provider "+name+" isn't registered in the subscription", "Azure makes nothing of its kind before", fix)
		}
	}
}

// available is the answer of Azure's checks of names.
type available struct {
	Available bool   `json:"nameAvailable"`
	Reason    string `json:"reason"`
}

// names checks that what must be unique in all of Azure isn't somebody else's, and that no deleted vault has our name.
func (p *preflight) names() {
	subscription := p.env["AZURE_SUBSCRIPTION_ID"]
	names := NamesOf(subscription, p.env["AZURE_ENV_NAME"], p.env["AZURE_LOCATION"])
	ours, err := p.ours(names.ResourceGroup)
	if err != nil {
		p.unknown("what is in resource group "+names.ResourceGroup, err)
		return
	}
	if !slices.Contains(ours, names.Vault) {
		p.deletedVault(names.Vault)
	}
	for _, check := range []struct {
		kind, name string
		command    []string
	}{
		{"storage account", names.Storage, []string{"storage", "account", "check-name", "--name", names.Storage}},
		{"key vault", names.Vault, []string{"keyvault", "check-name", "--name", names.Vault}},
		{"Service Bus namespace", names.Namespace, []string{"servicebus", "namespace", "exists", "--name", names.Namespace}},
	} {
		if slices.Contains(ours, check.name) {
			continue
		}
		var answer available
		err := p.ask(&answer, "az", append(check.command, "--subscription", subscription)...)
		p.judge(check.kind, check.name, answer, err)
	}
	if !slices.Contains(ours, names.Site) {
		p.site(names.Site)
	}
}

// site checks the name of the function app, for which az has no command of its own. The body goes by a file, because a shell
// of Windows takes quotes away.
func (p *preflight) site(name string) {
	body, err := os.CreateTemp("", "crosswalk-*.json")
	if err != nil {
		p.unknown("the name of the function app", err)
		return
	}
	defer os.Remove(body.Name())
	_, err = fmt.Fprintf(body, `{"name":%q,"type":"Microsoft.Web/sites"}`, name)
	var answer available
	if err = errors.Join(err, body.Close()); err == nil {
		err = p.ask(&answer, "az", "rest", "--method", "post", "--body", "@"+body.Name(),
			"--url", "/subscriptions/"+p.env["AZURE_SUBSCRIPTION_ID"]+"/providers/Microsoft.Web/checkNameAvailability?api-version=2024-04-01")
	}
	p.judge("function app", name, answer, err)
}

func (p *preflight) judge(kind, name string, answer available, err error) {
	switch {
	case err != nil:
		p.unknown("the name of the "+kind, err)
	case !answer.Available && !p.reported(name):
		p.block(fmt.Sprintf("the name %s of the %s is taken (%s)", name, kind, answer.Reason), "such names are unique in all of Azure",
			"azd env new <another name>: all names are made from it")
	}
}

// reported tells whether a finding is about a name already.
func (p *preflight) reported(name string) bool {
	return slices.ContainsFunc(p.findings, func(f Finding) bool { return strings.Contains(f.What, name) })
}

// ours returns the names of the resources in our resource group, nothing where there is none yet.
func (p *preflight) ours(group string) ([]string, error) {
	subscription := p.env["AZURE_SUBSCRIPTION_ID"]
	var exists bool
	if err := p.ask(&exists, "az", "group", "exists", "--name", group, "--subscription", subscription); err != nil || !exists {
		return nil, err
	}
	var resources []struct {
		Name string `json:"name"`
	}
	if err := p.ask(&resources, "az", "resource", "list", "--resource-group", group, "--subscription", subscription); err != nil {
		return nil, err
	}
	names := make([]string, len(resources))
	for i, r := range resources {
		names[i] = r.Name
	}
	return names, nil
}

func (p *preflight) deletedVault(name string) {
	if p.env["CROSSWALK_VAULT_CREATE_MODE"] == "recover" {
		return
	}
	var deleted []struct {
		Name       string `json:"name"`
		Properties struct {
			Location   string `json:"location"`
			PurgeDate  string `json:"scheduledPurgeDate"`
			Protection *bool  `json:"purgeProtectionEnabled"`
		} `json:"properties"`
	}
	if err := p.ask(&deleted, "az", "keyvault", "list-deleted", "--resource-type", "vault", "--subscription", p.env["AZURE_SUBSCRIPTION_ID"]); err != nil {
		p.unknown("deleted key vaults", err)
		return
	}
	for _, vault := range deleted {
		if vault.Name != name {
			continue
		}
		fix := "azd env set CROSSWALK_VAULT_CREATE_MODE recover"
		if vault.Properties.Protection == nil || !*vault.Properties.Protection {
			fix += fmt.Sprintf(" brings it back; az keyvault purge --name %s --location %s removes it for good", name, vault.Properties.Location)
		}
		p.block(fmt.Sprintf("a deleted key vault keeps the name %s until %s", name, vault.Properties.PurgeDate), "Azure makes no other vault of that name while it can be brought back", fix)
	}
}
