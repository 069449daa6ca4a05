package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/bicep"
	"crosswalk/local/servicebus/emulator"
	"crosswalk/shared/topology"
)

type brokerFlags struct {
	listen, dir, topology, from, certificate  string
	keys                                      []string
	allowRemote, premium, verbose, cutDamaged bool
	faults                                    bool
}

func newBroker() *cobra.Command {
	var f brokerFlags
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run the development broker alone",
		Long: `Runs a Service Bus broker for development, with the entities of a topology file, and prints its connection string. It
stays up until Ctrl-C.

The file is either in the form of shared/topology/topology.json or in that of the Config.json of Microsoft's emulator. With
--from it is a snapshot of the Bicep compiler instead: the broker has the entities, the keys and the tier that would be
deployed, and a connection string for each key is printed too.
With --dir everything is kept in a folder and is there again at the next start, however the one before ended; entities get
the file's settings each time and keep their messages. Without --dir everything is in memory.

The broker gives everyone who reaches it every right, so it listens on loopback only, unless --allow-remote says otherwise.`,
		Example: `  crosswalk broker --topology Config.json
  crosswalk broker --from infra/test/prod.snapshot.json
  crosswalk broker --listen 127.0.0.1:5672 --dir broker-data --topology topology.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return runBroker(ctx, f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:5672", "address and port; port 0 takes a free one")
	cmd.Flags().StringVar(&f.dir, "dir", "", "folder that keeps everything; it's made where it's missing")
	cmd.Flags().StringVar(&f.topology, "topology", "", "file that names the entities: topology.json, or Config.json of Microsoft's emulator")
	cmd.Flags().StringVar(&f.from, "from", "", "snapshot of a deployment (bicep snapshot) whose Service Bus namespace it is to be")
	cmd.Flags().StringVar(&f.certificate, "certificate", "", "write the certificate that admin clients have to trust to this file (PEM)")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "NAME:VALUE:RIGHTS adds a shared access key; RIGHTS are send, listen or manage, with commas")
	cmd.Flags().BoolVar(&f.allowRemote, "allow-remote", false, "allow --listen to be no loopback address: who reaches it may do everything")
	cmd.Flags().BoolVar(&f.premium, "premium", false, "have the limits of tier Premium")
	cmd.Flags().BoolVar(&f.faults, "faults", false, "let who is on this machine ask for faults by HTTP: POST http://HOST:PORT/$faults/<name>")
	cmd.Flags().BoolVar(&f.cutDamaged, "cut-damaged", false, "go on with a --dir whose log is damaged in the middle: what follows the damage is cut off and kept in a file")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show a line for whatever is unusual")
	cmd.MarkFlagsMutuallyExclusive("topology", "from")
	cmd.MarkFlagsMutuallyExclusive("premium", "from")
	return cmd
}

// options reads the topology file and checks the flags.
func (f brokerFlags) options(errors io.Writer) (servicebus.Options, error) {
	o := servicebus.Options{Listen: f.listen, AllowRemote: f.allowRemote, Dir: f.dir, Premium: f.premium, CutDamaged: f.cutDamaged, FaultsAPI: f.faults}
	o.Warnf = func(format string, args ...any) { fmt.Fprintf(errors, format+"\n", args...) }
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return o, fmt.Errorf("--listen %s: it is no address with a port (fix: write one such as 127.0.0.1:5672)", f.listen)
	}
	if ip := net.ParseIP(host); !f.allowRemote && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return o, fmt.Errorf("--listen %s: it is no loopback address (fix: write 127.0.0.1, or add --allow-remote; "+
			"who reaches the broker may do everything)", f.listen)
	}
	if o.Keys, err = parseKeys(f.keys); err != nil {
		return o, err
	}
	if f.verbose {
		o.Logf = o.Warnf
	}
	if f.from != "" {
		return f.fromSnapshot(o, errors)
	}
	if f.topology == "" {
		return o, nil
	}
	data, err := os.ReadFile(f.topology)
	if err != nil {
		return o, fmt.Errorf("--topology: %w", err)
	}
	if emulator.Is(data) {
		var notes []string
		if o.Entities, notes, err = emulator.Parse(data); err != nil {
			return o, fmt.Errorf("%s: %w", f.topology, err)
		}
		for _, note := range notes {
			fmt.Fprintf(errors, "%s: %s\n", f.topology, note)
		}
		return o, nil
	}
	if o.Topology, err = topology.Parse(data); err != nil {
		return o, fmt.Errorf("%s: %w (fix: write it as shared/topology/topology.json, or as Config.json with UserConfig at its top)", f.topology, err)
	}
	return o, nil
}

// fromSnapshot completes the options with a snapshot's namespace.
func (f brokerFlags) fromSnapshot(o servicebus.Options, errors io.Writer) (servicebus.Options, error) {
	n, err := readNamespace(f.from)
	if err != nil {
		return o, err
	}
	for _, note := range n.Notes {
		fmt.Fprintf(errors, "%s: %s\n", f.from, note)
	}
	o.Entities, o.Premium, o.Keys = &n.Entities, n.Premium, append(o.Keys, n.Keys...)
	return o, nil
}

// readNamespace reads the namespace that a snapshot of a deployment has.
func readNamespace(file string) (*bicep.Namespace, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	n, err := bicep.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

func runBroker(ctx context.Context, f brokerFlags, out, errors io.Writer) error {
	o, err := f.options(errors)
	if err != nil {
		return err
	}
	s, err := servicebus.Start(o)
	if err != nil {
		return err
	}
	defer s.Close()
	if f.certificate != "" {
		if err := os.WriteFile(f.certificate, s.CertificatePEM(), 0o644); err != nil {
			return fmt.Errorf("--certificate: %w", err)
		}
	}
	fmt.Fprintln(out, s.ConnectionString())
	for _, k := range o.Keys {
		fmt.Fprintln(out, s.ConnectionStringOf(k.Name))
	}
	<-ctx.Done()
	return s.Close()
}

// parseKeys reads the flags --key.
func parseKeys(flags []string) ([]access.Key, error) {
	rights := map[string]access.Rights{"send": access.Send, "listen": access.Listen, "manage": access.Manage}
	var out []access.Key
	for _, flag := range flags {
		parts := strings.Split(flag, ":")
		if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
			return nil, fmt.Errorf("--key: wants NAME:VALUE:RIGHTS, such as sender:c2VjcmV0:send")
		}
		k := access.Key{Name: parts[0], Key: parts[1]}
		for name := range strings.SplitSeq(parts[2], ",") {
			right, ok := rights[name]
			if !ok {
				return nil, fmt.Errorf("--key %s: %q is no right (fix: write send, listen or manage, with commas)", k.Name, name)
			}
			k.Rights |= right
		}
		out = append(out, k)
	}
	return out, nil
}
