// Command handler is the custom handler that the Functions host starts: settings, clients, route table. No logic.
package main

import (
	"context"
	"os"

	"github.com/rs/zerolog"

	"crosswalk/shared/settings"
	"crosswalk/shared/telemetry"
)

func main() {
	log := telemetry.NewLogger(os.Stdout, os.Getenv("LOG_LEVEL"))
	err := serve(context.Background(), log)
	// Exit code 0 would mean that the host never starts the handler again.
	log.Error().Str("reason", err.Error()).Msg("the handler ends")
	os.Exit(1)
}

func serve(ctx context.Context, log zerolog.Logger) error {
	s, err := settings.Load()
	if err != nil {
		return err
	}
	deps, err := connect(s, log)
	if err != nil {
		return err
	}
	// The working directory is the script root (Functions host 4.1037, seen), where each flow's contract lies.
	server, flows, err := newServer(deps, ".")
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		if err := flows.load(ctx); err != nil {
			end(err)
		}
	}()
	err = server.Serve(ctx, os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
