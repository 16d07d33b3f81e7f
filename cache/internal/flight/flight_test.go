package flight_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/cache/internal/flight"
	"github.com/stretchr/testify/require"
)

const (
	hash = 7
	key  = "k"
)

type validity func() bool

func (v validity) Valid() bool { return v() }

func always() bool { return true }

func newFlight() *flight.Flight[int] { return flying(always, nil, false) }

func flying(valid func() bool, cancel context.CancelFunc, background bool) *flight.Flight[int] {
	var f flight.Flight[int]
	f.Init(validity(valid), cancel, background)
	return &f
}

// join expects to lead, or not to.
func join(t *testing.T, g *flight.Group[string, int], own *flight.Flight[int], leads bool) *flight.Flight[int] {
	t.Helper()
	f, got := g.Join(hash, key, func() *flight.Flight[int] { return own })
	require.Equal(t, leads, got)
	return f
}

// Whoever leads a flight that nobody joined may do with it what it likes once it has ended.
func TestAlone(t *testing.T) {
	var g flight.Group[string, int]
	own := newFlight()
	join(t, &g, own, true)
	g.End(hash, key, own, 1, nil)
	require.True(t, own.Alone())

	own = newFlight()
	join(t, &g, own, true)
	other := join(t, &g, newFlight(), false)
	other.Leave()
	g.End(hash, key, own, 2, nil)
	require.False(t, own.Alone(), "the other has it still")

	own = newFlight()
	g.Lead(hash, key, own)
	require.False(t, g.Offer(hash, key, newFlight()))
	g.Lead(hash, key, newFlight())
	g.End(hash, key, own, 3, nil)
	require.True(t, own.Alone(), "nobody has got it")
}

func TestJoinSharesOneFlight(t *testing.T) {
	var g flight.Group[string, int]
	first := join(t, &g, newFlight(), true)
	second := join(t, &g, newFlight(), false)
	require.Same(t, first, second)

	other, leads := g.Join(hash, "another key of the same hash", newFlight)
	require.True(t, leads)
	require.NotSame(t, first, other)

	require.True(t, first.Finish(1, nil))
	require.False(t, first.Finish(2, errors.New("late")), "only the first call counts")
	v, err := second.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, v)
}

func TestFinishedFlightIsJoinedUntilForgotten(t *testing.T) {
	var g flight.Group[string, int]
	f := join(t, &g, newFlight(), true)
	f.Finish(1, nil)
	require.Same(t, f, join(t, &g, newFlight(), false))
	g.Forget(hash, key, f)
	join(t, &g, newFlight(), true)
}

func TestForgetLeavesAnotherFlightAlone(t *testing.T) {
	var g flight.Group[string, int]
	f := join(t, &g, newFlight(), true)
	later := newFlight()
	g.Lead(hash, key, later)
	g.Forget(hash, key, f)
	require.Same(t, later, join(t, &g, newFlight(), false))
	g.Forget(hash, key, later)
	g.Forget(hash, key, later)
	join(t, &g, newFlight(), true)
}

func TestJoinOnlyWhatIsValid(t *testing.T) {
	var g flight.Group[string, int]
	valid := true
	f := join(t, &g, flying(func() bool { return valid }, nil, false), true)
	require.Same(t, f, join(t, &g, newFlight(), false))
	valid = false
	later := join(t, &g, newFlight(), true)
	require.NotSame(t, f, later)
	f.Finish(1, nil)
	v, err := f.Wait(t.Context())
	require.NoError(t, err, "those who joined in time have it")
	require.Equal(t, 1, v)
}

func TestLeadReplaces(t *testing.T) {
	var g flight.Group[string, int]
	f := join(t, &g, newFlight(), true)
	newer := newFlight()
	g.Lead(hash, key, newer)
	require.Same(t, newer, join(t, &g, newFlight(), false))
	f.Finish(1, nil)
	newer.Finish(2, nil)
	v, _ := f.Wait(t.Context())
	require.Equal(t, 1, v)
	v, _ = newer.Wait(t.Context())
	require.Equal(t, 2, v)
}

func TestOfferOnlyWhereNobodyIsAtIt(t *testing.T) {
	var g flight.Group[string, int]
	f := join(t, &g, newFlight(), true)
	require.False(t, g.Offer(hash, key, flying(always, nil, true)))
	g.Forget(hash, key, f)
	background := flying(always, nil, true)
	require.True(t, g.Offer(hash, key, background))
	require.False(t, g.Offer(hash, key, flying(always, nil, true)))
	require.Same(t, background, join(t, &g, newFlight(), false))
}

func TestEachWaiterObeysItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, int]
		var cancelled atomic.Bool
		f := join(t, &g, flying(always, func() { cancelled.Store(true) }, false), true)
		join(t, &g, newFlight(), false)

		short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := f.Wait(short)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "cache: ")
		require.Equal(t, 50*time.Millisecond, time.Since(start))
		require.False(t, cancelled.Load(), "another still waits")

		go func() {
			time.Sleep(time.Second)
			f.Finish(1, nil)
		}()
		v, err := f.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, v)
		require.False(t, cancelled.Load())
	})
}

func TestResultBeatsContext(t *testing.T) {
	var g flight.Group[string, int]
	f := join(t, &g, newFlight(), true)
	f.Finish(1, nil)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		v, err := f.Wait(done)
		require.NoError(t, err)
		require.Equal(t, 1, v)
	}
}

func TestLastToLeaveCancels(t *testing.T) {
	var g flight.Group[string, int]
	cancelled := 0
	f := join(t, &g, flying(always, func() { cancelled++ }, false), true)
	join(t, &g, newFlight(), false)
	f.Leave()
	require.Zero(t, cancelled)
	f.Leave()
	require.Equal(t, 1, cancelled)
	join(t, &g, newFlight(), true) // a new caller never joins a cancelled flight
}

func TestOnCancel(t *testing.T) {
	var g flight.Group[string, int]
	cancelled := 0
	cancel := func() { cancelled++ }
	f := join(t, &g, newFlight(), true)
	f.OnCancel(cancel)
	require.Zero(t, cancelled)
	f.Leave()
	require.Equal(t, 1, cancelled)
	f.OnCancel(cancel)
	require.Equal(t, 2, cancelled, "all have left before")
}

func TestLeaveAfterTheEndCancelsNothing(t *testing.T) {
	var g flight.Group[string, int]
	f := join(t, &g, flying(always, func() { t.Error("cancelled") }, false), true)
	f.Finish(1, nil)
	f.Leave()
	require.Same(t, f, join(t, &g, newFlight(), false))
}

func TestNilCancel(t *testing.T) {
	var g flight.Group[string, int]
	f := join(t, &g, newFlight(), true)
	f.Leave()
	join(t, &g, newFlight(), true)
}

func TestBackgroundFlightOutlivesItsWaiters(t *testing.T) {
	var g flight.Group[string, int]
	f := flying(always, func() { t.Error("cancelled") }, true)
	require.True(t, g.Offer(hash, key, f))
	join(t, &g, newFlight(), false)
	f.Leave()
	require.Same(t, f, join(t, &g, newFlight(), false))
}

func TestErrorsReachAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g flight.Group[string, int]
		f := join(t, &g, newFlight(), true)
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for range 20 {
			joined := join(t, &g, newFlight(), false)
			wg.Go(func() {
				_, err := joined.Wait(t.Context())
				if !errors.Is(err, boom) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		f.Finish(0, boom)
		wg.Wait()
	})
}

// Whoever joins gets the result of a flight that was valid when it joined, or cancels it by leaving last; never nothing.
func TestConcurrentJoinLeaveFinish(t *testing.T) {
	var g flight.Group[int, int]
	var led, finished, cancelled atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				k := (worker + i) % 5
				ctx, cancel := context.WithCancel(t.Context())
				gone := make(chan struct{})
				own := flying(always, func() { cancelled.Add(1); close(gone) }, false)
				f, leads := g.Join(uint64(k), k, func() *flight.Flight[int] { return own })
				if leads {
					led.Add(1)
					wg.Go(func() {
						select {
						case <-gone:
							f.Finish(0, context.Canceled)
						default:
							f.Finish(k, nil)
						}
						g.Forget(uint64(k), k, f)
						finished.Add(1)
					})
				}
				if i%3 == 0 {
					cancel()
				}
				if v, err := f.Wait(ctx); err == nil && v != k {
					t.Errorf("%d got %d", k, v)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.Equal(t, led.Load(), finished.Load())
	t.Log("led", led.Load(), "cancelled", cancelled.Load())
}
