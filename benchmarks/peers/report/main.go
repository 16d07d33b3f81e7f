// Report runs the scenarios of package scenario, judges their targets, and writes RESULTS.md and charts. Start it from
// the root of the repository with
//
//	go run ./benchmarks/report
//
// which builds this program in its own module and runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9/logging"

	"github.com/freshet-go/freshet/benchmarks/peers/lab"
	"github.com/freshet-go/freshet/benchmarks/peers/scenario"
)

func main() {
	logging.Disable() // of connections refused, by a Redis that is meant to be gone
	if lab.IsNode() {
		if err := scenario.RunNode(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintf(os.Stderr, "report: %v\n", err)
			os.Exit(1)
		}
		return
	}
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
	return produce(ctx, s, stdout, stderr)
}

// produce measures, writes, and says what to exit with.
func produce(ctx context.Context, s settings, stdout, stderr io.Writer) int {
	r := newReport(ctx, s)
	r.measure(ctx, stderr)
	if err := r.write(); err != nil {
		fmt.Fprintf(stderr, "report: %v\n", err)
		return 1
	}
	if err := r.print(stdout); err != nil {
		fmt.Fprintf(stderr, "report: %v\n", err)
		return 1
	}
	if len(r.failures()) > 0 || s.check && len(r.missed()) > 0 {
		return 1
	}
	return 0
}
