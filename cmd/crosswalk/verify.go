package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
	"github.com/spf13/cobra"

	"crosswalk/cmd/crosswalk/verify"
	"crosswalk/local/stack"
	"crosswalk/shared/contract"
)

type verifyFlags struct {
	endpoints, hostKey string
	patience           time.Duration
}

func newVerify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Look at a deployment: is all there, does an event pass, and does Azure behave as assumed?",
		Long: `Looks at a deployment and prints a line per question with its verdict: holds, FAILS or unknown.

It lists functions, entities and rules, sends one event all the way (an update of a row that doesn't exist, so that nothing is
written), and asks a function to dead-letter one message and to schedule a copy of another. What it leaves in queues it takes
away again.

Where it looks: with --endpoints, at a running "crosswalk run"; else at the environment of azd (azd env get-values), with the
login of the Azure CLI or of azd. It needs Azure Service Bus Data Owner on the namespace, and the function app's master key,
from --host-key, CROSSWALK_HOST_KEY or the Azure CLI.

The exit status is 0 where nothing fails, 1 where something does, and 2 where it could not look.`,
		Example: "  crosswalk run --no-feed --endpoints endpoints.json &\n  crosswalk verify --endpoints endpoints.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := f.deployment(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = d.Bus.Close(context.Background()) }()
			good := d.Run(cmd.Context(), func(v verify.Finding) {
				fmt.Fprintf(cmd.OutOrStdout(), "%-7s  %s\n         %s\n", v.Verdict, v.Question, v.Evidence)
				if v.Verdict != verify.Held && v.Fix != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "         → %s\n", v.Fix)
				}
			})
			if !good {
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&f.endpoints, "endpoints", "", "the endpoints file of a running crosswalk run")
	cmd.Flags().StringVar(&f.hostKey, "host-key", "", "the function app's master key (CROSSWALK_HOST_KEY)")
	cmd.Flags().DurationVar(&f.patience, "patience", 2*time.Minute, "how long to wait for each thing that takes its time")
	return cmd
}

// deployment is what the flags point to, and what the project says should be there.
func (f verifyFlags) deployment(ctx context.Context) (*verify.Deployment, error) {
	p, err := openProject()
	if err != nil {
		return nil, err
	}
	d := &verify.Deployment{Topology: p.topology, Patience: f.patience, HTTP: &http.Client{Timeout: 30 * time.Second}}
	if err := expect(p, d); err != nil {
		return nil, err
	}
	if f.endpoints != "" {
		return d, f.local(d)
	}
	return d, f.azure(ctx, d)
}

// expect says what the project has.
func expect(p *project, d *verify.Deployment) error {
	found, err := filepath.Glob(filepath.Join(p.functions(), "*", "function.json"))
	if err != nil {
		return err
	}
	for _, path := range found {
		folder := filepath.Dir(path)
		name := filepath.Base(folder)
		d.Functions = append(d.Functions, name)
		if route, ok := httpRoute(path); ok {
			d.Webhook = route
		}
		if !isFile(filepath.Join(folder, "contract.yaml")) {
			continue
		}
		plan, err := p.plan(name)
		if err != nil {
			return err
		}
		d.Flow = name
		if plan.From.State == contract.StateRow && plan.From.System == "dataverse" && d.RowFlow == "" {
			d.RowFlow, d.RowTable = name, plan.From.Entity
		}
	}
	if d.Flow == "" {
		return errors.New("the project has no flow: no folder of functions/ holds a contract.yaml")
	}
	return nil
}

// httpRoute returns the route of a function.json with an HTTP trigger.
func httpRoute(path string) (string, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	var f struct {
		Bindings []struct{ Type, Route string }
	}
	if json.Unmarshal(data, &f) != nil || len(f.Bindings) == 0 || f.Bindings[0].Type != "httpTrigger" {
		return "", false
	}
	return f.Bindings[0].Route, true
}

// local points d at a running stack.
func (f verifyFlags) local(d *verify.Deployment) error {
	data, err := os.ReadFile(f.endpoints)
	if err != nil {
		return fmt.Errorf("--endpoints: %w; start one with crosswalk run --endpoints %s", err, f.endpoints)
	}
	var e stack.Endpoints
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("--endpoints %s: no endpoints file: %w", f.endpoints, err)
	}
	d.Host, d.HostKey = e.Functions.BaseURL, e.Functions.MasterKey
	d.DataverseURL, d.FnOURL = e.Dataverse.BaseURL, e.FnO.BaseURL
	d.FnOToken = func(ctx context.Context) (string, error) { return secretToken(ctx, d.HTTP, e.Entra, e.FnO.Scope) }
	if d.Bus, err = azservicebus.NewClientFromConnectionString(e.ServiceBus.ConnectionString, nil); err != nil {
		return fmt.Errorf("--endpoints %s: serviceBus.connectionString is none", f.endpoints)
	}
	d.Admin, err = admin.NewClientFromConnectionString(e.ServiceBus.ConnectionString, &admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: plain{d.HTTP}}})
	return err
}

// secretToken asks the simulated Entra for a token, as an outside tool does.
func secretToken(ctx context.Context, client *http.Client, e stack.EntraEndpoint, scope string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {e.ClientSecret}, "scope": {scope}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", errors.New("the simulated Entra gives no token")
	}
	return answer.Token, nil
}

// plain sends over HTTP what the admin client sends over HTTPS: the local broker's certificate is nobody's.
type plain struct{ client *http.Client }

// Do implements policy.Transporter.
func (p plain) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme = "http"
	return p.client.Do(r)
}

// azure points d at the deployment of the azd environment.
func (f verifyFlags) azure(ctx context.Context, d *verify.Deployment) error {
	values, err := azdValues(ctx)
	if err != nil {
		return err
	}
	var missing []string
	get := func(name string) string {
		if values[name] == "" {
			missing = append(missing, name)
		}
		return values[name]
	}
	namespace, host := get("CROSSWALK_SERVICEBUS"), get("CROSSWALK_FUNCTION_HOST")
	app, group := get("CROSSWALK_FUNCTION_APP"), get("AZURE_RESOURCE_GROUP")
	if len(missing) > 0 {
		return fmt.Errorf("the azd environment has no %s: provision it first (azd provision), or look at a local one with --endpoints", strings.Join(missing, ", "))
	}
	d.DataverseURL, d.FnOURL = values["DATAVERSE_URL"], values["FNO_URL"]
	d.Host = "https://" + strings.TrimPrefix(host, "https://")
	if d.HostKey, err = f.key(ctx, app, group); err != nil {
		return err
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return errors.New("there is no login: az login, or azd auth login")
	}
	d.FnOToken = func(ctx context.Context) (string, error) {
		token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{d.FnOURL + "/.default"}})
		return token.Token, err
	}
	if d.Bus, err = azservicebus.NewClient(namespace, credential, nil); err != nil {
		return fmt.Errorf("CROSSWALK_SERVICEBUS: %w", err)
	}
	d.Admin, err = admin.NewClient(namespace, credential, nil)
	return err
}

// azdValues returns the environment's values: from this process's environment where azd has put them there, as in its hooks,
// else from azd.
func azdValues(ctx context.Context) (map[string]string, error) {
	values := map[string]string{}
	lines := os.Environ()
	if os.Getenv("CROSSWALK_SERVICEBUS") == "" {
		out, err := exec.CommandContext(ctx, "azd", "env", "get-values").Output()
		if err != nil {
			return nil, errors.New("azd env get-values says nothing: run this in a project with an azd environment, or look at a local stack with --endpoints")
		}
		lines = strings.Split(string(out), "\n")
	}
	for _, line := range lines {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[name] = strings.Trim(value, `"`)
		}
	}
	return values, nil
}

// key returns the master key.
func (f verifyFlags) key(ctx context.Context, app, group string) (string, error) {
	for _, key := range []string{f.hostKey, os.Getenv("CROSSWALK_HOST_KEY")} {
		if key != "" {
			return key, nil
		}
	}
	out, err := exec.CommandContext(ctx, "az", "functionapp", "keys", "list", "--name", app, "--resource-group", group, "--query", "masterKey", "--output", "tsv").Output()
	key := string(bytes.TrimSpace(out))
	if err != nil || key == "" {
		return "", errors.New("the master key can't be had from az functionapp keys list: log in with az login, or give it with --host-key")
	}
	return key, nil
}
