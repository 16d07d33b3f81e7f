package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// machine is what the figures depend on.
type machine struct {
	Go, System, CPU, Load, Redis, Commit string
	Libraries                            []string
}

// libraries are those whose versions matter.
var libraries = []string{
	"github.com/redis/go-redis/v9", "github.com/go-redis/cache/v9", "github.com/viccon/sturdyc", "github.com/redis/rueidis",
	"github.com/dgraph-io/ristretto/v2", "github.com/maypok86/otter/v2", "github.com/Yiling-J/theine-go",
}

func thisMachine(ctx context.Context) machine {
	m := machine{
		Go:     runtime.Version(),
		System: fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		CPU:    "unknown", Load: "unknown",
		Redis:  output(ctx, "redis-server", "--version"),
		Commit: output(ctx, "git", "describe", "--always", "--dirty"),
	}
	for word := range strings.FieldsSeq(m.Redis) {
		if version, ok := strings.CutPrefix(word, "v="); ok {
			m.Redis = version
		}
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for lines := bufio.NewScanner(bytes.NewReader(info)); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if slices.Contains(libraries, dep.Path) {
				m.Libraries = append(m.Libraries, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
			}
		}
	}
	return m
}

func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
