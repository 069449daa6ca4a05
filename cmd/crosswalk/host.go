package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"crosswalk/local/functionshost"
)

func newHost() *cobra.Command {
	var root, listen, keys, timers string
	cmd := &cobra.Command{
		Use:   "host",
		Short: "Run any Functions script root with a custom handler as the Azure Functions host does",
		Long: `Reads host.json and each <folder>/function.json of the script root, starts the custom handler and calls it for HTTP
requests, timers and Service Bus messages, as the Azure Functions host (4.1037) does.

Connections, %NAME% and overrides (AzureFunctionsJobHost__…, AzureWebJobs.<name>.Disabled) come from the environment; the
handler gets the whole of it. SIGINT or SIGTERM ends it as Azure does: calls in flight have 31 seconds, messages 10 more.
A second signal ends it at once. It exits 0, also when it stops itself after the handler's third crash; 2 if it could not
start.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := functionshost.Options{Root: root, Listen: listen, TimerStatus: timers, Early: true, OnLine: printLines(cmd.OutOrStdout())}
			if err := takeKeys(&o, keys); err != nil {
				return err
			}
			return runHost(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&root, "root", ".", "the script root: the folder with host.json")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:7071", "address of the HTTP front end")
	cmd.Flags().StringVar(&keys, "keys", "", `a JSON file with the keys: {"host.master":"…","host.function.default":"…","functions.<name>.default":"…"}; one with new keys is written if there is none. Without it only functions of authLevel anonymous can be called`)
	cmd.Flags().StringVar(&timers, "timers", "", "a file that keeps the timers' status from one run to the next")
	return cmd
}

func runHost(ctx context.Context, o functionshost.Options, out io.Writer) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	h, err := functionshost.Start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "listening on "+h.BaseURL())
	select {
	case <-h.Done(): // it has said why
		return h.Close()
	case <-signals:
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Shutdown() }()
	select {
	case err := <-ended:
		return err
	case <-signals:
		return h.Close()
	}
}

// printLines writes each line with its time, level and category.
func printLines(out io.Writer) func(functionshost.Line) {
	var mu sync.Mutex
	return func(l functionshost.Line) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, "%s %-11s %s: %s\n", l.Time.UTC().Format("2006-01-02T15:04:05.000Z"), l.Level, l.Category, l.Text)
	}
}

// takeKeys reads the keys, named as the host's Kubernetes secret names them, and makes a file of new ones if there is none.
func takeKeys(o *functionshost.Options, path string) error {
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = newKeys(); err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
	}
	if err != nil {
		return fmt.Errorf("--keys: %w", err)
	}
	var keys map[string]string
	if err := json.Unmarshal(data, &keys); err != nil {
		return fmt.Errorf("--keys %s: it is no JSON object of strings", path)
	}
	o.Keys, o.HostKeys = map[string]string{}, map[string]string{}
	for name, key := range keys {
		function, isFunction := strings.CutSuffix(strings.TrimPrefix(name, "functions."), ".default")
		host, isHost := strings.CutPrefix(name, "host.function.")
		switch {
		case name == "host.master":
			o.MasterKey = key
		case isHost:
			o.HostKeys[host] = key
		case isFunction && strings.HasPrefix(name, "functions."):
			o.Keys[function] = key
		default:
			return fmt.Errorf("--keys %s: %q is none of host.master, host.function.<name> and functions.<function>.default", path, name)
		}
	}
	return nil
}

func newKeys() ([]byte, error) {
	keys := map[string]string{}
	for _, name := range []string{"host.master", "host.function.default"} {
		random := make([]byte, 32)
		_, _ = rand.Read(random) // never fails
		keys[name] = base64.URLEncoding.EncodeToString(random)
	}
	return json.MarshalIndent(keys, "", "  ")
}
