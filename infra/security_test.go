package infra_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"crosswalk/shared/topology"
)

// nameRules are what Azure accepts as names, from its "naming rules and restrictions for Azure resources".
var nameRules = map[string]*regexp.Regexp{
	"Resources/resourceGroups":                        regexp.MustCompile(`^[\w().-]{0,89}[\w()-]$`),
	"ManagedIdentity/userAssignedIdentities":          regexp.MustCompile(`^[A-Za-z0-9][\w-]{2,127}$`),
	"OperationalInsights/workspaces":                  regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]$`),
	"Insights/components":                             regexp.MustCompile(`^[\w().-]{1,254}[\w()-]$`),
	"Storage/storageAccounts":                         regexp.MustCompile(`^[a-z0-9]{3,24}$`),
	"Storage/storageAccounts/blobServices/containers": regexp.MustCompile(`^[a-z0-9]([a-z0-9]|-[a-z0-9]){2,62}$`),
	"Storage/storageAccounts/tableServices/tables":    regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{2,62}$`),
	bus:                                             regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]$`),
	bus + "/queues":                                 regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./_-]{0,258}[A-Za-z0-9_]$`),
	bus + "/topics":                                 regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9./_-]{0,258}[A-Za-z0-9_]$`),
	bus + "/topics/subscriptions":                   regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,48}[A-Za-z0-9_]$`),
	bus + "/topics/subscriptions/rules":             regexp.MustCompile(`^[$A-Za-z0-9][$A-Za-z0-9._-]{0,48}[A-Za-z0-9_]$`),
	bus + "/AuthorizationRules":                     regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,48}[A-Za-z0-9]$`),
	bus + "/queues/authorizationRules":              regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,48}[A-Za-z0-9]$`),
	"KeyVault/vaults":                               regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9]|-[A-Za-z0-9]){2,23}$`),
	"KeyVault/vaults/secrets":                       regexp.MustCompile(`^[A-Za-z0-9-]{1,127}$`),
	"Web/serverfarms":                               regexp.MustCompile(`^[A-Za-z0-9-]{1,60}$`),
	"Web/sites":                                     regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]$`),
	"EventGrid/systemTopics":                        regexp.MustCompile(`^[A-Za-z0-9-]{3,50}$`),
	"EventGrid/systemTopics/eventSubscriptions":     regexp.MustCompile(`^[A-Za-z0-9-]{3,64}$`),
	"Insights/actionGroups":                         regexp.MustCompile(`^[A-Za-z0-9][\w .-]{0,258}[\w-]$`),
	"Insights/metricAlerts":                         regexp.MustCompile(`^[A-Za-z0-9][\w .-]{0,258}[\w-]$`),
	"Insights/scheduledQueryRules":                  regexp.MustCompile(`^[A-Za-z0-9][\w .-]{0,258}[\w-]$`),
	"Insights/workbooks":                            guid,
	"Network/virtualNetworks":                       regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,62}\w$`),
	"Network/privateEndpoints":                      regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,78}\w$`),
	"Network/privateEndpoints/privateDnsZoneGroups": regexp.MustCompile(`^default$`),
	"Network/privateDnsZones":                       regexp.MustCompile(`^privatelink\.[a-z.]+$`),
	"Network/privateDnsZones/virtualNetworkLinks":   regexp.MustCompile(`^[A-Za-z0-9][\w.-]{0,78}\w$`),
	"Insights/diagnosticSettings":                   regexp.MustCompile(`^to-log-analytics$`),
	"Authorization/roleAssignments":                 guid,
	bus + "/networkRuleSets":                        regexp.MustCompile(`^default$`),
	"Storage/storageAccounts/blobServices":          regexp.MustCompile(`^default$`),
	"Storage/storageAccounts/tableServices":         regexp.MustCompile(`^default$`),
	"Storage/storageAccounts/managementPolicies":    regexp.MustCompile(`^default$`),
	"Web/sites/config":                              regexp.MustCompile(`^appsettings$`),
	"Web/sites/basicPublishingCredentialsPolicies":  regexp.MustCompile(`^(ftp|scm)$`),
}

// checkNames holds each name to Azure's rules for its type, and wants each resource once.
func checkNames(_ *world, d *deployment) (f faults) {
	seen := map[string]bool{}
	for _, r := range d.resources {
		rule := nameRules[r.kind()]
		if rule == nil {
			f.add("no rule is known for names of type %s (%s)", r.kind(), r.name())
			continue
		}
		name := r.name()
		f.want(rule.MatchString(name), "%s %q is no name that Azure accepts", r.kind(), name)
		f.want(!seen[strings.ToLower(r.id())], "%s is deployed twice", r.id())
		seen[strings.ToLower(r.id())] = true
	}
	return f
}

// secret are the functions of the template language that return one.
var secret = regexp.MustCompile(`(?i)\blist[a-z]*\(|connectionString=|AccountKey=|SharedAccessKey=|primaryKey|InstrumentationKey=`)

// checkSecrets allows a secret as a value of Key Vault and nowhere else.
func checkSecrets(_ *world, d *deployment) (f faults) {
	for _, r := range d.resources {
		walk(r.text("name"), map[string]any(r), func(where, text string) {
			kept := r.kind() == "KeyVault/vaults/secrets" && where == r.text("name")+".properties.value"
			f.want(kept || !secret.MatchString(text), "%s holds a secret outside Key Vault", where)
		})
	}
	walk("outputs", d.outputs, func(where, text string) {
		f.want(!secret.MatchString(text), "%s: an output shows a secret", where)
	})
	for _, r := range d.all("KeyVault/vaults/secrets") {
		value := fmt.Sprint(r.property("value"))
		f.want(strings.HasPrefix(value, "[listKeys("), "secret %s is written into the template", r.name())
	}
	return f
}

// walk calls visit for every text below v.
func walk(where string, v any, visit func(where, text string)) {
	switch v := v.(type) {
	case string:
		visit(where, v)
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walk(where+"."+key, v[key], visit)
		}
	case []any:
		for i := range v {
			walk(fmt.Sprintf("%s[%d]", where, i), v[i], visit)
		}
	}
}

// checkLocalAuth allows keys and passwords where they are declared: to send, for F&O and Dataverse.
func checkLocalAuth(w *world, d *deployment) (f faults) {
	namespace := d.one(bus)
	rules := append(d.all(bus+"/AuthorizationRules"), d.all(bus+"/queues/authorizationRules")...)
	declared := []string{namespace.name() + "/fno-send"}
	if i := slices.IndexFunc(w.topology.Ingress, func(in topology.Ingress) bool { return in.Function == "receive-dataverse-event" }); i >= 0 {
		declared = append(declared, namespace.name()+"/"+w.topology.Ingress[i].Queue+"/dataverse-send")
	}
	for _, r := range rules {
		f.want(slices.Contains(declared, r.text("name")), "authorization rule %s isn't declared", r.text("name"))
		rights, _ := r.property("rights").([]any)
		f.want(len(rights) == 1 && rights[0] == "Send", "authorization rule %s has the rights %v", r.text("name"), rights)
	}
	f.want(namespace.property("disableLocalAuth") == (len(rules) == 0), "Service Bus takes keys exactly where there is one to send with; it has %d", len(rules))
	f.want(d.one("Storage/storageAccounts").property("allowSharedKeyAccess") == false, "storage takes its shared key")
	f.want(d.one("Insights/components").property("DisableLocalAuth") == true, "Application Insights takes its key")
	f.want(d.one("OperationalInsights/workspaces").property("features", "disableLocalAuth") == true, "Log Analytics takes its key")
	vault := d.one("KeyVault/vaults")
	f.want(vault.property("enableRbacAuthorization") == true && vault.property("accessPolicies") == nil, "Key Vault goes by access policies")
	for _, kind := range []string{"ftp", "scm"} {
		f.want(d.named("Web/sites/basicPublishingCredentialsPolicies", kind).property("allow") == false, "the site takes user name and password for %s", kind)
	}
	return f
}

// checkTransport wants TLS 1.2 everywhere and nothing unencrypted.
func checkTransport(_ *world, d *deployment) (f faults) {
	for _, c := range []struct {
		kind string
		path []any
		want any
	}{
		{bus, []any{"minimumTlsVersion"}, "1.2"},
		{"Storage/storageAccounts", []any{"minimumTlsVersion"}, "TLS1_2"},
		{"Storage/storageAccounts", []any{"supportsHttpsTrafficOnly"}, true},
		{"Storage/storageAccounts", []any{"allowBlobPublicAccess"}, false},
		{"Web/sites", []any{"httpsOnly"}, true},
		{"Web/sites", []any{"siteConfig", "minTlsVersion"}, "1.2"},
		{"Web/sites", []any{"siteConfig", "scmMinTlsVersion"}, "1.2"},
	} {
		got := d.one(c.kind).property(c.path...)
		f.want(got == c.want, "%s: %v is %v, not %v", c.kind, c.path, got, c.want)
	}
	return f
}

// checkNetwork wants all of a private network or none of it, and private endpoints with Premium only.
func checkNetwork(_ *world, d *deployment) (f faults) {
	tier := d.one(bus).at("sku", "name")
	private := d.name == "prod-private"
	f.want((tier == "Premium") == private, "the tier is %v", tier)
	groups := map[string]bool{}
	for _, r := range d.all("Network/privateEndpoints") {
		connection := r.property("privateLinkServiceConnections", 0, "properties")
		target, _ := connection.(map[string]any)
		f.want(d.has(fmt.Sprint(target["privateLinkServiceId"])), "%s leads to %v, which isn't deployed", r.name(), target["privateLinkServiceId"])
		group := fmt.Sprint(target["groupIds"])
		groups[group] = true
		zone := d.endpointZone(r)
		f.want(zone == zones[group], "names of %s are looked up in zone %q, not %q", group, zone, zones[group])
	}
	if !private {
		f.want(len(groups) == 0 && d.one("Web/sites").property("virtualNetworkSubnetId") == nil, "half a private network")
		return f
	}
	for group := range zones {
		f.want(groups[group], "there is no private endpoint for %s", group)
	}
	keys := len(d.all(bus+"/AuthorizationRules")) + len(d.all(bus+"/queues/authorizationRules"))
	for _, kind := range []string{"Storage/storageAccounts", bus, "KeyVault/vaults"} {
		if kind == "Storage/storageAccounts" || keys == 0 {
			f.want(d.one(kind).property("publicNetworkAccess") == "Disabled", "%s can be reached from the internet", kind)
		}
	}
	f.want(d.one(bus+"/networkRuleSets").property("defaultAction") == "Deny", "the firewall of Service Bus lets everybody in")
	subnet := fmt.Sprint(d.one("Web/sites").property("virtualNetworkSubnetId"))
	network := d.one("Network/virtualNetworks")
	delegated := network.property("subnets", 0, "properties", "delegations", 0, "properties", "serviceName")
	f.want(subnet == network.id()+"/subnets/functions", "the site's outgoing calls don't take the network: %s", subnet)
	f.want(network.property("subnets", 0, "name") == "functions" && delegated == "Microsoft.App/environments", "the site's subnet isn't delegated to Flex Consumption")
	return f
}

// zones are the private DNS zones by what an endpoint leads to.
var zones = map[string]string{
	"[blob]": "privatelink.blob.core.windows.net", "[table]": "privatelink.table.core.windows.net",
	"[namespace]": "privatelink.servicebus.windows.net", "[vault]": "privatelink.vaultcore.azure.net",
}

// endpointZone returns the private DNS zone that an endpoint's name is put into, if it is deployed and linked.
func (d *deployment) endpointZone(endpoint resource) string {
	for _, group := range d.all("Network/privateEndpoints/privateDnsZoneGroups") {
		if !strings.HasPrefix(group.text("name"), endpoint.name()+"/") {
			continue
		}
		id := fmt.Sprint(group.property("privateDnsZoneConfigs", 0, "properties", "privateDnsZoneId"))
		for _, zone := range d.all("Network/privateDnsZones") {
			linked := slices.ContainsFunc(d.all("Network/privateDnsZones/virtualNetworkLinks"), func(link resource) bool {
				return strings.HasPrefix(resolve(link.text("name")), resolve(zone.text("name"))+"/")
			})
			if linked && id == zone.id() {
				return resolve(zone.text("name"))
			}
		}
	}
	return ""
}

// checkKeeping looks at what protects against loss and against bills.
func checkKeeping(_ *world, d *deployment) (f faults) {
	prod := strings.HasPrefix(d.name, "prod")
	vault := d.one("KeyVault/vaults")
	f.want((vault.property("enablePurgeProtection") == true) == prod, "purge protection is %v", vault.property("enablePurgeProtection"))
	f.want(vault.property("enablePurgeProtection") != false, "Key Vault refuses purge protection false; it is left out")
	f.want(vault.property("enableSoftDelete") == true, "Key Vault doesn't keep what is deleted")
	f.want(d.one("Storage/storageAccounts/blobServices").property("deleteRetentionPolicy", "enabled") == true, "deleted blobs are gone")
	quota, _ := d.one("OperationalInsights/workspaces").property("workspaceCapping", "dailyQuotaGb").(float64)
	f.want(quota > 0, "logs have no daily cap")
	for _, kind := range []string{bus, "KeyVault/vaults", "Web/sites"} {
		id := d.one(kind).id()
		found := slices.ContainsFunc(d.all("Insights/diagnosticSettings"), func(r resource) bool {
			return strings.HasPrefix(r.id(), id+"/providers/Microsoft.Insights/") && d.has(fmt.Sprint(r.property("workspaceId")))
		})
		f.want(found, "%s logs to nowhere", kind)
	}
	return f
}
