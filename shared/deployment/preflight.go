package deployment

import (
	"context"
	"os"
	"strconv"
	"strings"
)

// Finding is one thing that stands in the way of a deployment, or may.
type Finding struct {
	// Blocker: the deployment would fail, or make something that doesn't work.
	Blocker bool
	// What is missing, Why it is needed, and Fix: a command where there is one.
	What, Why, Fix string
}

// MinimumAzd is the first version of azd that takes a custom handler's zip (language: custom).
const MinimumAzd = "1.20.0"

// alphaVariable switches azd's alpha feature on for one process, as `azd config set` does for a user.
const alphaVariable = "AZD_ALPHA_ENABLE_LANGUAGE_CUSTOM"

// preflight is one look at everything.
type preflight struct {
	ctx      context.Context
	commands Commands
	getenv   func(string) string
	env      map[string]string // azd's environment
	user     string            // who is logged in to az
	findings []Finding
}

// Preflight asks az and azd for everything that a deployment needs and returns what is missing, in the order in which it
// is best mended. What can't be asked because something before it is missing isn't reported.
func Preflight(ctx context.Context, commands Commands) []Finding {
	p := &preflight{ctx: ctx, commands: commands, getenv: os.Getenv}
	return p.run()
}

func (p *preflight) run() []Finding {
	azd, az := p.azd(), p.az()
	if !azd || !p.environment() || !az || !p.subscription() {
		return p.findings
	}
	p.rights()
	p.providers()
	p.region()
	p.names()
	return p.findings
}

func (p *preflight) block(what, why, fix string) {
	p.findings = append(p.findings, Finding{Blocker: true, What: what, Why: why, Fix: fix})
}

func (p *preflight) warn(what, why, fix string) {
	p.findings = append(p.findings, Finding{What: what, Why: why, Fix: fix})
}

// unknown reports what couldn't be asked. It doesn't stand in the way: Azure will say so itself, later and less clearly.
func (p *preflight) unknown(what string, err error) {
	p.warn(what+" can't be checked", err.Error(), "run the command yourself and see what it says")
}

func (p *preflight) ask(into any, program string, args ...string) error {
	return ask(p.ctx, p.commands, into, program, args...)
}

// azd checks the program, its alpha feature and its login.
func (p *preflight) azd() bool {
	var version struct {
		Azd struct {
			Version string `json:"version"`
		} `json:"azd"`
	}
	if err := p.ask(&version, "azd", "version"); missing(err) {
		p.block("azd isn't installed", "it makes the infrastructure and deploys the functions",
			"https://learn.microsoft.com/azure/developer/azure-developer-cli/install-azd")
		return false
	} else if err != nil {
		p.unknown("azd's version", err)
	} else if !atLeast(version.Azd.Version, MinimumAzd) {
		p.block("azd is version "+version.Azd.Version+", and "+MinimumAzd+" is needed", "older ones don't know language: custom of azure.yaml", "azd update, or install it anew")
	}
	var config azdConfig
	_ = p.ask(&config, "azd", "config", "show") // one that can't be shown has nothing switched on
	if on, _ := strconv.ParseBool(p.getenv(alphaVariable)); !on && config.Alpha.Language.Custom != "on" && config.Alpha.All != "on" {
		p.block("azd's alpha feature language.custom is off", "azd deploys a custom handler's zip by it alone, and without it ends in a panic",
			"azd config set alpha.language.custom on")
	}
	if config.Auth.UseAz == "true" {
		return true // the login of az is azd's, too; pipelines have it so
	}
	var login struct {
		Status string `json:"status"`
	}
	if err := p.ask(&login, "azd", "auth", "login", "--check-status"); err != nil || login.Status != "success" {
		p.block("nobody is logged in to azd", "azd has a login of its own, beside that of az", "azd auth login")
	}
	return true
}

// azdConfig is what is looked at of azd's configuration.
type azdConfig struct {
	Alpha struct {
		All      string `json:"all"`
		Language struct {
			Custom string `json:"custom"`
		} `json:"language"`
	} `json:"alpha"`
	Auth struct {
		UseAz string `json:"useAzCliAuth"`
	} `json:"auth"`
}

// az checks the program and its login.
func (p *preflight) az() bool {
	var account struct{}
	if err := p.ask(&account, "az", "account", "show"); missing(err) {
		p.block("the Azure CLI (az) isn't installed", "these checks and the steps after the deployment ask Azure through it", "https://learn.microsoft.com/cli/azure/install-azure-cli")
		return false
	} else if err != nil {
		p.block("nobody is logged in to az", err.Error(), "az login")
		return false
	}
	return true
}

// required are the values of azd's environment without which nothing works, with an example for each.
var required = []struct{ name, why, example string }{
	{"AZURE_SUBSCRIPTION_ID", "it says where everything is made and who pays", "<id>   (az account list --output table)"},
	{"AZURE_LOCATION", "it is the region of everything", "westeurope"},
	{"DATAVERSE_URL", "the handler doesn't start without it", "https://contoso.crm4.dynamics.com"},
	{"FNO_URL", "the handler doesn't start without it", "https://contoso.operations.dynamics.com"},
}

// environment reads azd's environment. It reports whether there is enough of it for the further checks.
func (p *preflight) environment() bool {
	if err := p.ask(&p.env, "azd", "env", "get-values"); err != nil {
		p.block("no azd environment is chosen", err.Error(), "azd env new contoso-dev")
		return false
	}
	if p.env["AZURE_ENV_NAME"] == "" {
		p.block("azd's environment has no name", "the names of all resources are made from it", "azd env new contoso-dev")
		return false
	}
	for _, value := range required {
		// Bicep takes a value from the process's environment too; a pipeline may have it there.
		if p.env[value.name] == "" {
			p.env[value.name] = p.getenv(value.name)
		}
		if p.env[value.name] == "" {
			p.block(value.name+" is missing in azd's environment "+p.env["AZURE_ENV_NAME"], value.why, "azd env set "+value.name+" "+value.example)
		}
	}
	return p.env["AZURE_SUBSCRIPTION_ID"] != "" && p.env["AZURE_LOCATION"] != ""
}

func (p *preflight) subscription() bool {
	id := p.env["AZURE_SUBSCRIPTION_ID"]
	var account struct {
		State string `json:"state"`
		User  struct {
			Name string `json:"name"`
		} `json:"user"`
	}
	if err := p.ask(&account, "az", "account", "show", "--subscription", id); err != nil {
		p.block("subscription "+id+" isn't there for who is logged in to az", err.Error(), "az login --tenant <tenant>, or azd env set AZURE_SUBSCRIPTION_ID <id>")
		return false
	}
	if account.State != "Enabled" {
		p.block("subscription "+id+" is in state "+account.State, "nothing can be made in it", "have it enabled, or azd env set AZURE_SUBSCRIPTION_ID <id>")
		return false
	}
	p.user = account.User.Name
	return true
}

// region checks that Flex Consumption is offered, over availability zones for prod, which is so by default.
func (p *preflight) region() {
	args, how := []string{"functionapp", "list-flexconsumption-locations"}, ""
	if p.env["CROSSWALK_ENVIRONMENT"] == "prod" {
		args, how = append(args, "--zone-redundant"), " over availability zones"
	}
	args = append(args, "--subscription", p.env["AZURE_SUBSCRIPTION_ID"])
	var regions []struct {
		Name string `json:"name"`
	}
	if err := p.ask(&regions, "az", args...); err != nil {
		p.unknown("whether the region offers Flex Consumption", err)
		return
	}
	for _, r := range regions {
		if normalRegion(r.Name) == normalRegion(p.env["AZURE_LOCATION"]) {
			return
		}
	}
	p.block("region "+p.env["AZURE_LOCATION"]+" doesn't offer Flex Consumption"+how, "the functions run on it",
		"azd env set AZURE_LOCATION <region>   ("+commandLine("az", args)+")")
}

// normalRegion makes "West Europe" and "westeurope" one.
func normalRegion(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, " ", ""))
}

// atLeast compares versions such as 1.31.2 or 1.32.0-beta.1, number by number.
func atLeast(version, minimum string) bool {
	have, want := numbers(version), numbers(minimum)
	for i := range want {
		if have[i] != want[i] {
			return have[i] > want[i]
		}
	}
	return true
}

func numbers(version string) (out [3]int) {
	version, _, _ = strings.Cut(version, "-")
	for i, text := range strings.SplitN(version, ".", len(out)) {
		out[i], _ = strconv.Atoi(text)
	}
	return out
}
