package infra_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosswalk/shared/claim"
	"crosswalk/shared/link"
	"crosswalk/shared/settings"
)

// appSettings returns the site's settings, expressions included.
func (d *deployment) appSettings() map[string]string {
	out := map[string]string{}
	for _, r := range d.all("Web/sites/config") {
		values, _ := r.property().(map[string]any)
		for name, value := range values {
			out[name] = fmt.Sprint(value)
		}
	}
	return out
}

// setting finds a setting as the host does, whatever its case.
func setting(values map[string]string, name string) string {
	for other, value := range values {
		if strings.EqualFold(other, name) {
			return value
		}
	}
	return ""
}

// checkBindings holds each binding of a function.json against what is deployed.
func checkBindings(w *world, d *deployment) (f faults) {
	values := d.appSettings()
	for name, fn := range w.functions {
		for _, binding := range fn.bindings {
			switch binding["type"] {
			case "serviceBusTrigger":
				queue, _ := binding["queueName"].(string)
				entity := d.named(bus+"/queues", queue)
				f.want(entity != nil, "%s reads queue %q, which isn't deployed", name, queue)
				if entity != nil {
					f.want((binding["isSessionsEnabled"] == true) == (entity.property("requiresSession") == true), "%s and queue %s don't agree about sessions", name, queue)
				}
				connection, _ := binding["connection"].(string)
				f.want(connection != "", "%s: a trigger without connection doesn't wake the app", name)
				f.want(setting(values, connection+"__fullyQualifiedNamespace") == d.one(bus).name()+".servicebus.windows.net",
					"%s: setting %s__fullyQualifiedNamespace isn't the namespace", name, connection)
				f.want(setting(values, connection+"__credential") == "managedidentity" && strings.Contains(setting(values, connection+"__clientId"), "clientId"),
					"%s: connection %s doesn't use the identity", name, connection)
			case "timerTrigger":
				f.want(values["AzureWebJobsStorage__accountName"] == d.one("Storage/storageAccounts").name() && values["AzureWebJobsStorage__credential"] == "managedidentity" &&
					strings.Contains(values["AzureWebJobsStorage__clientId"], "clientId"), "%s: a timer keeps its state in AzureWebJobsStorage, which isn't the account with the identity", name)
			case "httpTrigger":
				f.want(d.one("Web/sites").property("publicNetworkAccess") == "Enabled", "%s can't be called from outside", name)
			case "http":
			default:
				f.add("%s: nothing is known about what a binding of type %v needs", name, binding["type"])
			}
		}
	}
	return f
}

// hostSettings are what the Functions host reads, and why they are there. The handler reads none of them.
var hostSettings = map[string]string{
	"APPLICATIONINSIGHTS_CONNECTION_STRING":     "where the host sends telemetry",
	"APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "as whom",
	"AzureWebJobsStorage__accountName":          "the host's own storage",
	"AzureWebJobsStorage__credential":           "",
	"AzureWebJobsStorage__clientId":             "",
	"SERVICEBUS__credential":                    "the triggers' connection; its namespace is read by the handler as well",
	"SERVICEBUS__clientId":                      "",
	"AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__excludedTypes": "no line is left out as a sample",
	"AzureFunctionsJobHost__logging__logLevel__Function":                                   "fewer lines about invocations",
}

// notInAzure are the documented settings that no site has, and why.
var notInAzure = map[string]string{
	"SERVICEBUS":                   "a connection string; the identity is used",
	"STORAGE_CONNECTION_STRING":    "the same",
	"ENTRA_AUTHORITY_HOST":         "the public cloud is the default",
	"ENTRA_CERTIFICATE_PATH":       "the certificate is in Key Vault",
	"SSL_CERT_FILE":                "for simulated systems",
	"FUNCTIONS_WORKER_RUNTIME":     "Flex Consumption refuses it: functionAppConfig says the runtime",
	"AzureWebJobsStorage":          "a connection string; AzureWebJobsStorage__accountName is used",
	"FUNCTIONS_CUSTOMHANDLER_PORT": "the host gives it",
}

// checkSettings holds the site's settings against what the code reads, in both directions, and then lets the code read them.
func checkSettings(w *world, d *deployment) (f faults) {
	values := d.appSettings()
	read := map[string]settings.Setting{}
	for _, s := range settings.Document() {
		read[s.Name] = s
	}
	for name := range values {
		_, host := hostSettings[name]
		_, why := notInAzure[name]
		f.want(!why, "setting %s must not be given: %s", name, notInAzure[name])
		if _, ok := read[name]; !ok && !host && !overrides(w, read, name) {
			f.add("setting %s is given, and nobody reads it", name)
		}
	}
	for name := range hostSettings {
		f.want(values[name] != "", "setting %s is missing: %s", name, hostSettings[name])
	}
	for name := range notInAzure {
		_, ok := read[name]
		f.want(ok, "setting %s doesn't exist any more", name)
	}
	for name, s := range read {
		_, why := notInAzure[name]
		f.want(values[name] != "" || s.Default != "" || why || strings.HasPrefix(s.Name, "ENTRA_"), "setting %s is read and not given", name)
	}
	loaded, err := load(values)
	if err != nil {
		f.add("the handler refuses the settings: %v", err)
		return f
	}
	account := d.one("Storage/storageAccounts").name()
	f.want(loaded.Storage.BlobEndpoint == "https://"+account+".blob.core.windows.net" && loaded.Storage.TableEndpoint == "https://"+account+".table.core.windows.net",
		"the handler looks for storage at %s and %s", loaded.Storage.BlobEndpoint, loaded.Storage.TableEndpoint)
	f.want(loaded.ServiceBus.FullyQualifiedNamespace == d.one(bus).name()+".servicebus.windows.net", "the handler looks for Service Bus at %s", loaded.ServiceBus.FullyQualifiedNamespace)
	f.want(loaded.Entra.ManagedIdentityClientID == identityClientID, "towards Azure the handler isn't the deployed identity")
	if loaded.Entra.CertificateVault != "" {
		f.want(loaded.Entra.CertificateVault == "https://"+d.one("KeyVault/vaults").name()+".vault.azure.net", "the handler looks for its certificate at %s", loaded.Entra.CertificateVault)
		f.want(loaded.Entra.CertificateName == d.outputs["CROSSWALK_CERTIFICATE_NAME"], "the certificate read isn't the one that the hook is told to make")
	}
	return f
}

// overrides reports whether name is a setting for one function.
func overrides(w *world, read map[string]settings.Setting, name string) bool {
	for function := range w.functions {
		rest, ok := strings.CutPrefix(name, strings.ToUpper(strings.ReplaceAll(function, "-", "_"))+"_")
		if ok && read[rest].PerFunction {
			return true
		}
	}
	return false
}

const identityClientID = "22222222-0000-4000-8000-000000000001"

// load reads the settings as the handler would, in an environment that holds nothing else. What Azure alone knows gets a
// value of its kind.
func load(values map[string]string) (settings.Settings, error) {
	before := os.Environ()
	defer func() {
		os.Clearenv()
		for _, variable := range before {
			name, value, _ := strings.Cut(variable, "=")
			os.Setenv(name, value)
		}
	}()
	os.Clearenv()
	for name, value := range values {
		os.Setenv(name, resolve(value))
	}
	return settings.Load()
}

var formats = regexp.MustCompile(`format\(('[^']*'(?:, (?:'[^']*'|environment\(\)\.suffixes\.\w+))+)\)`)

// resolve gives an expression a value: the public cloud's suffixes, an identity's client id. What it doesn't know stays.
func resolve(value string) string {
	if !strings.HasPrefix(value, "[") {
		return value
	}
	if strings.HasSuffix(value, ".clientId]") {
		return identityClientID
	}
	for formats.MatchString(value) { // from the inside out
		value = formats.ReplaceAllStringFunc(value, func(call string) string {
			arguments := strings.Split(formats.FindStringSubmatch(call)[1], ", ")
			text := arguments[0]
			for i, argument := range arguments[1:] {
				argument = strings.NewReplacer("'", "", "environment().suffixes.storage", "core.windows.net", "environment().suffixes.keyvaultDns", ".vault.azure.net").Replace(argument)
				text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i), argument)
			}
			return text
		})
	}
	if text, ok := strings.CutPrefix(value, "['"); ok {
		return strings.TrimSuffix(text, "']")
	}
	return value
}

func TestExpressionsAreResolved(t *testing.T) {
	for value, want := range map[string]string{
		"plain": "plain",
		"[format('https://{0}{1}', 'kv-x', environment().suffixes.keyvaultDns)]":                        "https://kv-x.vault.azure.net",
		"[format('{0}/{1}', format('privatelink.blob.{0}', environment().suffixes.storage), 'vnet-x')]": "privatelink.blob.core.windows.net/vnet-x",
		"[reference('/x', '2024-11-30').clientId]":                                                      identityClientID,
	} {
		if got := resolve(value); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// Each way to prove who Crosswalk is has a parameter set that shows it.
func TestBothCredentialsAreDeployedSomewhere(t *testing.T) {
	found := map[string]bool{}
	for _, d := range deployments(t) {
		values := d.appSettings()
		found["federated"] = found["federated"] || values["ENTRA_FEDERATED"] == "true"
		found["certificate"] = found["certificate"] || values["ENTRA_CERTIFICATE_VAULT"] != ""
	}
	if !found["federated"] || !found["certificate"] {
		t.Errorf("only %v", slices.Sorted(maps.Keys(found)))
	}
}

// checkStorage looks for the container and the table that the code uses.
func checkStorage(_ *world, d *deployment) (f faults) {
	f.want(d.named("Storage/storageAccounts/blobServices/containers", claim.Container) != nil, "container %s for large bodies is missing", claim.Container)
	f.want(d.named("Storage/storageAccounts/tableServices/tables", link.TableName) != nil, "table %s for the links is missing", link.TableName)
	rule := d.one("Storage/storageAccounts/managementPolicies")
	prefix := rule.property("policy", "rules", 0, "definition", "filters", "prefixMatch", 0)
	f.want(prefix == claim.Container+"/", "the rule that deletes old blobs is about %v", prefix)
	days, _ := rule.property("policy", "rules", 0, "definition", "actions", "baseBlob", "delete", "daysAfterModificationGreaterThan").(float64)
	f.want(days >= 14, "large bodies are deleted after %v days, while messages may wait", days)
	for _, r := range d.all("Storage/storageAccounts/blobServices/containers") {
		f.want(r.property("publicAccess") == "None", "container %s can be read by anybody", r.name())
	}
	return f
}

// flexTakes are the properties of siteConfig that Flex Consumption is known to take. For others ARM refuses the site: "The
// following list of 2 site configuration properties (Site.SiteConfig.FtpsState, Site.SiteConfig.LinuxFxVersion) for Flex
// Consumption sites is invalid. Please remove or rename them before retrying." (error 51021, newer regions)
var flexTakes = []string{"minTlsVersion", "scmMinTlsVersion", "http20Enabled"}

// checkSite looks at what Flex Consumption needs to start the handler.
func checkSite(_ *world, d *deployment) (f faults) {
	site := d.one("Web/sites")
	f.want(site.at("tags", "azd-service-name") == "functions", "azd finds the site by tag azd-service-name: functions")
	f.want(site.property("functionAppConfig", "runtime", "name") == "custom" && site.property("functionAppConfig", "runtime", "version") == "1.0", "runtime isn't custom 1.0")
	config, _ := site.property("siteConfig").(map[string]any)
	for name := range config {
		f.want(slices.Contains(flexTakes, name), "Flex Consumption may refuse siteConfig.%s", name)
	}
	plan := d.one("Web/serverfarms")
	f.want(plan.at("sku", "name") == "FC1" && plan.property("reserved") == true, "the plan isn't Flex Consumption on Linux")
	f.want(site.property("serverFarmId") == plan.id(), "the site has another plan")
	identity := d.one("ManagedIdentity/userAssignedIdentities").id()
	assigned, _ := site.at("identity", "userAssignedIdentities").(map[string]any)
	_, has := assigned[identity]
	f.want(has && len(assigned) == 1 && site.at("identity", "type") == "UserAssigned", "the site has another identity than the one with the roles")
	f.want(site.property("functionAppConfig", "deployment", "storage", "authentication", "userAssignedIdentityResourceId") == identity, "the package is read as another identity")
	value := resolve(fmt.Sprint(site.property("functionAppConfig", "deployment", "storage", "value")))
	found := false
	for _, r := range d.all("Storage/storageAccounts/blobServices/containers") {
		found = found || value == "https://"+d.one("Storage/storageAccounts").name()+".blob.core.windows.net/"+r.name()
	}
	f.want(found, "the package lies in %s, a container that isn't deployed", value)
	group := d.one("Resources/resourceGroups")
	f.want(group.at("tags", "azd-env-name") != nil && group.at("tags", "azd-env-name") == site.at("tags", "azd-env-name"), "azd finds the resource group by tag azd-env-name")
	return f
}
