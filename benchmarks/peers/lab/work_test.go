package lab

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWorkForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done, err := Work{Callers: 2, Op: func(int) error {
			time.Sleep(10 * time.Millisecond)
			return nil
		}}.For(time.Second)
		require.NoError(t, err)
		require.Equal(t, 200, done.Ops)
		require.Equal(t, time.Second, done.Elapsed)
		require.InEpsilon(t, 10*time.Millisecond, done.Latency.Quantile(0.99), 0.03)
	})
}

func TestWorkManyTimes(t *testing.T) {
	for _, quick := range []bool{false, true} {
		var calls atomic.Int64
		done, err := Work{Callers: 3, Quick: quick, Op: func(int) error {
			calls.Add(1)
			return nil
		}}.Times(2560)
		require.NoError(t, err)
		require.Equal(t, 2560, done.Ops)
		require.Equal(t, int64(2560), calls.Load())
	}
}

func TestWorkEndsWithAnError(t *testing.T) {
	broken := errors.New("broken")
	for _, quick := range []bool{false, true} {
		_, err := Work{Callers: 2, Quick: quick, Op: func(i int) error {
			if i == 100 {
				return broken
			}
			return nil
		}}.For(time.Hour)
		require.ErrorIs(t, err, broken)
	}
}
