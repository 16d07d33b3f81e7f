package breaker_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
)

// Observations form one chain: none missing, none twice, never two at a time,
// and their order is the breaker's.
func TestConcurrentChangesFormAChain(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	var (
		state  = breaker.Closed // of the observer; unsynchronized, for the race detector
		inside atomic.Int32
		seen   int
	)
	b := newBreaker(t, breaker.Options{
		Consecutive: 2, OpenFor: 1, Probes: 3, ProbeTimeout: time.Hour,
		OnChange: func(from, to breaker.State) {
			if inside.Add(1) != 1 || from != state || from == to {
				t.Errorf("at a time: %d; told %v->%v while %v", inside.Load(), from, to, state)
			}
			state, seen = to, seen+1
			inside.Add(-1)
		},
	})
	var wg sync.WaitGroup
	for worker := range uint64(8) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, worker))
			for range 5000 {
				p, err := b.Allow()
				if err != nil {
					continue
				}
				switch r.IntN(8) {
				case 0:
					p.Cancel()
				case 1, 2, 3:
					p.Failure()
				default:
					p.Success()
				}
				p.Failure() // spent
				b.State()
			}
		})
	}
	wg.Wait()
	require.Equal(t, b.State(), state)
	require.Positive(t, seen)

	for range 3 { // all slots are free
		if _, err := b.Allow(); err != nil {
			require.Equal(t, breaker.Open, b.State())
		}
	}
}

func TestConcurrentCopiesReportOnce(t *testing.T) {
	b := newBreaker(t, breaker.Options{Consecutive: 2})
	p := allow(t, b)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(p.Failure)
	}
	wg.Wait()
	require.Equal(t, breaker.Closed, b.State())
	report(t, b, "f")
	require.Equal(t, breaker.Open, b.State())
}

func TestConcurrentProbesNeverExceedTheirSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slots = 3
		b := newBreaker(t, breaker.Options{Consecutive: 1, Probes: slots, ProbeSuccesses: 1000})
		report(t, b, "f")
		time.Sleep(breaker.DefaultOpenFor)
		endings := []func(breaker.Permit){
			breaker.Permit.Success,
			breaker.Permit.Cancel,
			func(breaker.Permit) { time.Sleep(breaker.DefaultProbeTimeout) }, // never reports
			breaker.Permit.Success,
		}
		for _, end := range endings {
			var allowed atomic.Int32
			var wg sync.WaitGroup
			hold := make(chan struct{})
			for range 100 {
				wg.Go(func() {
					if p, err := b.Allow(); err == nil {
						allowed.Add(1)
						<-hold
						end(p)
					}
				})
			}
			synctest.Wait()
			require.EqualValues(t, slots, allowed.Load())
			close(hold)
			wg.Wait()
		}
		require.Equal(t, breaker.HalfOpen, b.State())
	})
}
