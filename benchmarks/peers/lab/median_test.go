package lab

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	values := []float64{9, 1, 5}
	require.Equal(t, 5.0, Median(values))
	require.Equal(t, []float64{9, 1, 5}, values)
	require.Equal(t, 3.0, Median([]float64{1, 5}))
	require.True(t, math.IsNaN(Median(nil)))
}
