package deployment_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crosswalk/shared/deployment"
	"crosswalk/shared/deployment/azuretest"
	"crosswalk/shared/topology"
)

func answers(t *testing.T, names ...string) azuretest.Answers {
	t.Helper()
	for i, name := range names {
		names[i] = filepath.Join("azuretest", "testdata", name+".json")
	}
	out, err := azuretest.Read(names...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func look(t *testing.T, a azuretest.Answers) []deployment.Finding {
	t.Helper()
	for _, name := range []string{"AZD_ALPHA_ENABLE_LANGUAGE_CUSTOM", "AZURE_SUBSCRIPTION_ID", "AZURE_LOCATION", "DATAVERSE_URL", "FNO_URL"} {
		t.Setenv(name, "")
	}
	return deployment.Preflight(t.Context(), &azuretest.Commands{Answers: a})
}

// TestNothingIsMissing before the first deployment and before a second one, whose names are taken by the first.
func TestNothingIsMissing(t *testing.T) {
	for _, files := range [][]string{{"before"}, {"before", "after"}} {
		if got := look(t, answers(t, files...)); len(got) > 0 {
			t.Errorf("%v: %+v", files, got)
		}
	}
}

func out(format string, args ...any) azuretest.Answer {
	return azuretest.Answer{Stdout: json.RawMessage(fmt.Sprintf(format, args...))}
}

func fails(stderr string) azuretest.Answer {
	return azuretest.Answer{Stderr: "ERROR: " + stderr, Exit: 1}
}

// TestEachTroubleIsToldWithItsFix has one trouble at a time, and wants one finding.
func TestEachTroubleIsToldWithItsFix(t *testing.T) {
	const subscription = "00000000-0000-0000-0000-000000000000"
	values := func(change, to string) azuretest.Answer {
		text := string(answers(t, "before")["azd env get-values --output json"].Stdout)
		return out("%s", strings.Replace(text, change, to, 1))
	}
	registered := func(name, state string) azuretest.Answer {
		text := string(answers(t, "before")["az provider list --subscription "+subscription+" --output json"].Stdout)
		i := strings.Index(text, name)
		return out("%s", text[:i]+strings.Replace(text[i:], `"Registered"`, `"`+state+`"`, 1))
	}
	for _, c := range []struct {
		name, command string
		answer        azuretest.Answer
		blocks        bool
		what, fix     string
	}{
		{"no azd", "azd", azuretest.Answer{Missing: true}, true, "azd isn't installed", "install-azd"},
		{"an old azd", "azd version", out(`{"azd":{"version":"1.19.0"}}`), true, "azd is version 1.19.0, and 1.20.0 is needed", "azd update"},
		{"the alpha feature off", "azd config show", out(`{}`), true, "language.custom is off", "azd config set alpha.language.custom on"},
		{"no azd login", "azd auth", out(`{"status":"unauthenticated"}`), true, "nobody is logged in to azd", "azd auth login"},
		{"no environment", "azd env", fails("no project exists"), true, "no azd environment is chosen", "azd env new"},
		{"no subscription", "azd env", values(`"AZURE_SUBSCRIPTION_ID"`, `"OTHER"`), true, "AZURE_SUBSCRIPTION_ID is missing in azd's environment crosswalk-dev", "azd env set AZURE_SUBSCRIPTION_ID"},
		{"no location", "azd env", values(`"AZURE_LOCATION"`, `"OTHER"`), true, "AZURE_LOCATION is missing", "azd env set AZURE_LOCATION westeurope"},
		{"no Dataverse", "azd env", values(`"DATAVERSE_URL"`, `"OTHER"`), true, "DATAVERSE_URL is missing", "azd env set DATAVERSE_URL"},
		{"no F&O", "azd env", values(`"FNO_URL"`, `"OTHER"`), true, "FNO_URL is missing", "azd env set FNO_URL"},
		{"no az", "az ", azuretest.Answer{Missing: true}, true, "the Azure CLI (az) isn't installed", "install-azure-cli"},
		{"no az login", "az account show", fails("Please run 'az login' to setup account."), true, "nobody is logged in to az", "az login"},
		{"another's subscription", "az account show --subscription", fails("The subscription doesn't exist in cloud 'AzureCloud'."), true, "isn't there for who is logged in", "az login --tenant"},
		{"a disabled subscription", "az account show --subscription", out(`{"state":"Disabled"}`), true, "is in state Disabled", "azd env set AZURE_SUBSCRIPTION_ID"},
		{"no right to assign roles", "az role", out(`[{"roleDefinitionName":"Contributor"}]`), true, "none of the roles Owner, User Access Administrator, Role Based", `--role "Role Based Access Control Administrator" --scope /subscriptions/` + subscription},
		{"no right to make anything", "az role", out(`[{"roleDefinitionName":"User Access Administrator"}]`), true, "none of the roles Owner, Contributor", `--role "Contributor"`},
		{"a role of their own", "az role", out(`[{"roleDefinitionName":"Contributor"},{"roleDefinitionName":"Contoso deployer"}]`), false, "your roles (Contoso deployer) are enough isn't known", "ask who made the role"},
		{"a role with a condition", "az role", out(`[{"roleDefinitionName":"Owner","condition":"@Resource"}]`), false, "your role Owner has a condition", "look at the condition"},
		{"no leave to look at rights", "az role", fails("Insufficient privileges"), false, "your rights on the subscription can't be checked", "run the command"},
		{"a provider not registered", "az provider", registered("Microsoft.App", "NotRegistered"), true, "resource provider Microsoft.App isn't registered", "az provider register --namespace Microsoft.App --wait --subscription " + subscription},
		{"a provider on its way", "az provider", registered("Microsoft.Web", "Registering"), false, "Microsoft.Web is being registered", "az provider register"},
		{"a region without Flex", "az functionapp", out(`[{"name":"eastus"}]`), true, "region westeurope doesn't offer Flex Consumption", "azd env set AZURE_LOCATION"},
		{"a deleted vault", "az keyvault list-deleted", out(`[{"name":"kv-op5w27zpbtwxe","properties":{"location":"westeurope","scheduledPurgeDate":"2026-07-08"}}]`), true,
			"a deleted key vault keeps the name kv-op5w27zpbtwxe until 2026-07-08", "az keyvault purge --name kv-op5w27zpbtwxe --location westeurope"},
		{"a protected deleted vault", "az keyvault list-deleted", out(`[{"name":"kv-op5w27zpbtwxe","properties":{"purgeProtectionEnabled":true}}]`), true,
			"a deleted key vault", "azd env set CROSSWALK_VAULT_CREATE_MODE recover"},
		{"another's storage account", "az storage", out(`{"nameAvailable":false,"reason":"AlreadyExists"}`), true, "stop5w27zpbtwxe of the storage account is taken (AlreadyExists)", "azd env new"},
		{"another's vault", "az keyvault check-name", out(`{"nameAvailable":false,"reason":"AlreadyExists"}`), true, "kv-op5w27zpbtwxe of the key vault is taken", "azd env new"},
		{"another's namespace", "az servicebus", out(`{"nameAvailable":false,"reason":"NameInUse"}`), true, "sbns-op5w27zpbtwxe of the Service Bus namespace is taken", "azd env new"},
		{"another's function app", "az rest", out(`{"nameAvailable":false,"reason":"AlreadyExists"}`), true, "func-op5w27zpbtwxe of the function app is taken", "azd env new"},
		{"an answer that isn't understood", "az provider", out(`{}`), false, "the resource providers can't be checked", "run the command"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := look(t, answers(t, "before").With(c.command, c.answer))
			if len(got) != 1 || got[0].Blocker != c.blocks || !strings.Contains(got[0].What, c.what) || !strings.Contains(got[0].Fix, c.fix) || got[0].Why == "" {
				t.Errorf("got %+v\nwant one with %q, fix %q, blocking %v", got, c.what, c.fix, c.blocks)
			}
			if strings.HasPrefix(c.name, "a protected") && strings.Contains(got[0].Fix, "purge") {
				t.Errorf("a protected vault can't be purged: %s", got[0].Fix)
			}
		})
	}
}

// TestAPipelinesWay: azd with the login of az, and values in the process's environment.
func TestAPipelinesWay(t *testing.T) {
	t.Setenv("DATAVERSE_URL", "https://contoso-dev.crm4.dynamics.com")
	text := string(answers(t, "before")["azd env get-values --output json"].Stdout)
	a := answers(t, "before").With("azd env", out("%s", strings.Replace(text, `"DATAVERSE_URL"`, `"OTHER"`, 1))).
		With("azd auth", fails("not logged in")).With("azd config", out(`{"auth":{"useAzCliAuth":"true"},"alpha":{"language":{"custom":"on"}}}`))
	if got := deployment.Preflight(t.Context(), &azuretest.Commands{Answers: a}); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// TestProdWantsARegionWithZones, and West Europe is westeurope.
func TestProdWantsARegionWithZones(t *testing.T) {
	const regions = "az functionapp list-flexconsumption-locations"
	text := string(answers(t, "before")["azd env get-values --output json"].Stdout)
	a := answers(t, "before").With("azd env", out("%s", strings.Replace(text, `{`, `{"CROSSWALK_ENVIRONMENT":"prod",`, 1)))
	zoned := regions + " --zone-redundant --subscription 00000000-0000-0000-0000-000000000000 --output json"
	a[zoned] = out(`[{"name":"West Europe"}]`)
	if got := look(t, a.With(regions+" --subscription", out(`[]`))); len(got) > 0 {
		t.Errorf("%+v", got)
	}
	a[zoned] = out(`[{"name":"eastus"}]`)
	if got := look(t, a); len(got) != 1 || !strings.Contains(got[0].What, "westeurope doesn't offer Flex Consumption over availability zones") {
		t.Errorf("%+v", got)
	}
}

// TestTheAlphaFeatureMayComeFromTheEnvironment, as `make deploy` and pipelines set it.
func TestTheAlphaFeatureMayComeFromTheEnvironment(t *testing.T) {
	t.Setenv("AZD_ALPHA_ENABLE_LANGUAGE_CUSTOM", "true")
	got := deployment.Preflight(t.Context(), &azuretest.Commands{Answers: answers(t, "before").With("azd config", fails("no config"))})
	if len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// TestPreflightChangesNothing: every command it may run only shows.
func TestPreflightChangesNothing(t *testing.T) {
	c := &azuretest.Commands{Answers: answers(t, "before")}
	deployment.Preflight(t.Context(), c)
	if len(c.Asked()) != len(c.Answers) {
		t.Errorf("%d commands asked, %d known", len(c.Asked()), len(c.Answers))
	}
	for _, command := range c.Asked() {
		reads := slices.ContainsFunc([]string{" show", " list", "list-", " exists ", "check-name", "azd version", "get-values", "--check-status", "checkNameAvailability"},
			func(verb string) bool { return strings.Contains(command, verb) })
		if !reads {
			t.Errorf("it may change something: %s", command)
		}
	}
}

// deployed is a resource of a snapshot.
type deployed struct{ Type, Name, ID string }

// snapshots are those of main.bicep; there are others, of parts of it.
func snapshots(t *testing.T) map[string][]deployed {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "infra", "test", "*.snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]deployed{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var snapshot struct{ PredictedResources []deployed }
		if err := json.Unmarshal(data, &snapshot); err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(snapshot.PredictedResources, func(r deployed) bool { return r.Type == "Microsoft.Web/sites" }) {
			out[file] = snapshot.PredictedResources
		}
	}
	if len(out) < 3 {
		t.Fatalf("%d snapshots", len(out))
	}
	return out
}

// TestNamesAreTheInfrastructures: what is looked up before a deployment is what Bicep will make.
func TestNamesAreTheInfrastructures(t *testing.T) {
	for file, resources := range snapshots(t) {
		names := map[string]string{}
		for _, r := range resources {
			names[r.Type] = r.Name
		}
		group := names["Microsoft.Resources/resourceGroups"]
		want := deployment.Names{
			ResourceGroup: group, Storage: names["Microsoft.Storage/storageAccounts"], Vault: names["Microsoft.KeyVault/vaults"],
			Namespace: names["Microsoft.ServiceBus/namespaces"], Site: names["Microsoft.Web/sites"],
		}
		if got := deployment.NamesOf("00000000-0000-0000-0000-000000000000", strings.TrimPrefix(group, "rg-"), "westeurope"); got != want {
			t.Errorf("%s: %+v, want %+v", file, got, want)
		}
	}
}

// TestProvidersAreTheInfrastructures: every provider that a deployment uses is looked at. Two are always there.
func TestProvidersAreTheInfrastructures(t *testing.T) {
	always := []string{"Microsoft.Resources", "Microsoft.Authorization"}
	for file, resources := range snapshots(t) {
		for _, r := range resources {
			provider, _, _ := strings.Cut(r.Type, "/")
			if !slices.Contains(append(always, deployment.Providers...), provider) {
				t.Errorf("%s: %s isn't looked at", file, provider)
			}
		}
	}
}

func TestRulesThatDifferAreTold(t *testing.T) {
	top, err := topology.Parse([]byte(`{"topic":{"name":"events","duplicateDetection":"PT30M","unrouted":"unrouted"},
		"queues":{"ingress":{"lockDuration":"PT5M","maxDeliveryCount":100},"work":{"lockDuration":"PT1M","maxDeliveryCount":10}},
		"ingress":[],"functions":[{"name":"a","events":[{"type":"x"},{"type":"y"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	bus := deployment.Bus{Subscription: "s", ResourceGroup: "rg", Namespace: "ns"}
	good := azuretest.Rules(bus, top)
	check := func(a azuretest.Answers) ([]string, error) {
		return deployment.CheckRules(t.Context(), &azuretest.Commands{Answers: a}, bus, top)
	}
	if got, err := check(good); err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
	const ofA = "az servicebus topic subscription rule list --resource-group rg --namespace-name ns --topic-name events --subscription-name a"
	first, second := `{"name":"$Default","sqlFilter":{"sqlExpression":"[cloudEvents:type] = 'x'"}}`, `{"name":"event-2","sqlFilter":{"sqlExpression":"[cloudEvents:type] = 'y'"}}`
	for _, c := range []struct{ rules, want string }{
		{`{"name":"$Default","filterType":"SqlFilter","sqlFilter":{"sqlExpression":"1=1"}},` + second, "subscription events/a: rule $Default takes everything"},
		{first + "," + second + `,{"name":"extra","sqlFilter":{"sqlExpression":"1 = 1"}}`, "rule extra takes everything"},
		{first, "rule event-2 is missing: [cloudEvents:type] = 'y'"},
		{first + "," + second + `,{"name":"extra","filterType":"CorrelationFilter","correlationFilter":{}}`, "rule extra isn't in the topology"},
		{first + `,{"name":"event-2","sqlFilter":{"sqlExpression":"z = 1"}}`, "rule event-2 isn't the topology's, [cloudEvents:type] = 'y'"},
	} {
		got, err := check(good.With(ofA, out("[%s]", c.rules)))
		if err != nil || len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s:\n got %q, %v\nwant %s", c.rules, got, err, c.want)
		}
	}
	if _, err := check(good.With(ofA, fails("(AuthorizationFailed) no right"))); err == nil || !strings.Contains(err.Error(), "AuthorizationFailed") {
		t.Errorf("no right to list: %v", err)
	}
}
