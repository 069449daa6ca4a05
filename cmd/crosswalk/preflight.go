package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"crosswalk/shared/deployment"
)

func newPreflight() *cobra.Command {
	return &cobra.Command{
		Use:   "preflight",
		Short: "Say what is missing before a deployment to Azure, and how to mend it",
		Long: `Asks azd and az, without changing anything, for what a deployment needs: versions, the alpha feature, logins, azd's
environment, the subscription, rights, resource providers, the region, and names that are taken.

The exit status is 0 if a deployment can start (a warning doesn't stand in its way), 1 if something is missing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out, blockers := cmd.OutOrStdout(), 0
			for _, f := range deployment.Preflight(cmd.Context(), deployment.Programs{}) {
				kind := "warning"
				if f.Blocker {
					kind = "missing"
					blockers++
				}
				fmt.Fprintf(out, "%s: %s\n    why: %s\n    fix: %s\n", kind, f.What, f.Why, f.Fix)
			}
			if blockers > 0 {
				fmt.Fprintf(out, "preflight: %d missing; mend from the top, what comes later may depend on it\n", blockers)
				return exitCode(1)
			}
			fmt.Fprintln(out, "preflight: ready to deploy")
			return nil
		},
	}
}

func newRules() *cobra.Command {
	var bus deployment.Bus
	var warn bool
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Compare the rules of Service Bus in Azure with the topology",
		Long: `Lists the rules of every subscription through az and compares them with shared/topology/topology.json. Azure makes a rule
that takes everything with each subscription; if one of them is left, a function gets every event.

The flags' defaults come from azd's environment: AZURE_RESOURCE_GROUP, CROSSWALK_SERVICEBUS and AZURE_SUBSCRIPTION_ID. The exit
status is 0 if all is as it should be, 1 if a rule differs, 2 if it couldn't be asked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if bus.ResourceGroup == "" || bus.Namespace == "" {
				return fmt.Errorf("--resource-group and --namespace are missing (AZURE_RESOURCE_GROUP and CROSSWALK_SERVICEBUS in azd's environment)")
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			differences, err := deployment.CheckRules(cmd.Context(), deployment.Programs{}, bus, p.topology)
			if err != nil && warn {
				differences = append(differences, "the rules can't be listed: "+err.Error())
			} else if err != nil {
				return err
			}
			for _, line := range differences {
				fmt.Fprintln(cmd.OutOrStdout(), "warning: "+line)
			}
			switch {
			case len(differences) > 0 && warn:
				return nil
			case len(differences) > 0:
				return exitCode(1)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "rules: each subscription has the topology's rules and no other")
			return nil
		},
	}
	// CROSSWALK_SERVICEBUS is the host name; az wants the namespace's name.
	namespace, _, _ := strings.Cut(os.Getenv("CROSSWALK_SERVICEBUS"), ".")
	cmd.Flags().StringVar(&bus.ResourceGroup, "resource-group", os.Getenv("AZURE_RESOURCE_GROUP"), "resource group")
	cmd.Flags().StringVar(&bus.Namespace, "namespace", namespace, "name of the Service Bus namespace")
	cmd.Flags().BoolVar(&warn, "warn", false, "end with 0 whatever differs, also if it can't be asked")
	cmd.Flags().StringVar(&bus.Subscription, "subscription", os.Getenv("AZURE_SUBSCRIPTION_ID"), "id of the subscription")
	return cmd
}
