// Report measures Freshet beside the caches that others use, judges its targets, and writes benchmarks/RESULTS.md and
// charts:
//
//	go run ./benchmarks/report -h
//
// The rivals and the plotting library are dependencies of the module benchmarks/peers, not of the library's own. This
// program only builds benchmarks/peers/report there and runs it here, with the same arguments; a clean clone needs no
// more than the Go module proxy, and a redis-server on PATH.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

const module = "github.com/freshet-go/freshet"

func main() {
	// An interrupt reaches the program that runs, too: it ends in its own way, and this one waits.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(context.WithoutCancel(ctx))
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(max(exit.ExitCode(), 1)) // it has said why
	case err != nil:
		fmt.Fprintf(os.Stderr, "report: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return fmt.Errorf("find the module %s: %w", module, err)
	}
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "report")
	peers := filepath.Join(strings.TrimSpace(string(root)), "benchmarks", "peers")
	build := exec.CommandContext(ctx, "go", "-C", peers, "build", "-o", program, "./report")
	build.Env = append(os.Environ(), "GOWORK=off") // a workspace may not have this module
	if err := pass(build); err != nil {
		return err
	}
	return pass(exec.CommandContext(ctx, program, os.Args[1:]...))
}

// pass runs a program in the place of this one.
func pass(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
