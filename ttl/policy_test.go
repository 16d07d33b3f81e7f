package ttl_test

import (
	"math"
	"testing"
	"time"

	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

func TestZeroPolicyKeepsNothing(t *testing.T) {
	var p ttl.Policy
	require.True(t, p.IsZero())
	require.NoError(t, p.Validate())
	require.Zero(t, p.Lifetime(1))
	require.Zero(t, p.NegativeLifetime())
	require.Zero(t, p.Longest())
	require.Equal(t, time.Minute, p.Hydrate(time.Minute))
	require.False(t, p.RefreshEarly(0, time.Hour))
}

func TestAnySettingMakesAPolicy(t *testing.T) {
	for name, p := range map[string]ttl.Policy{
		"Fixed":                ttl.Fixed(0),
		"FromValue":            ttl.FromValue[int](nil),
		"AtMost":               ttl.Policy{}.AtMost(0),
		"Jitter":               ttl.Policy{}.Jitter(0),
		"StaleWhileRevalidate": ttl.Policy{}.StaleWhileRevalidate(0),
		"StaleIfError":         ttl.Policy{}.StaleIfError(0),
		"Negative":             ttl.Policy{}.Negative(0),
		"EarlyRefresh":         ttl.Policy{}.EarlyRefresh(0),
	} {
		require.False(t, p.IsZero(), name)
		require.Error(t, p.Validate(), name)
	}
}

func TestSettingsDoNotReachTheReceiver(t *testing.T) {
	base := ttl.Fixed(time.Minute)
	extended := base.StaleIfError(time.Hour)
	require.Equal(t, ttl.Lifetime{Fresh: time.Minute, Stale: time.Minute, Keep: time.Minute}, base.Lifetime(nil))
	require.Equal(t, ttl.Lifetime{Fresh: time.Minute, Stale: time.Minute, Keep: 61 * time.Minute}, extended.Lifetime(nil))
}

func TestValidateNamesTheSetting(t *testing.T) {
	ok := ttl.Fixed(time.Minute)
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		p    ttl.Policy
		want string
	}{
		{ok, ""},
		{ok.Jitter(0.999).StaleIfError(0).StaleWhileRevalidate(0).Negative(-1).EarlyRefresh(3), ""},
		{ttl.Policy{}.Jitter(0.1), "ttl: no freshness: begin with Fixed or FromValue"},
		{ttl.Fixed(0), "ttl: Fixed(0s): must be positive"},
		{ttl.Fixed(-time.Second), "ttl: Fixed(-1s): must be positive"},
		{ttl.FromValue[int](nil), "ttl: FromValue(nil): must be a function"},
		{ok.AtMost(0), "ttl: AtMost(0s): must be positive"},
		{ok.Jitter(1), "ttl: Jitter(1): must be at least 0 and below 1"},
		{ok.Jitter(-0.1), "ttl: Jitter(-0.1): must be at least 0 and below 1"},
		{ok.Jitter(nan), "ttl: Jitter(NaN): must be at least 0 and below 1"},
		{ok.Jitter(inf), "ttl: Jitter(+Inf): must be at least 0 and below 1"},
		{ok.StaleWhileRevalidate(-1), "ttl: StaleWhileRevalidate(-1ns): must not be negative"},
		{ok.StaleIfError(-1), "ttl: StaleIfError(-1ns): must not be negative"},
		{ok.EarlyRefresh(-1), "ttl: EarlyRefresh(-1): must be finite and not negative"},
		{ok.EarlyRefresh(nan), "ttl: EarlyRefresh(NaN): must be finite and not negative"},
		{ok.EarlyRefresh(inf), "ttl: EarlyRefresh(+Inf): must be finite and not negative"},
		{ok.EarlyRefresh(-inf), "ttl: EarlyRefresh(-Inf): must be finite and not negative"},
		{ok.Jitter(2).EarlyRefresh(-1), "ttl: Jitter(2): must be at least 0 and below 1\nttl: EarlyRefresh(-1): must be finite and not negative"},
	} {
		if c.want == "" {
			require.NoError(t, c.p.Validate(), c.p)
		} else {
			require.EqualError(t, c.p.Validate(), c.want)
		}
	}
}

// Whoever forgot Validate gets the harmless thing, not a panic or a long life.
func TestBadSettingsAreHarmless(t *testing.T) {
	ok := ttl.Fixed(time.Minute)
	minute := ttl.Lifetime{Fresh: time.Minute, Stale: time.Minute, Keep: time.Minute}
	require.Equal(t, minute, ok.StaleWhileRevalidate(-1).StaleIfError(-time.Hour).Lifetime(nil))
	require.Equal(t, minute, ok.Jitter(math.NaN()).Lifetime(nil))
	require.Equal(t, minute, ok.Jitter(-1).Lifetime(nil))
	require.Equal(t, minute, ok.AtMost(-1).Lifetime(nil))
	require.Zero(t, ttl.Fixed(-time.Hour).StaleIfError(time.Hour).Lifetime(nil))
	require.Zero(t, ttl.Fixed(-time.Hour).Longest())
	require.Zero(t, ttl.Fixed(-time.Hour).NegativeLifetime())
	require.Zero(t, ttl.FromValue[int](nil).Lifetime(1))
	require.Zero(t, ttl.Policy{}.StaleIfError(time.Hour).Lifetime(1))
	require.False(t, ok.EarlyRefresh(-1).RefreshEarly(0, time.Second))
	require.False(t, ok.EarlyRefresh(math.NaN()).RefreshEarly(0, time.Second))
	for range 1000 {
		got := ok.Jitter(math.Inf(1)).Lifetime(nil).Fresh
		require.Positive(t, got)
		require.LessOrEqual(t, got, time.Minute)
	}
}

func TestStringOfOddities(t *testing.T) {
	require.Equal(t, "no freshness jitter 50%", ttl.Policy{}.Jitter(0.5).String())
	require.Equal(t, "1h", ttl.Fixed(time.Hour).String())
	require.Equal(t, "10s", ttl.Fixed(10*time.Second).String())
	require.Equal(t, "1h0m10s", ttl.Fixed(time.Hour+10*time.Second).String())
	require.Equal(t, "20m stale-while-revalidate 1m negative 1s", ttl.Fixed(20*time.Minute).StaleWhileRevalidate(time.Minute).Negative(time.Second).String())
	require.Equal(t, "0s jitter NaN%", ttl.Fixed(0).Jitter(math.NaN()).String())
}
