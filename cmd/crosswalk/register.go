package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/kelseyhightower/envconfig"
	"github.com/spf13/cobra"

	"crosswalk/shared/dataverse"
	"crosswalk/shared/finops"
	"crosswalk/shared/identity"
	"crosswalk/shared/odata"
	"crosswalk/shared/registration"
	"crosswalk/shared/settings"
)

func newRegister() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "register",
		Short: "Say what the administrators of F&O and Dataverse set up, from the contracts",
		Long: `Say what the administrators of F&O and Dataverse set up, step by step, so that every event that a contract needs is sent,
and no other.

Names and addresses come from azd's environment where it is set: ENTRA_CLIENT_ID, CROSSWALK_SERVICEBUS,
CROSSWALK_KEY_VAULT_URI, CROSSWALK_FNO_SECRET_NAME, CROSSWALK_DATAVERSE_SECRET_NAME and CROSSWALK_FUNCTION_HOST.`,
	}
	cmd.AddCommand(newRegisterFnO(), newRegisterDataverse())
	return cmd
}

func newRegisterFnO() *cobra.Command {
	e := azdEnvironment()
	var check, apply bool
	cmd := &cobra.Command{
		Use:   "fno",
		Short: "The application, the endpoint and the business events of F&O",
		Long: `Say what an administrator of F&O sets up, from the contracts.

--check compares with F&O (FNO_URL) instead, and ends with status 1 where something is missing; --apply also switches on the
business events that are missing. The endpoint is made by hand, because only a person may know its application's secret.
Who asks is who is logged in to az or azd, or the application of ENTRA_CLIENT_ID with ENTRA_CERTIFICATE_PATH.`,
		Example: "  crosswalk register fno\n  crosswalk register fno --check --legal-entity usmf,demf",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			needs, err := readNeeds()
			if err != nil {
				return err
			}
			if check || apply {
				return compare(cmd, "FNO_URL", finops.New, needs.CheckFnO, e, apply)
			}
			needs.WriteFnO(cmd.OutOrStdout(), e)
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "compare with F&O and say what is missing; status 1 if something is")
	cmd.Flags().BoolVar(&apply, "apply", false, "as --check, and switch on the business events that are missing")
	endpointFlag(cmd, &e)
	cmd.Flags().StringSliceVar(&e.LegalEntities, "legal-entity", nil, "legal entities whose events are wanted; all where none is given")
	return cmd
}

func newRegisterDataverse() *cobra.Command {
	e := azdEnvironment()
	var check, apply bool
	cmd := &cobra.Command{
		Use:   "dataverse",
		Short: "The application user, the endpoint and the steps of Dataverse",
		Long: `Say what an administrator of Dataverse sets up, from the contracts.

--check compares with Dataverse (DATAVERSE_URL) instead, and ends with status 1 where something is missing; --apply also
registers the steps that are missing and corrects those that differ. The endpoint is made by hand, because only a person may
know its key. Who asks is who is logged in to az or azd, or the application of ENTRA_CLIENT_ID with ENTRA_CERTIFICATE_PATH.`,
		Example: "  crosswalk register dataverse\n  crosswalk register dataverse --check",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			needs, err := readNeeds()
			if err != nil {
				return err
			}
			if check || apply {
				return compare(cmd, "DATAVERSE_URL", dataverse.New, needs.CheckDataverse, e, apply)
			}
			needs.WriteDataverse(cmd.OutOrStdout(), e)
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "compare with Dataverse and say what is missing; status 1 if something is")
	cmd.Flags().BoolVar(&apply, "apply", false, "as --check, and register the steps that are missing")
	endpointFlag(cmd, &e)
	return cmd
}

func endpointFlag(cmd *cobra.Command, e *registration.Environment) {
	cmd.Flags().StringVar(&e.Endpoint, "endpoint", "crosswalk", "name of the endpoint")
}

func readNeeds() (*registration.Needs, error) {
	p, err := openProject()
	if err != nil {
		return nil, err
	}
	return registration.Read(p.functions(), p.topology, p.schemas)
}

// azdEnvironment is what azd's environment says after it has provisioned.
func azdEnvironment() registration.Environment {
	return registration.Environment{Application: os.Getenv("ENTRA_CLIENT_ID"), ServiceBus: os.Getenv("CROSSWALK_SERVICEBUS"), VaultURL: os.Getenv("CROSSWALK_KEY_VAULT_URI"),
		FnOSecret: os.Getenv("CROSSWALK_FNO_SECRET_NAME"), DataverseSecret: os.Getenv("CROSSWALK_DATAVERSE_SECRET_NAME"), FunctionHost: os.Getenv("CROSSWALK_FUNCTION_HOST")}
}

// compare calls the environment whose address the setting has, and tells by check what it lacks; the exit status is 1 where
// something is left to do.
func compare[Client any](cmd *cobra.Command, setting string,
	connect func(url string, c azcore.TokenCredential, o *odata.Options) (Client, error),
	check func(ctx context.Context, c Client, e registration.Environment, apply bool, say func(format string, args ...any)) (left int, err error),
	e registration.Environment, apply bool) error {
	url := os.Getenv(setting)
	if url == "" {
		return fmt.Errorf("%s is not set: it is the address of the environment to compare with", setting)
	}
	credential, err := administrator()
	if err != nil {
		return err
	}
	client, err := connect(url, credential, nil)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	left, err := check(cmd.Context(), client, e, apply, func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) })
	if err == nil && left > 0 {
		return exitCode(1)
	}
	return err
}

// administrator is who is logged in on this machine, or an application with a certificate in a file.
func administrator() (azcore.TokenCredential, error) {
	var s settings.Entra
	if os.Getenv("ENTRA_CERTIFICATE_PATH") != "" {
		if err := envconfig.Process("", &s); err != nil {
			return nil, err
		}
		if err := s.Check(); err != nil {
			return nil, err
		}
		return identity.Application(s, nil)
	}
	login, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{TenantID: os.Getenv("AZURE_TENANT_ID")})
	if err != nil {
		return nil, errors.New("nobody is logged in: az login, or azd auth login")
	}
	return login, nil
}
