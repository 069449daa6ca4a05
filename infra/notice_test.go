package infra_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// set changes a value of one resource: kind, name ("" for the only one), path below properties.
func set(kind, name string, value any, keys ...any) func(*deployment) {
	return func(d *deployment) {
		r := d.one(kind)
		if name != "" {
			r = d.named(kind, name)
		}
		last := len(keys) - 1
		switch at := r.property(keys[:last]...).(type) {
		case map[string]any:
			at[keys[last].(string)] = value
		case []any:
			at[keys[last].(int)] = value
		default:
			panic(kind + " " + name + " has no such property")
		}
	}
}

// setTop changes a value beside the properties.
func setTop(kind string, value any, keys ...string) func(*deployment) {
	return func(d *deployment) {
		at := map[string]any(d.one(kind))
		for _, key := range keys[:len(keys)-1] {
			at = at[key].(map[string]any)
		}
		at[keys[len(keys)-1]] = value
	}
}

// remove takes a resource away.
func remove(kind, name string) func(*deployment) {
	return func(d *deployment) {
		before := len(d.resources)
		d.resources = slices.DeleteFunc(d.resources, func(r resource) bool { return strings.EqualFold(r.kind(), kind) && r.name() == name })
		if len(d.resources) == before {
			panic("there is no " + kind + " " + name)
		}
	}
}

// add puts a resource in.
func add(kind, name string, properties map[string]any) func(*deployment) {
	return func(d *deployment) {
		d.resources = append(d.resources, resource{"type": "Microsoft." + kind, "name": name, "id": "/x/" + name, "properties": properties})
	}
}

// giveSetting gives the site a setting; "" takes it away.
func giveSetting(name, value string) func(*deployment) {
	return func(d *deployment) {
		values := d.one("Web/sites/config").property().(map[string]any)
		if delete(values, name); value != "" {
			values[name] = value
		}
	}
}

// inWorkbook replaces a text of the workbook.
func inWorkbook(old, new string) func(*deployment) {
	return func(d *deployment) {
		properties := d.one("Insights/workbooks").property().(map[string]any)
		before := properties["serializedData"].(string)
		after := strings.Replace(before, old, new, 1)
		if after == before {
			panic("the workbook doesn't say " + old)
		}
		properties["serializedData"] = after
	}
}

// reassign changes the first role assignment that has this role.
func reassign(role, key string, value any) func(*deployment) {
	return func(d *deployment) {
		for _, r := range d.all("Authorization/roleAssignments") {
			if strings.HasSuffix(r.propertyText("roleDefinitionId"), role) {
				r["properties"].(map[string]any)[key] = value
				return
			}
		}
		panic("nobody has role " + role)
	}
}

const (
	account     = "Storage/storageAccounts"
	vault       = "KeyVault/vaults"
	site        = "Web/sites"
	workQueue   = "invoice-to-dataverse"
	definitions = "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions/"
)

// mutation is something that must not happen, and what the check says of it.
type mutation struct {
	check, in string
	change    func(*deployment)
	says      string
}

var mutations = []mutation{
	{"entities", "dev", remove(bus+"/queues", workQueue), workQueue},
	{"entities", "dev", add(bus+"/queues", "ns/one-too-many", nil), "one-too-many"},
	{"entities", "dev", set(bus+"/queues", workQueue, "PT2M", "lockDuration"), "PT2M"},
	{"entities", "dev", set(bus+"/queues", workQueue, 11.0, "maxDeliveryCount"), "11"},
	{"entities", "dev", set(bus+"/queues", workQueue, true, "requiresDuplicateDetection"), "requiresDuplicateDetection"},
	{"entities", "dev", set(bus+"/topics", "events", "PT1H", "duplicateDetectionHistoryTimeWindow"), "PT1H"},
	{"entities", "dev", set(bus+"/topics/subscriptions", workQueue, false, "deadLetteringOnFilterEvaluationExceptions"), "deadLetteringOnFilterEvaluationExceptions"},
	{"entities", "dev", set(bus+"/topics/subscriptions", workQueue, "account-to-fno", "forwardTo"), "account-to-fno"},
	{"entities", "dev", func(d *deployment) { d.all(bus + "/topics/subscriptions/rules")[0]["name"] = "ns/events/unrouted/only" }, "$Default"},
	{"entities", "dev", func(d *deployment) {
		d.all(bus + "/topics/subscriptions/rules")[1].property("sqlFilter").(map[string]any)["sqlExpression"] = "1=1"
	}, "1=1"},

	{"forwarding", "dev", set(bus+"/topics/subscriptions", workQueue, "nowhere", "forwardTo"), `"nowhere", which isn't deployed`},
	{"forwarding", "dev", set(bus+"/topics/subscriptions", workQueue, true, "requiresSession"), "has sessions"},
	{"forwarding", "dev", func(d *deployment) {
		set(bus+"/queues", workQueue, "account-to-fno", "forwardTo")(d)
		set(bus+"/queues", "account-to-fno", workQueue, "forwardTo")(d)
	}, "in a circle"},
	{"forwarding", "dev", func(d *deployment) {
		for _, hop := range []string{"a", "b", "c", "d"} {
			next := map[string]any{}
			if hop != "d" {
				next["forwardTo"] = string(hop[0] + 1)
			}
			add(bus+"/queues", "ns/"+hop, next)(d)
		}
		set(bus+"/queues", workQueue, "a", "forwardTo")(d)
	}, "more than 4 times"},

	{"limits", "dev", set(bus+"/queues", "fno-events", "PT6M", "lockDuration"), "PT6M, allowed are"},
	{"limits", "dev", set(bus+"/queues", "fno-events", "5 minutes", "lockDuration"), "no ISO 8601 duration"},
	{"limits", "dev", set(bus+"/queues", "fno-events", 0.0, "maxDeliveryCount"), "maxDeliveryCount is 0"},
	{"limits", "dev", set(bus+"/topics", "events", "PT192H", "duplicateDetectionHistoryTimeWindow"), "PT192H, allowed are"},
	{"limits", "dev", set("Insights/scheduledQueryRules", "abandoned", "PT5M", "windowSize"), "looks every 15m0s at the last 5m0s only"},
	{"limits", "dev", set("Insights/metricAlerts", "service-bus-fails", "PT1S", "evaluationFrequency"), "PT1S, allowed are"},

	{"bindings", "dev", remove(bus+"/queues", "fno-events"), `reads queue "fno-events", which isn't deployed`},
	{"bindings", "dev", set(bus+"/queues", "fno-events", true, "requiresSession"), "don't agree about sessions"},
	{"bindings", "dev", giveSetting("SERVICEBUS__FULLYQUALIFIEDNAMESPACE", "other.servicebus.windows.net"), "isn't the namespace"},
	{"bindings", "dev", giveSetting("SERVICEBUS__clientId", ""), "doesn't use the identity"},
	{"bindings", "dev", giveSetting("SERVICEBUS__credential", ""), "doesn't use the identity"},
	{"bindings", "dev", giveSetting("AzureWebJobsStorage__accountName", "other"), "a timer keeps its state"},
	{"bindings", "dev", set(site, "", "Disabled", "publicNetworkAccess"), "can't be called from outside"},

	{"settings", "dev", giveSetting("DATAVERSE_URI", "https://x"), "DATAVERSE_URI is given, and nobody reads it"},
	{"settings", "dev", giveSetting("DATAVERSE_URL", ""), "DATAVERSE_URL is read and not given"},
	{"settings", "dev", giveSetting("STORAGE_TABLE_ENDPOINT", ""), "STORAGE_TABLE_ENDPOINT is read and not given"},
	{"settings", "dev", giveSetting("AzureWebJobsStorage__credential", ""), "AzureWebJobsStorage__credential is missing"},
	{"settings", "dev", giveSetting("SERVICEBUS", "Endpoint=sb://x"), "SERVICEBUS must not be given"},
	{"settings", "dev", giveSetting("FUNCTIONS_WORKER_RUNTIME", "custom"), "Flex Consumption refuses it"},
	{"settings", "dev", giveSetting("ENTRA_CLIENT_ID", ""), "the handler refuses the settings: ENTRA_CLIENT_ID"},
	{"settings", "dev", giveSetting("ENTRA_MANAGED_IDENTITY_CLIENT_ID", ""), "isn't the deployed identity"},
	{"settings", "dev", giveSetting("STORAGE_BLOB_ENDPOINT", "https://other.blob.core.windows.net"), "looks for storage at https://other"},
	{"settings", "prod", giveSetting("ENTRA_CERTIFICATE_VAULT", "https://other.vault.azure.net"), "looks for its certificate at https://other"},
	{"settings", "prod", giveSetting("ENTRA_CERTIFICATE_NAME", "other"), "isn't the one that the hook is told to make"},
	{"settings", "prod", giveSetting("ENTRA_FEDERATED", "true"), "the handler refuses the settings: ENTRA_FEDERATED"},
	{"settings", "prod", giveSetting("INVOICE_TO_DATAVERSE_SETTLE_ATTEMPT", "20"), "nobody reads it"},
	{"settings", "prod", giveSetting("INVOICE_TO_DATAVERSE_SETTLE_ATTEMPTS", "many"), "the handler refuses the settings"},

	{"storage", "dev", remove(account+"/blobServices/containers", "claim-check"), "container claim-check"},
	{"storage", "dev", remove(account+"/tableServices/tables", "links"), "table links"},
	{"storage", "dev", set(account+"/managementPolicies", "", "app-package/", "policy", "rules", 0, "definition", "filters", "prefixMatch", 0), "is about app-package/"},
	{"storage", "dev", set(account+"/managementPolicies", "", 3.0, "policy", "rules", 0, "definition", "actions", "baseBlob", "delete", "daysAfterModificationGreaterThan"), "after 3 days"},
	{"storage", "dev", set(account+"/blobServices/containers", "app-package", "Blob", "publicAccess"), "read by anybody"},

	{"site", "dev", setTop(site, "function", "tags", "azd-service-name"), "azd finds the site"},
	{"site", "dev", setTop("Resources/resourceGroups", "other", "tags", "azd-env-name"), "azd finds the resource group"},
	{"site", "dev", setTop(site, map[string]any{}, "identity", "userAssignedIdentities"), "another identity"},
	{"site", "dev", set(site, "", "1", "functionAppConfig", "runtime", "version"), "custom 1.0"},
	{"site", "dev", set(site, "", "Disabled", "siteConfig", "ftpsState"), "may refuse siteConfig.ftpsState"},
	{"site", "dev", set(site, "", "/other", "serverFarmId"), "another plan"},
	{"site", "dev", set(site, "", "https://x/app-packages", "functionAppConfig", "deployment", "storage", "value"), "isn't deployed"},
	{"site", "dev", set(site, "", "/other", "functionAppConfig", "deployment", "storage", "authentication", "userAssignedIdentityResourceId"), "as another identity"},
	{"site", "dev", setTop("Web/serverfarms", "Y1", "sku", "name"), "isn't Flex Consumption"},

	{"roles", "dev", reassign("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "roleDefinitionId", definitions+"8e3af657-a8ff-443c-a75c-2fe8c4bcb635"), "none of the table"},
	{"roles", "dev", reassign("69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "roleDefinitionId", definitions+"4633458b-17de-408a-b874-0445c86b69e6"), "no code needs it: function app | Key Vault Secrets User | ServiceBus/namespaces"},
	{"roles", "dev", reassign("69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "principalId", deployer), "not granted: function app | Azure Service Bus Data Sender"},
	{"roles", "dev", reassign("acdd72a7-3385-48ef-bd42-f606fba81ae7", "principalType", "User"), "is a User"},
	{"roles", "dev", reassign("0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", "roleDefinitionId", definitions+"b7e6dc6d-f1e8-4753-8033-0f276bb0955b"), "granted twice"},
	{"roles", "prod", func(d *deployment) {
		for _, r := range d.all("Authorization/roleAssignments") {
			r["id"] = strings.Replace(r.id(), "/secrets/fno-servicebus", "", 1)
		}
	}, "no code needs it: " + fno + " | Key Vault Secrets User | KeyVault/vaults"},
	{"roles", "dev", func(d *deployment) { d.all("Authorization/roleAssignments")[0]["name"] = "storage" }, "isn't named by a GUID"},

	{"names", "dev", func(d *deployment) { d.one(account)["name"] = "st-crosswalk" }, `"st-crosswalk" is no name`},
	{"names", "dev", func(d *deployment) { d.one(vault)["name"] = "kv-crosswalk-contoso-development" }, "is no name"},
	{"names", "dev", func(d *deployment) {
		d.all(bus + "/topics/subscriptions")[0]["name"] = "ns/events/" + strings.Repeat("x", 51)
	}, "is no name"},
	{"names", "dev", add("Web/staticSites", "x", nil), "no rule is known"},
	{"names", "dev", func(d *deployment) { d.resources = append(d.resources, d.resources[1]) }, "deployed twice"},

	{"secrets", "dev", func(d *deployment) {
		d.outputs["CONNECTION"] = "[listKeys('/x', '2024-01-01').primaryConnectionString]"
	}, "an output shows a secret"},
	{"secrets", "dev", giveSetting("STORAGE", "[format('AccountKey={0}', listKeys('/x', '2024-01-01').keys[0].value)]"), "outside Key Vault"},
	{"secrets", "dev", set(vault+"/secrets", "", "Endpoint=sb://x;SharedAccessKey=y", "value"), "is written into the template"},

	{"local auth", "dev", set(account, "", true, "allowSharedKeyAccess"), "shared key"},
	{"local auth", "dev", set(bus, "", true, "disableLocalAuth"), "exactly where"},
	{"local auth", "prod-private", set(bus, "", false, "disableLocalAuth"), "exactly where"},
	{"local auth", "dev", add(bus+"/AuthorizationRules", "ns/admin", map[string]any{"rights": []any{"Manage", "Send", "Listen"}}), "ns/admin isn't declared"},
	{"local auth", "dev", set(bus+"/AuthorizationRules", "fno-send", []any{"Send", "Listen"}, "rights"), "has the rights [Send Listen]"},
	{"local auth", "dev", set("Insights/components", "", false, "DisableLocalAuth"), "Application Insights"},
	{"local auth", "dev", set("OperationalInsights/workspaces", "", false, "features", "disableLocalAuth"), "Log Analytics"},
	{"local auth", "dev", set(vault, "", false, "enableRbacAuthorization"), "access policies"},
	{"local auth", "dev", set(site+"/basicPublishingCredentialsPolicies", "scm", true, "allow"), "for scm"},

	{"transport", "dev", set(bus, "", "1.0", "minimumTlsVersion"), "minimumTlsVersion] is 1.0"},
	{"transport", "dev", set(account, "", "TLS1_0", "minimumTlsVersion"), "TLS1_0"},
	{"transport", "dev", set(account, "", false, "supportsHttpsTrafficOnly"), "supportsHttpsTrafficOnly"},
	{"transport", "dev", set(account, "", true, "allowBlobPublicAccess"), "allowBlobPublicAccess"},
	{"transport", "dev", set(site, "", false, "httpsOnly"), "httpsOnly"},
	{"transport", "dev", set(site, "", "1.1", "siteConfig", "minTlsVersion"), "minTlsVersion"},
	{"transport", "dev", set(site, "", "1.1", "siteConfig", "scmMinTlsVersion"), "scmMinTlsVersion"},

	{"network", "prod-private", setTop(bus, "Standard", "sku", "name"), "the tier is Standard"},
	{"network", "dev", setTop(bus, "Premium", "sku", "name"), "the tier is Premium"},
	{"network", "prod-private", set(account, "", "Enabled", "publicNetworkAccess"), "reached from the internet"},
	{"network", "prod-private", set(bus, "", "Enabled", "publicNetworkAccess"), "reached from the internet"},
	{"network", "prod-private", set(bus+"/networkRuleSets", "", "Allow", "defaultAction"), "lets everybody in"},
	{"network", "prod-private", set(site, "", nil, "virtualNetworkSubnetId"), "don't take the network"},
	{"network", "prod-private", func(d *deployment) { d.resources = slices.DeleteFunc(d.resources, isEndpointOf("table")) }, "no private endpoint for [table]"},
	{"network", "prod-private", remove("Network/privateDnsZones", "privatelink.servicebus.windows.net"), `names of [namespace] are looked up in zone ""`},
	{"network", "prod-private", func(d *deployment) {
		d.resources = slices.DeleteFunc(d.resources, func(r resource) bool { return r.kind() == "Network/privateDnsZones/virtualNetworkLinks" })
	}, `names of [blob] are looked up in zone ""`},
	{"network", "prod-private", set("Network/virtualNetworks", "", []any{}, "subnets", 0, "properties", "delegations"), "isn't delegated"},

	{"alerts", "dev", remove("Insights/metricAlerts", "dead-letters-"+workQueue), "DeadletteredMessages of queue " + workQueue},
	{"alerts", "dev", remove("Insights/metricAlerts", "backlog-fno-events"), "ActiveMessages of queue fno-events"},
	{"alerts", "dev", remove("Insights/metricAlerts", "topic-fills"), "topic events fills up"},
	{"alerts", "dev", set("Insights/metricAlerts", "dead-letters-"+workQueue, []any{}, "actions"), "tells"},
	{"alerts", "dev", set("Insights/metricAlerts", "dead-letters-"+workQueue, "/none", "actions", 0, "actionGroupId"), "/none"},
	{"alerts", "dev", set("Insights/metricAlerts", "dead-letters-"+workQueue, "DeadLetters", "criteria", "allOf", 0, "metricName"), "no metric DeadLetters"},
	{"alerts", "dev", set("Insights/metricAlerts", "dead-letters-"+workQueue, "invoices", "criteria", "allOf", 0, "dimensions", 0, "values", 0), "about invoices, which isn't deployed"},
	{"alerts", "dev", set("Insights/metricAlerts", "dead-letters-"+workQueue, false, "enabled"), "something that isn't deployed"},
	{"alerts", "dev", set("Insights/scheduledQueryRules", "needs-a-person", "AppTraces | where outcome == \"alert\"", "criteria", "allOf", 0, "query"), "outcome is neither"},
	{"alerts", "dev", remove("Insights/scheduledQueryRules", "nothing-runs"), "nothing-runs is missing"},
	{"alerts", "dev", set("Insights/scheduledQueryRules", "abandoned", []any{}, "actions", "actionGroups"), "tells nobody"},
	{"alerts", "dev", remove("Insights/scheduledQueryRules", "function-failures-pricing"), "function-failures-pricing is missing"},
	{"alerts", "dev", remove("Insights/scheduledQueryRules", "throttled-by-a-system-platform"), "throttled-by-a-system-platform is missing"},
	{"alerts", "dev", set("Insights/scheduledQueryRules", "function-failures-pricing", `AppRequests | where Success == false and OperationName in ("vendor-to-dataverse")`, "criteria", "allOf", 0, "query"), "leaves out price-to-dataverse"},
	{"alerts", "dev", set("Insights/scheduledQueryRules", "function-failures-platform", `AppRequests | where Success == false and OperationName !in ("receive-fno-event")`, "criteria", "allOf", 0, "query"), "leaves out receive-fno-event"},
	{"alerts", "prod", remove("EventGrid/systemTopics/eventSubscriptions", "certificate-expiry"), "about to expire"},
	{"alerts", "prod", set("EventGrid/systemTopics/eventSubscriptions", "", "EventGridSchema", "eventDeliverySchema"), "as CloudEvents only"},
	{"alerts", "prod", set("EventGrid/systemTopics/eventSubscriptions", "", "/none", "destination", "properties", "actionGroups", 0), "certificate's alert tells nobody"},

	{"teams", "dev", remove("Insights/actionGroups", "crosswalk-finance-integrations"), "has no action group"},
	{"teams", "dev", set("Insights/actionGroups", "crosswalk-platform", []any{}, "emailReceivers"), "nobody in team platform"},
	{"teams", "dev", set("Insights/actionGroups", "crosswalk-platform", "more than twelve", "groupShortName"), "isn't 1 to 12"},
	{"teams", "dev", add("Insights/actionGroups", "crosswalk-nobody", map[string]any{}), "no contract names"},

	{"workbook", "dev", inWorkbook(`line.outcome == \"retry\"`, `line.outcome == \"retried\"`), `never "retried"`},
	{"workbook", "dev", inWorkbook("line.field", "line.column"), "no field column"},
	{"workbook", "dev", inWorkbook("namespaces--DeadletteredMessages", "namespaces--DeadLetters"), "no metric DeadLetters"},
	{"workbook", "dev", inWorkbook("queues/fno-events/overview", "queues/fno/overview"), "which isn't deployed"},
	{"workbook", "prod", inWorkbook("catalog/flows/account-to-fno.md", "catalog/flows/account.md"), "no page account.md"},
	{"workbook", "dev", inWorkbook(`{"version"`, `"version"`), "the workbook's data"},
	{"workbook", "dev", inWorkbook(`"values":["invoice-to-dataverse",`, `"values":["invoices",`), "charts queue invoices"},
	{"workbook", "dev", set("Insights/workbooks", "", "/none", "sourceId"), "belongs to nothing"},

	{"keeping", "prod", set(vault, "", nil, "enablePurgeProtection"), "purge protection"},
	{"keeping", "dev", set(vault, "", false, "enablePurgeProtection"), "refuses purge protection false"},
	{"keeping", "dev", set("OperationalInsights/workspaces", "", -1.0, "workspaceCapping", "dailyQuotaGb"), "no daily cap"},
	{"keeping", "dev", set(account+"/blobServices", "", false, "deleteRetentionPolicy", "enabled"), "deleted blobs"},
	{"keeping", "dev", set(vault, "", false, "enableSoftDelete"), "doesn't keep"},
	{"keeping", "dev", func(d *deployment) {
		d.resources = slices.DeleteFunc(d.resources, func(r resource) bool { return r.kind() == "Insights/diagnosticSettings" })
	}, "logs to nowhere"},
}

func isEndpointOf(group string) func(resource) bool {
	return func(r resource) bool {
		return r.kind() == "Network/privateEndpoints" && r.property("privateLinkServiceConnections", 0, "properties", "groupIds", 0) == group
	}
}

// Each check notices what it is there for.
func TestEachCheckNotices(t *testing.T) {
	w := newWorld(t)
	all := deployments(t)
	tried := map[string]bool{}
	for _, m := range mutations {
		d := all[m.in].clone()
		if found := checks[m.check](w, d); len(found) > 0 {
			t.Errorf("%s on %s is not content to begin with: %v", m.check, m.in, found)
			continue
		}
		m.change(d)
		if found := strings.Join(checks[m.check](w, d), "\n"); !strings.Contains(found, m.says) {
			t.Errorf("%s on %s does not say %q, but:\n%s", m.check, m.in, m.says, found)
		}
		tried[m.check] = true
	}
	for _, what := range slices.Sorted(maps.Keys(checks)) {
		if !tried[what] {
			t.Errorf("nothing shows that the check %q notices anything", what)
		}
	}
}
