package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freshet-go/freshet/benchmarks/peers/scenario"
	"github.com/freshet-go/freshet/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noEnv(string) string { return "" }

// TestAWholeReport measures for a moment.
func TestAWholeReport(t *testing.T) {
	redistest.Need(t)
	dir := t.TempDir()
	s, err := parse([]string{"-only", "s2,S9", "-out", dir}, noEnv, io.Discard)
	require.NoError(t, err)
	s.lab = scenario.Tiny()
	var stdout, stderr strings.Builder
	require.Zero(t, produce(t.Context(), s, &stdout, &stderr), stderr.String())

	printed := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	var last struct{ Targets, Reached int }
	require.NoError(t, json.Unmarshal([]byte(printed[len(printed)-1]), &last))
	require.Equal(t, 28, last.Targets)
	require.LessOrEqual(t, last.Reached, last.Targets)

	results, err := os.ReadFile(filepath.Join(dir, "RESULTS.md"))
	require.NoError(t, err)
	require.Contains(t, string(results), "## S2: ")
	require.Contains(t, string(results), "freshet-redis ops/s ≥ 8 × go-redis")
	charts, err := filepath.Glob(filepath.Join(dir, chartFolder, "*.svg"))
	require.NoError(t, err)
	require.Len(t, charts, 6) // two sizes of values twice, tiers, one trace
}

func TestAMissedTargetIsRedAndShown(t *testing.T) {
	r := report{sections: []section{{
		scenario: scenario.Scenario{ID: "S9", Title: "Title"},
		results: []scenario.Result{{
			Bout:    scenario.Bout{Name: "B", Entrants: []scenario.Entrant{{Lib: "a"}}, Targets: []scenario.Target{{Lib: "a", Metric: "m", Limit: 3}}},
			Samples: map[string][]scenario.Sample{"a": {{"m": 2}}},
		}},
	}}}
	require.Contains(t, r.markdown(), "| 🔴 |  | a m ≥ 3 | 2 |")
	require.Equal(t, []string{"S9 B: a m ≥ 3"}, r.missed())
	require.Empty(t, r.failures())
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{{"-only", "S99"}, {"-rounds", "-1"}, {"left"}, {"-traces", t.TempDir()}, {"-nonsense"}} {
		require.Equal(t, 2, run(t.Context(), bad, noEnv, io.Discard, io.Discard), bad)
	}
	require.Zero(t, run(t.Context(), []string{"-h"}, noEnv, io.Discard, io.Discard))
	s, err := parse([]string{"-quick", "-rounds", "5"}, noEnv, io.Discard)
	require.NoError(t, err)
	require.Equal(t, 5, s.lab.Rounds)
	require.True(t, s.wants("S1"))
}

func TestFigures(t *testing.T) {
	for want, v := range map[string]float64{
		"0": 0.0001, "0.012": 0.012, "12.3": 12.34, "123": 123.4, "1,234": 1234, "-1,234,568": -1234567.8,
	} {
		require.Equal(t, want, figure(v))
	}
}
