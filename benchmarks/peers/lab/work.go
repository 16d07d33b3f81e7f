package lab

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/latency"
)

// Work is an operation and who does it.
type Work struct {
	// Op is done over and over, each time with another i, from 0 on. It may be called concurrently.
	Op func(i int) error
	// Callers is how many goroutines do it at once. 0: one.
	Callers int
	// Quick operations are too short to be timed one by one: there are no percentiles of them.
	Quick bool
}

// Done is what came of Work.
type Done struct {
	Ops     int
	Elapsed time.Duration
	Allocs  float64 // of the process, per operation
	Latency latency.Histogram
}

// stride keeps callers apart in the sequence of i.
const stride = 104_729

// For works for about d, once at least, and stops at the first error.
func (w Work) For(d time.Duration) (Done, error) {
	end := time.Now().Add(d)
	var begun atomic.Bool
	return w.run(func(int) bool { return !begun.Load() && begun.CompareAndSwap(false, true) || time.Now().Before(end) })
}

// Times works n times, shared among the callers, and stops at the first error.
func (w Work) Times(n int) (Done, error) {
	var begun atomic.Int64
	return w.run(func(ops int) bool { return begun.Add(int64(ops)) <= int64(n)+int64(ops)-1 })
}

// run lets every caller go on while more says so; it is asked before so many operations.
func (w Work) run(more func(ops int) bool) (Done, error) {
	callers := max(w.Callers, 1)
	chunk := 1
	if w.Quick {
		chunk = 256
	}
	var all Done
	var mu sync.Mutex
	var failure error
	var failed atomic.Bool
	caller := func(c int) {
		var own Done
		var err error
		i := c * stride
		for err == nil && !failed.Load() && more(chunk) {
			if w.Quick {
				for range chunk {
					if err = w.Op(i); err != nil {
						break
					}
					i++
				}
			} else {
				began := time.Now()
				err = w.Op(i)
				own.Latency.Add(time.Since(began))
				i++
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all.Ops += i - c*stride
		all.Latency.Merge(&own.Latency)
		if err != nil && failure == nil {
			failure = fmt.Errorf("lab: operation %d: %w", i, err)
			failed.Store(true)
		}
	}

	var done sync.WaitGroup
	before := mallocs()
	began := time.Now()
	for c := range callers {
		done.Go(func() { caller(c) })
	}
	done.Wait()
	all.Elapsed = time.Since(began)
	if all.Ops > 0 {
		all.Allocs = float64(mallocs()-before) / float64(all.Ops)
	}
	return all, failure
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// HeapBytes is what is in use after a garbage collection.
func HeapBytes() float64 {
	runtime.GC()
	runtime.GC() // what the first one finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
