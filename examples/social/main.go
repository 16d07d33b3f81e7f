// Social is a small social network behind a cache: a feed, authentication, health, and the writes that change them,
// over a real database. It measures itself without and with the cache; with -serve it keeps serving.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/redis/go-redis/v9/logging"
)

func main() {
	logging.Disable() // the Redis client's own: the store says what it means
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	s, err := parse(args, env, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	if s.serve {
		if err := serve(ctx, s, stdout, log); err != nil {
			_, _ = fmt.Fprintf(stderr, "social: %v\n", err)
			return 1
		}
		return 0
	}
	debug.SetGCPercent(400) // client, service, database and Redis are one process here, on few cores
	r, err := measure(ctx, s, stderr, log)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "social: %v\n", err)
		return 1
	}
	if err := r.Print(stdout, s.json); err != nil {
		_, _ = fmt.Fprintf(stderr, "social: %v\n", err)
		return 1
	}
	if !r.Passed {
		return 1
	}
	return 0
}
