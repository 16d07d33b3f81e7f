//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/plan"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/servers"
	"github.com/stretchr/testify/require"
)

func settings(t *testing.T, d time.Duration, faults ...plan.Fault) config {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no redis-server on PATH, which CI must have:", err)
		}
		t.Skip("no redis-server on PATH")
	}
	return config{
		Settings: plan.Settings{Seed: 1, Duration: d, Nodes: 2, Keys: 64, Faults: faults},
		Topology: servers.Standalone, Engine: "ristretto", MaxStaleness: time.Second, FallbackTTL: 2 * time.Second,
	}
}

func TestAFewSeconds(t *testing.T) {
	c := settings(t, 5*time.Second, plan.ScriptFlush, plan.LinkCut, plan.LinkDuplicate, plan.NodeKill)
	r, err := run(c, t.Output())
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, r.print(&out))
	require.Zero(t, r.Violations, out.String())
	require.Greater(t, r.Judged, uint64(2_000))
	require.NotEmpty(t, r.injected)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var last result
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &last))
	require.Equal(t, r.Judged, last.Judged)
}

// A node that only pretends to invalidate must not get away with it.
func TestALie(t *testing.T) {
	c := settings(t, 2*time.Second)
	c.Forgetful = true
	r, err := run(c, io.Discard)
	require.NoError(t, err)
	require.NotZero(t, r.Violations)
	promises := map[string]bool{}
	for _, f := range r.findings {
		promises[f.Promise] = true
	}
	require.Contains(t, promises, "F1")
	require.Contains(t, promises, "F2")
	var out bytes.Buffer
	require.NoError(t, r.print(&out))
	require.Contains(t, out.String(), "VIOLATION")
	require.Contains(t, out.String(), "invalidate ended")
}

func TestKeysAreTheirNumbers(t *testing.T) {
	seen := map[[2]any]bool{}
	for k := range 1000 {
		id := [2]any{k % len(policies), keyOf(k)}
		require.False(t, seen[id])
		seen[id] = true
		require.Equal(t, k, numberOf(keyOf(k), k%len(policies)))
		near := settableNear(k)
		require.True(t, settable(near))
		require.Equal(t, k%len(policies), near%len(policies))
		require.Contains(t, inGroup(k, 1000), k)
		require.Subset(t, inCache(k, 1000), inGroup(k, 1000))
	}
}
