package ttl_test

import (
	"math"
	"testing"
	"time"

	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

func TestRefreshEarlyEdges(t *testing.T) {
	off, on := ttl.Fixed(time.Minute), ttl.Fixed(time.Minute).EarlyRefresh(1)
	for range 1000 {
		require.False(t, off.RefreshEarly(1, time.Hour), "off")
		require.False(t, off.EarlyRefresh(0).RefreshEarly(-1, time.Hour), "off")
		require.True(t, on.RefreshEarly(0, time.Second), "nothing remains")
		require.True(t, on.RefreshEarly(-1, 0), "nothing remains")
		require.False(t, on.RefreshEarly(time.Nanosecond, 0), "unknown cost")
		require.False(t, on.RefreshEarly(time.Nanosecond, -time.Second), "unknown cost")
		require.False(t, on.RefreshEarly(time.Minute, time.Second), "far from the end")
		require.False(t, on.RefreshEarly(math.MaxInt64, time.Second))
		require.True(t, on.EarlyRefresh(math.MaxFloat64).RefreshEarly(time.Second, time.Hour), "no overflow")
	}
}

// The share of early refreshes is exp(-remaining/(beta*cost)).
func TestRefreshEarlyFollowsXFetch(t *testing.T) {
	const n = 100_000
	for _, c := range []struct {
		beta            float64
		remaining, cost time.Duration
	}{
		{1, 10 * time.Millisecond, 10 * time.Millisecond},
		{1, 30 * time.Millisecond, 10 * time.Millisecond},
		{1, time.Millisecond, 10 * time.Millisecond},
		{2, 30 * time.Millisecond, 10 * time.Millisecond},
		{0.5, 5 * time.Millisecond, 10 * time.Millisecond},
	} {
		p, hits := ttl.Fixed(time.Minute).EarlyRefresh(c.beta), 0
		for range n {
			if p.RefreshEarly(c.remaining, c.cost) {
				hits++
			}
		}
		want := math.Exp(-float64(c.remaining) / (c.beta * float64(c.cost)))
		sigma := math.Sqrt(want * (1 - want) / n)
		require.InDelta(t, want, float64(hits)/n, 7*sigma, "%+v", c)
	}
}

func TestHotMethodsDoNotAllocate(t *testing.T) {
	value := &token{time.Now().Add(time.Hour)}
	full := ttl.Fixed(time.Minute).Jitter(0.1).StaleIfError(time.Hour).EarlyRefresh(1)
	fromValue := ttl.FromValue(token.Left).Jitter(0.1)
	for name, f := range map[string]func(){
		"RefreshEarly":     func() { full.RefreshEarly(time.Second, time.Second) },
		"Lifetime":         func() { full.Lifetime(value) },
		"NegativeLifetime": func() { full.NegativeLifetime() },
		"Hydrate":          func() { full.Hydrate(time.Minute) },
		"FromValue":        func() { fromValue.Lifetime(value) },
	} {
		require.Zero(t, testing.AllocsPerRun(1000, f), name)
	}
}

func BenchmarkRefreshEarly(b *testing.B) {
	off := ttl.Fixed(time.Minute)
	on := off.EarlyRefresh(1)
	for _, c := range []struct {
		name      string
		p         ttl.Policy
		remaining time.Duration
	}{
		{"off", off, time.Minute},
		{"far", on, time.Minute},
		{"near", on, time.Second},
	} {
		b.Run("case="+c.name, func(b *testing.B) {
			for b.Loop() {
				c.p.RefreshEarly(c.remaining, time.Second)
			}
		})
	}
}

func BenchmarkLifetime(b *testing.B) {
	p := ttl.Fixed(time.Minute).Jitter(0.1).StaleIfError(time.Hour)
	for b.Loop() {
		p.Lifetime(nil)
	}
}
