package main

import (
	"os"

	"github.com/spf13/cobra"

	"crosswalk/shared/registration"
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
	cmd := &cobra.Command{
		Use:     "fno",
		Short:   "The application, the endpoint and the business events of F&O",
		Example: "  crosswalk register fno\n  crosswalk register fno --legal-entity usmf,demf",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			needs, err := readNeeds()
			if err != nil {
				return err
			}
			needs.WriteFnO(cmd.OutOrStdout(), e)
			return nil
		},
	}
	endpointFlag(cmd, &e)
	cmd.Flags().StringSliceVar(&e.LegalEntities, "legal-entity", nil, "legal entities whose events are wanted; all where none is given")
	return cmd
}

func newRegisterDataverse() *cobra.Command {
	e := azdEnvironment()
	cmd := &cobra.Command{
		Use:   "dataverse",
		Short: "The application user, the endpoint and the steps of Dataverse",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			needs, err := readNeeds()
			if err != nil {
				return err
			}
			needs.WriteDataverse(cmd.OutOrStdout(), e)
			return nil
		},
	}
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
