package benchmarks

import (
	"sync"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/latency"
)

// stopwatch runs requests and keeps their times. Two looks at the clock take about as long as a hit in memory: fast
// requests are therefore timed one in sixteen, and what the looks take is left out of the percentiles.
type stopwatch struct {
	latency.Histogram

	every int
	calls int
	err   error // the first
}

const fast = 10 * time.Microsecond

func newStopwatch(op func(i int) error) *stopwatch {
	w := &stopwatch{every: 1}
	shortest := time.Duration(1<<63 - 1)
	for i := range 8 {
		start := time.Now()
		w.err = op(i)
		shortest = min(shortest, time.Since(start))
	}
	if shortest < fast {
		w.every = 16
	}
	return w
}

func (w *stopwatch) run(op func(i int) error, i int) {
	var err error
	if w.calls++; w.calls%w.every == 0 {
		start := time.Now()
		err = op(i)
		w.Add(time.Since(start) - clockCost())
	} else {
		err = op(i)
	}
	if err != nil && w.err == nil {
		w.err = err
	}
}

// clockCost is what a stopwatch shows when nothing happens.
var clockCost = sync.OnceValue(func() time.Duration {
	cost := time.Second
	for range 1000 {
		start := time.Now()
		cost = min(cost, time.Since(start))
	}
	return cost
})

// together shares n requests among callers, each of which asks for something else.
func together(callers, n int, op func(i int) error) *stopwatch {
	all := newStopwatch(op)
	var mu sync.Mutex
	var done sync.WaitGroup
	for c := range callers {
		done.Go(func() {
			w := stopwatch{every: all.every}
			for i := c; i < n; i += callers {
				w.run(op, i)
			}
			mu.Lock()
			defer mu.Unlock()
			all.Merge(&w.Histogram)
			if all.err == nil {
				all.err = w.err
			}
		})
	}
	done.Wait()
	return all
}
