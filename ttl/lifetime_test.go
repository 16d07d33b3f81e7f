package ttl_test

import (
	"math"
	"testing"
	"time"

	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const forever = time.Duration(math.MaxInt64)

// Regression: a TTL below a second became an hour elsewhere.
func TestSubSecondIsExact(t *testing.T) {
	for _, d := range []time.Duration{1, 999, time.Millisecond + 1, 999_999_999} {
		require.Equal(t, d, ttl.Fixed(d).Lifetime(nil).Fresh)
		require.Equal(t, d, ttl.Fixed(d).Negative(d).NegativeLifetime().Fresh)
	}
}

// Regression: jitter that was accepted and never applied.
func TestJitterApplies(t *testing.T) {
	p := ttl.Fixed(time.Hour).Jitter(0.5)
	draws := map[string]func() time.Duration{
		"Lifetime":         func() time.Duration { return p.Lifetime(nil).Fresh },
		"NegativeLifetime": func() time.Duration { return p.Negative(time.Hour).NegativeLifetime().Fresh },
		"Hydrate":          func() time.Duration { return p.Hydrate(time.Hour) },
	}
	for name, draw := range draws {
		const n = 20_000
		low, high, sum := forever, time.Duration(0), 0.0
		for range n {
			d := draw()
			low, high, sum = min(low, d), max(high, d), sum+d.Minutes()
		}
		// Uniform in (30, 60] minutes: its mean has a standard error of 0.06.
		require.Greater(t, low, 30*time.Minute-1, name)
		require.Less(t, low, 31*time.Minute, name)
		require.Greater(t, high, 59*time.Minute, name)
		require.LessOrEqual(t, high, time.Hour, name)
		require.InDelta(t, 45, sum/n, 0.6, name)
	}
}

func TestNegative(t *testing.T) {
	fixed := func(d time.Duration) ttl.Lifetime { return ttl.Lifetime{Fresh: d, Stale: d, Keep: d} }
	require.Equal(t, fixed(ttl.DefaultNegative), ttl.Fixed(time.Hour).StaleIfError(time.Hour).NegativeLifetime())
	require.Equal(t, fixed(time.Second), ttl.Fixed(time.Second).NegativeLifetime())
	require.Equal(t, fixed(time.Second), ttl.Fixed(time.Hour).AtMost(time.Second).NegativeLifetime())
	require.Equal(t, fixed(ttl.DefaultNegative), ttl.FromValue(time.Until).NegativeLifetime())
	require.Equal(t, fixed(time.Second), ttl.FromValue(time.Until).AtMost(time.Second).NegativeLifetime())
	require.Equal(t, fixed(time.Hour), ttl.Fixed(time.Second).Negative(time.Hour).NegativeLifetime())
	require.Zero(t, ttl.Fixed(time.Hour).Negative(0).NegativeLifetime())
	require.Zero(t, ttl.Fixed(time.Hour).Negative(-time.Second).NegativeLifetime())
}

func TestLongest(t *testing.T) {
	require.Equal(t, time.Minute, ttl.Fixed(time.Minute).Jitter(0.5).Longest())
	require.Equal(t, 61*time.Minute, ttl.Fixed(time.Minute).StaleWhileRevalidate(time.Minute).StaleIfError(time.Hour).Longest())
	require.Equal(t, 61*time.Minute, ttl.Fixed(time.Minute).StaleWhileRevalidate(time.Hour).StaleIfError(time.Minute).Longest())
	require.Equal(t, time.Hour, ttl.Fixed(time.Minute).Negative(time.Hour).Longest())
	require.Equal(t, forever, ttl.FromValue(time.Until).Longest())
	require.Equal(t, 3*time.Hour, ttl.FromValue(time.Until).AtMost(time.Hour).StaleIfError(2*time.Hour).Longest())
	require.Equal(t, forever, ttl.Fixed(forever-1).StaleIfError(2).Longest())
	require.Equal(t, 2*time.Hour, ttl.Lifetime{Fresh: 1, Stale: time.Hour, Keep: 2 * time.Hour}.Longest())
}

// Regression: memory outlived Redis, as it was given a full TTL.
func TestHydrateNeverOutlives(t *testing.T) {
	p := ttl.Fixed(time.Hour)
	require.Equal(t, 3*time.Second, p.Hydrate(3*time.Second))
	require.Zero(t, p.Hydrate(0))
	require.Zero(t, p.Hydrate(-time.Second))
	rapid.Check(t, func(t *rapid.T) {
		left := time.Duration(rapid.Int64().Draw(t, "left"))
		got := drawPolicy(t).Hydrate(left)
		if left <= 0 {
			require.Zero(t, got)
			return
		}
		require.Positive(t, got)
		require.LessOrEqual(t, got, left)
	})
}

func TestLifetimeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fresh := duration(1).Draw(t, "fresh")
		jitter := rapid.Float64Range(0, math.Nextafter(1, 0)).Draw(t, "jitter")
		revalidate := duration(0).Draw(t, "stale-while-revalidate")
		onError := duration(0).Draw(t, "stale-if-error")
		p := ttl.Fixed(fresh).Jitter(jitter).StaleWhileRevalidate(revalidate).StaleIfError(onError)
		require.NoError(t, p.Validate())

		l := p.Lifetime(nil)
		require.Positive(t, l.Fresh)
		require.LessOrEqual(t, l.Fresh, fresh, "never longer than stated")
		least := float64(fresh) * (1 - jitter)
		require.GreaterOrEqual(t, float64(l.Fresh), least-least*1e-9-1, "never shorter than the jitter allows")
		require.LessOrEqual(t, l.Fresh, l.Stale)
		require.LessOrEqual(t, l.Fresh, l.Keep)
		require.Equal(t, min(revalidate, forever-l.Fresh), l.Stale-l.Fresh, "one draw for all three")
		require.Equal(t, min(onError, forever-l.Fresh), l.Keep-l.Fresh, "one draw for all three")
	})
}

// Whatever was set, well or badly, the order of a Lifetime holds, Longest
// bounds it, and nothing panics.
func TestAnyPolicyHoldsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		for _, l := range []ttl.Lifetime{p.Lifetime(time.Duration(rapid.Int64().Draw(t, "value"))), p.NegativeLifetime()} {
			require.GreaterOrEqual(t, l.Fresh, time.Duration(0))
			require.LessOrEqual(t, l.Fresh, l.Stale)
			require.LessOrEqual(t, l.Fresh, l.Keep)
			require.LessOrEqual(t, l.Longest(), p.Longest())
			require.Equal(t, l.Fresh == 0, l.IsZero())
		}
		_ = p.Validate()
		_ = p.RefreshEarly(time.Duration(rapid.Int64().Draw(t, "remaining")), time.Duration(rapid.Int64().Draw(t, "cost")))
		require.NotEmpty(t, p.String())
	})
}

// duration draws from all magnitudes, as most of int64 is above a century.
func duration(least int64) *rapid.Generator[time.Duration] {
	return rapid.Custom(func(t *rapid.T) time.Duration {
		bits := rapid.IntRange(1, 63).Draw(t, "bits")
		return time.Duration(rapid.Int64Range(least, max(least, math.MaxInt64>>(63-bits))).Draw(t, "ns"))
	})
}

// drawPolicy sets anything to anything.
func drawPolicy(t *rapid.T) ttl.Policy {
	var p ttl.Policy
	d := func(name string) time.Duration { return time.Duration(rapid.Int64().Draw(t, name)) }
	switch rapid.IntRange(0, 2).Draw(t, "source") {
	case 1:
		p = ttl.Fixed(d("fixed"))
	case 2:
		p = ttl.FromValue(func(d time.Duration) time.Duration { return d })
	}
	fraction := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}))
	settings := []func(){
		func() { p = p.AtMost(d("at most")) },
		func() { p = p.Jitter(fraction.Draw(t, "jitter")) },
		func() { p = p.StaleWhileRevalidate(d("stale-while-revalidate")) },
		func() { p = p.StaleIfError(d("stale-if-error")) },
		func() { p = p.Negative(d("negative")) },
		func() { p = p.EarlyRefresh(fraction.Draw(t, "beta")) },
	}
	for _, set := range settings {
		if rapid.Bool().Draw(t, "set") {
			set()
		}
	}
	return p
}
