package latency

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantiles(t *testing.T) {
	var h, even Histogram
	require.Zero(t, h.Quantile(0.5))
	for d := range time.Duration(100_000) {
		if d%2 == 0 {
			even.Add(d)
		} else {
			h.Add(d)
		}
	}
	h.Merge(&even)
	require.InEpsilon(t, 50_000, h.Quantile(0.50), 1.0/fineness)
	require.InEpsilon(t, 99_000, h.Quantile(0.99), 1.0/fineness)
}

func TestQuantileOfOne(t *testing.T) {
	var h Histogram
	h.Add(5)
	require.Equal(t, time.Duration(5), h.Quantile(0.99))
}
