package cachehttp_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache/cachehttp"
	"github.com/stretchr/testify/require"
)

func TestHistogramIsRightToAQuarter(t *testing.T) {
	var h cachehttp.Histogram
	require.Nil(t, h.Snapshot())
	for i := range 1000 {
		h.Add(time.Duration(i+1) * time.Millisecond)
	}
	l := h.Snapshot()
	require.EqualValues(t, 1000, l.Count)
	require.GreaterOrEqual(t, l.P50, 500.0)
	require.LessOrEqual(t, l.P50, 500*1.25)
	require.GreaterOrEqual(t, l.P99, 990.0)
	require.LessOrEqual(t, l.P99, 990*1.25)
}

func TestHistogramTakesEveryDuration(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		d := time.Duration(r.Uint64() >> r.IntN(64) & math.MaxInt64)
		var h cachehttp.Histogram
		h.Add(d)
		got := h.Snapshot().P50 * float64(time.Millisecond)
		require.GreaterOrEqual(t, got, float64(d))
		require.LessOrEqual(t, got, max(float64(d)*1.251, 5), "%d", d)
	}
	var h cachehttp.Histogram
	h.Add(-1)
	require.EqualValues(t, 1, h.Snapshot().Count)
}

func TestHistogramForgets(t *testing.T) {
	var h cachehttp.Histogram
	h.Age()
	h.Add(time.Second)
	h.Age()
	require.EqualValues(t, 1, h.Snapshot().Count)
	h.Add(time.Second)
	require.EqualValues(t, 2, h.Snapshot().Count)
	h.Age()
	require.EqualValues(t, 1, h.Snapshot().Count)
	h.Age()
	require.Nil(t, h.Snapshot())
}
