// Social is a small social network behind a cache: a feed, authentication, health, and the writes that change them,
// over a real database. It measures itself without and with the cache; with -verify it says
// what passed; with -serve it keeps serving, as a service that could be deployed.
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
	signals, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancelCause(context.Background())
	context.AfterFunc(signals, func() {
		stop() // first: a second signal, however soon, finds nobody who waits for it, and ends the process
		cancel(context.Cause(signals))
	})
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
	passed := true
	switch {
	case s.ready:
		err = ready(ctx, s.addr)
	case s.serve:
		err = serve(ctx, s, stdout, stderr, log)
	default:
		passed, err = judge(ctx, s, stdout, stderr, log)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "social: %v\n", err)
	}
	if err != nil || !passed {
		return 1
	}
	return 0
}

// judge measures, and prints what came of it.
func judge(ctx context.Context, s settings, stdout, stderr io.Writer, log *slog.Logger) (passed bool, err error) {
	debug.SetGCPercent(400) // client, service, database and Redis are one process here, on few cores
	r, err := measure(ctx, s, stderr, log)
	if err != nil {
		return false, err
	}
	if s.verify {
		return r.Verify(stdout, s.capacity)
	}
	return r.Passed, r.Print(stdout, s.json)
}
