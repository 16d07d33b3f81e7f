package scenario

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
)

// TestEverythingRuns runs each bout for a moment, and looks whether its targets can be judged. What they come to says
// nothing here.
func TestEverythingRuns(t *testing.T) {
	redistest.Need(t)
	l := Tiny()
	for _, s := range All() {
		t.Run(s.ID, func(t *testing.T) {
			for _, b := range s.Bouts(&l) {
				r, err := b.Run(t.Context(), &l, nil)
				require.NoError(t, err)
				for _, e := range b.Entrants {
					require.NotEmpty(t, r.Medians(e.Lib), "%s %s: %s", b.Name, b.Case, e.Lib)
				}
				for _, target := range b.Targets {
					value, _ := target.Reached(r)
					require.False(t, math.IsNaN(value) || math.IsInf(value, 0), "%s %s: %v", b.Name, b.Case, target)
				}
			}
		})
	}
}

func TestTargets(t *testing.T) {
	r := Result{Samples: map[string][]Sample{
		"a": {{"m": 10}, {"m": 30}, {"m": 1000}},
		"b": {{"m": 20}, {"m": 20}, {"m": 20}},
		"c": {{"other": 1}},
	}}
	for _, c := range []struct {
		target Target
		says   string
		value  float64
		ok     bool
	}{
		{atMost("a", "m", 30), "a m ≤ 30", 30, true},
		{atMost("a", "m", 29), "a m ≤ 29", 30, false},
		{atMostTimes(1.4, "a", "m", "b"), "a m ≤ 1.4 × b", 1.5, false},
		{atLeastTimes(1.5, "a", "m", "b"), "a m ≥ 1.5 × b", 1.5, true},
		{atLeastLess(1, "a", "m", "b"), "a m ≥ b − 1", 10, true},
		{atLeastLess(1, "b", "m", "a"), "b m ≥ a − 1", -10, false},
	} {
		require.Equal(t, c.says, c.target.String())
		value, ok := c.target.Reached(r)
		require.Equal(t, c.value, value, c.says)
		require.Equal(t, c.ok, ok, c.says)
	}
	for _, nothing := range []Target{atMost("c", "m", 1), atMostTimes(1, "a", "m", "c"), atLeastTimes(1, "d", "m", "a")} {
		value, ok := nothing.Reached(r)
		require.True(t, math.IsNaN(value))
		require.False(t, ok)
	}
}
