package breaker_test

import (
	"math"
	"testing"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
)

func TestNewJoinsAllFaults(t *testing.T) {
	b, err := breaker.New(breaker.Options{
		Window: -1, FailureRate: math.NaN(), MinRequests: -1, Consecutive: -1, OpenFor: -time.Second,
		Probes: -1, ProbeSuccesses: -1, ProbeTimeout: -1,
	})
	require.Nil(t, b)
	require.EqualError(t, err, `breaker: Options.Window is -1ns: must not be negative (0 means 10s)
breaker: Options.FailureRate is NaN: must be above 0 and at most 1 (0 means 0.5)
breaker: Options.MinRequests is -1: must not be negative (0 means 10)
breaker: Options.Consecutive is -1: must not be negative (0 means 5)
breaker: Options.OpenFor is -1s: must not be negative (0 means 1s)
breaker: Options.Probes is -1: must not be negative (0 means 1)
breaker: Options.ProbeSuccesses is -1: must not be negative (0 means 2)
breaker: Options.ProbeTimeout is -1ns: must not be negative (0 means 5s)`)

	for _, o := range []breaker.Options{
		{Window: 9}, {FailureRate: -0.1}, {FailureRate: 1.1}, {FailureRate: math.Inf(1)},
	} {
		_, err := breaker.New(o)
		require.Error(t, err, "%+v", o)
	}
}

func TestHugeDurationsDoNotOverflow(t *testing.T) {
	b := newBreaker(t, breaker.Options{Window: math.MaxInt64, OpenFor: math.MaxInt64, ProbeTimeout: math.MaxInt64})
	report(t, b, "fffff")
	refuse(t, b)
	require.Equal(t, breaker.Open, b.State())
}

func TestStateString(t *testing.T) {
	require.Equal(t, "closed", breaker.Closed.String())
	require.Equal(t, "open", breaker.Open.String())
	require.Equal(t, "half-open", breaker.HalfOpen.String())
	require.Equal(t, "State(7)", breaker.State(7).String())
}
