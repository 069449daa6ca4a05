package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"crosswalk/local/feed"
	"crosswalk/local/stack"
)

type runFlags struct {
	once, noFeed, verbose bool
	endpoints             string
	from, archive         string
	ports                 []string
	timeout               time.Duration
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Start everything on this machine, feed it the examples, and show what arrives",
		Long: `Starts the broker, storage, the simulated systems, the Functions host and the handler, feeds them the examples and
some bad input, and shows a line per event with its outcome and time. Then it stays up for more, until Ctrl-C.

It exits 0 only if nothing was lost and everything fed ended as its expectation says; 1 otherwise; 2 if it could not start.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			return run(ctx, f, newConsole(cmd.OutOrStdout(), f.verbose))
		},
	}
	cmd.Flags().BoolVar(&f.once, "once", false, "end after the feed")
	cmd.Flags().BoolVar(&f.noFeed, "no-feed", false, "start without feeding anything")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show every line of the host and the handler")
	cmd.Flags().StringVar(&f.from, "from", "", "snapshot of a deployment (bicep snapshot): the broker has the entities that would be deployed")
	cmd.Flags().StringVar(&f.archive, "package", "", "run the handler out of this `ZIP`, as crosswalk package makes it, instead of building one")
	cmd.Flags().StringVar(&f.endpoints, "endpoints", "", "write every address and credential to this file as JSON, once all is ready")
	cmd.Flags().StringArrayVar(&f.ports, "port", nil, "NAME=N listens elsewhere; names: "+strings.Join(portNames(), ", ")+"; all=0 takes free ports")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long the feed may take before what is still open counts as lost")
	cmd.MarkFlagsMutuallyExclusive("once", "no-feed")
	return cmd
}

func portNames() []string {
	var p stack.Ports
	names := []string{"all"}
	for name := range p.Named() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func parsePorts(flags []string) (stack.Ports, error) {
	p := stack.DefaultPorts()
	for _, flag := range flags {
		name, number, ok := strings.Cut(flag, "=")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || n < 0 || n > 65535 {
			return p, fmt.Errorf("--port %s: wants NAME=N with N between 0 and 65535", flag)
		}
		if name == "all" && n == 0 {
			p = stack.Ports{}
			continue
		}
		port, ok := p.Named()[name]
		if !ok {
			return p, fmt.Errorf("--port %s: no port of that name; there are %s", flag, strings.Join(portNames(), ", "))
		}
		*port = n
	}
	return p, nil
}

func run(ctx context.Context, f runFlags, c *console) error {
	root, err := projectRoot()
	if err != nil {
		return err
	}
	ports, err := parsePorts(f.ports)
	if err != nil {
		return err
	}
	if sound, err := check(root, c.out); err != nil {
		return err
	} else if !sound {
		return exitCode(1)
	}
	if f.endpoints == "" && !f.once { // for crosswalk try --against local, as long as the stack is up
		f.endpoints = endpointsPath(root, "")
		if err := os.MkdirAll(filepath.Dir(f.endpoints), 0o755); err != nil {
			return err
		}
		defer os.Remove(f.endpoints)
	}
	if err := prepare(f.endpoints); err != nil {
		return err
	}
	ledger := feed.NewLedger(time.Now)
	o := stack.Options{Root: root, Ports: ports, Package: f.archive, Settings: feed.Settings(), OnLine: c.watch(ledger), Say: c.say}
	if f.from != "" {
		if o.Namespace, err = readNamespace(f.from); err != nil {
			return err
		}
	}
	s, err := stack.Start(ctx, o)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer s.Close()
	sent, err := feed.New(root, s, ledger, c.say)
	if err != nil {
		return err
	}
	defer func() { _ = sent.Close(context.Background()) }()
	sent.Refused = c.refused
	good, err := f.drive(ctx, s, sent, c)
	switch {
	case err != nil:
		return interrupted(ctx, err)
	case f.once && !good:
		return exitCode(1)
	case f.once:
		return nil
	}
	return stay(ctx, s, c)
}

// drive starts the host, with a burst of events waiting for it, and feeds the rest. It reports whether all ended as it
// should.
func (f runFlags) drive(ctx context.Context, s *stack.Stack, sent *feed.Feed, c *console) (bool, error) {
	if !f.noFeed {
		if err := sent.Burst(ctx); err != nil {
			return false, err
		}
	}
	if err := s.StartHost(ctx); err != nil {
		return false, err
	}
	endpoints := s.Endpoints()
	c.endpoints(endpoints)
	if f.endpoints != "" {
		if err := endpoints.Write(f.endpoints); err != nil {
			return false, err
		}
	}
	if f.noFeed {
		return true, nil
	}
	report, err := sent.Run(ctx, f.timeout)
	if err != nil {
		return false, err
	}
	c.report(report)
	return report.Good(), nil
}

// stay keeps the stack up until somebody ends it.
func stay(ctx context.Context, s *stack.Stack, c *console) error {
	c.say("ready for more; Ctrl-C ends everything")
	select {
	case <-ctx.Done():
		c.say("ending")
		return nil
	case <-s.Host().Done():
		return errors.New("the Functions host stopped itself: " + s.Host().Err().Error())
	}
}

// prepare makes sure that the endpoints file can be written in the end, and removes that of an earlier start, which whoever
// waits for it must not find.
func prepare(endpoints string) error {
	if endpoints == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(endpoints)); err != nil || !info.IsDir() {
		return fmt.Errorf("--endpoints %s: there is no folder %s", endpoints, filepath.Dir(endpoints))
	}
	if err := os.Remove(endpoints); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--endpoints: %w", err)
	}
	return nil
}

// interrupted turns the error of a start that Ctrl-C cut short into a quiet end.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return exitCode(130)
	}
	return err
}
