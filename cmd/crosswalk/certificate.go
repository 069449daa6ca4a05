package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/spf13/cobra"

	"crosswalk/shared/certificate"
)

// certifying is what `crosswalk certificate` is given by tests; empty it asks Azure.
type certifying struct {
	credential azcore.TokenCredential
	transport  policy.Transporter
	now        func() time.Time
	sleep      func(context.Context, time.Duration) error
}

// The two ways in which the application proves itself, as the infrastructure's parameter names them.
const (
	byCertificate = "certificate"
	byFederation  = "federated"
)

// credentialFlags are the flags of `crosswalk certificate`. Their defaults are azd's environment, so that its hook needs none.
type credentialFlags struct {
	certificate.Options
	by, tenant, principal string
	days                  int
}

func newCertificate(c certifying) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certificate",
		Short: "Keep the credential of the application that Dataverse and F&O know",
		Long: `Keep the credential of the Entra application that Dataverse and F&O know.

The flags' defaults come from azd's environment: CROSSWALK_CREDENTIAL, CROSSWALK_KEY_VAULT_URI, CROSSWALK_CERTIFICATE_NAME,
ENTRA_CLIENT_ID, AZURE_TENANT_ID and CROSSWALK_IDENTITY_PRINCIPAL_ID. Who runs this is who is logged in to azd or az.
docs/credentials.md tells which way to choose, and who needs which rights.`,
	}
	cmd.AddCommand(c.ensure(), c.federate(), c.show())
	return cmd
}

func (c certifying) ensure() *cobra.Command {
	var f credentialFlags
	cmd := &cobra.Command{
		Use:   "ensure",
		Short: "Make, renew and register the credential, as far as that is needed",
		Long: `Make, renew and register the credential, as far as that is needed. A second run changes nothing.

--credential certificate: make the certificate in Key Vault if there is none, renew it when its end is near, register its
public part with the application next to those that it has, and remove ours that have ended.
--credential federated: make the managed identity a federated credential of the application. There is nothing to renew.`,
		Example: "  crosswalk certificate ensure --dry-run\n  crosswalk certificate ensure --credential certificate --vault https://contoso.vault.azure.net",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd, f, f.by)
		},
	}
	f.common(cmd)
	f.changing(cmd)
	f.way(cmd)
	f.ofPolicy(cmd)
	f.ofFederation(cmd)
	return cmd
}

func (c certifying) federate() *cobra.Command {
	var f credentialFlags
	cmd := &cobra.Command{
		Use:   "federate",
		Short: "Make the managed identity a federated credential of the application (ensure --credential federated)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd, f, byFederation)
		},
	}
	f.common(cmd)
	f.changing(cmd)
	f.ofFederation(cmd)
	return cmd
}

func (c certifying) show() *cobra.Command {
	var f credentialFlags
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Say what Key Vault and Entra have; status 1 if somebody has to do something",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.by == byFederation && f.Application == "" {
				return c.run(cmd, f, f.by)
			}
			f.DryRun = true
			m, err := c.manager(cmd, f)
			if err != nil {
				return err
			}
			show := m.Show
			if f.by == byFederation {
				show = func(ctx context.Context) (int, error) { return m.Federate(ctx, f.tenant, f.principal) }
			}
			problems, err := show(cmd.Context())
			if err == nil && problems > 0 {
				return exitCode(1)
			}
			return err
		},
	}
	f.common(cmd)
	f.way(cmd)
	f.ofVault(cmd)
	f.ofFederation(cmd)
	return cmd
}

func (f *credentialFlags) common(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.Application, "application", os.Getenv("ENTRA_CLIENT_ID"), "client id of the application")
}

func (f *credentialFlags) way(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.by, "credential", cmp.Or(os.Getenv("CROSSWALK_CREDENTIAL"), byCertificate), "how the application proves itself: certificate or federated")
}

func (f *credentialFlags) changing(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.DryRun, "dry-run", false, "say what would be changed and change nothing")
}

func (f *credentialFlags) ofVault(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Vault, "vault", os.Getenv("CROSSWALK_KEY_VAULT_URI"), "address of the Key Vault")
	flags.StringVar(&f.Name, "name", cmp.Or(os.Getenv("CROSSWALK_CERTIFICATE_NAME"), "crosswalk"), "name of the certificate")
	flags.IntVar(&f.days, "renew-before", 30, "days before its end that the certificate is renewed")
}

func (f *credentialFlags) ofPolicy(cmd *cobra.Command) {
	f.ofVault(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.Policy.Issuer, "issuer", "Self", "who issues the certificate: Self, or an issuer that the vault has")
	flags.StringVar(&f.Policy.Subject, "subject", "CN=crosswalk", "subject of the certificate")
	flags.IntVar(&f.Policy.KeySize, "key-size", 3072, "size of the RSA key: 2048, 3072 or 4096")
	flags.IntVar(&f.Policy.Months, "months", 12, "months that the certificate is valid")
	flags.BoolVar(&f.Renew, "renew", false, "renew the certificate now, however long it is valid: its key leaked")
	flags.BoolVar(&f.Recover, "recover", false, "bring back a certificate that was deleted from the vault")
	flags.DurationVar(&f.Patience, "patience", 5*time.Minute, "how long to wait for a new role assignment, and for a certificate to be made")
}

func (f *credentialFlags) ofFederation(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.tenant, "tenant", os.Getenv("AZURE_TENANT_ID"), "id of the tenant (federated)")
	flags.StringVar(&f.principal, "principal", os.Getenv("CROSSWALK_IDENTITY_PRINCIPAL_ID"), "principal id of the managed identity (federated)")
}

// run does it and says at the end whether anything was changed.
func (c certifying) run(cmd *cobra.Command, f credentialFlags, by string) error {
	switch {
	case by == byFederation && f.Application == "":
		fmt.Fprintln(cmd.OutOrStdout(), "no application is given (ENTRA_CLIENT_ID): the function app calls Dataverse and F&O as its managed identity, which needs no credential")
		return nil
	case by == byFederation:
		f.Vault = ""
	}
	m, err := c.manager(cmd, f)
	if err != nil {
		return err
	}
	var changed int
	if by == byFederation {
		changed, err = m.Federate(cmd.Context(), f.tenant, f.principal)
	} else {
		changed, err = m.Ensure(cmd.Context())
	}
	switch {
	case err != nil:
		return err
	case changed == 0:
		fmt.Fprintln(cmd.OutOrStdout(), "nothing had to be changed")
	case f.DryRun:
		fmt.Fprintln(cmd.OutOrStdout(), "nothing was changed (--dry-run)")
	}
	return nil
}

func (c certifying) manager(cmd *cobra.Command, f credentialFlags) (*certificate.Manager, error) {
	o := f.Options
	if f.by != "" && f.by != byCertificate && f.by != byFederation {
		return nil, fmt.Errorf("--credential %q is neither %s nor %s", f.by, byCertificate, byFederation)
	}
	if needsVault := cmd.Flags().Lookup("vault") != nil && f.by != byFederation; needsVault && o.Vault == "" {
		return nil, errors.New("--vault is missing: the address of the Key Vault (CROSSWALK_KEY_VAULT_URI in azd's environment)")
	}
	if f.days < 0 || f.days > 3650 {
		return nil, errors.New("--renew-before is a number of days, such as 30")
	}
	o.RenewBefore = time.Duration(f.days) * 24 * time.Hour
	o.Transport, o.Now, o.Sleep, o.Credential = c.transport, c.now, c.sleep, c.credential
	o.Say = func(format string, args ...any) { fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
	if o.Credential == nil {
		login, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{TenantID: os.Getenv("AZURE_TENANT_ID")})
		if err != nil {
			return nil, errors.New("nobody is logged in: azd auth login, or az login")
		}
		o.Credential = login
	}
	return certificate.New(o)
}
