package scenario

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

// Metrics that several scenarios have.
const (
	NsPerOp  = "ns/op"
	OpsPerS  = "ops/s"
	P50      = "p50-ns"
	P99      = "p99-ns"
	AllocsOp = "allocs/op"
	Loads    = "loads"
)

// Sample is what one round of one entrant gave, by metric.
type Sample map[string]float64

// Bout is one thing that entrants are compared at.
type Bout struct {
	Name     string // as in BenchmarkNAME
	Case     string // dim=value, of which the name of a benchmark is made; may be empty
	Rounds   int    // the most that there are; 0: as many as the run has
	Entrants []Entrant
	Targets  []Target
}

// Entrant takes part in a Bout.
type Entrant struct {
	Lib     string
	Prepare func(context.Context, *Lab) (Trial, error)
}

// Trial is an entrant that is ready. It has Work, or it Measures.
type Trial struct {
	Work    lab.Work
	Spoiled *atomic.Int64 // operations that were not what is measured, as hits that were loads; nil: there are none
	Measure func(context.Context) (Sample, error)
	Close   func()
}

const (
	tolerance = 100             // one spoiled operation in so many makes a round another measurement
	again     = 5               // times that it is tried
	respite   = 2 * time.Second // in between: a machine that stood still made a breaker open
)

// Round is one round of a trial. One of which much was spoiled, because the machine stood still for so long that a
// deadline passed, is tried again.
func (t Trial) Round(ctx context.Context, d time.Duration) (Sample, error) {
	if t.Measure != nil {
		return t.Measure(ctx)
	}
	for try := 1; ; try++ {
		var before int64
		if t.Spoiled != nil {
			before = t.Spoiled.Load()
		}
		runtime.GC() // what others left
		done, err := t.Work.For(d)
		if err != nil {
			return nil, err
		}
		s := sample(done, t.Work.Quick)
		if t.Spoiled == nil {
			return s, nil
		}
		bad := int(t.Spoiled.Load() - before)
		if bad*tolerance <= done.Ops {
			return s, nil
		}
		if try == again {
			return nil, fmt.Errorf("%d of %d operations were not what is measured: loads, or deferred", bad, done.Ops)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(respite):
		}
	}
}

func sample(done lab.Done, quick bool) Sample {
	s := Sample{}
	if done.Ops > 0 {
		s[NsPerOp] = float64(done.Elapsed) / float64(done.Ops)
		s[OpsPerS] = float64(done.Ops) / done.Elapsed.Seconds()
		s[AllocsOp] = done.Allocs
		if !quick {
			s[P50] = float64(done.Latency.Quantile(0.50))
			s[P99] = float64(done.Latency.Quantile(0.99))
		}
	}
	return s
}

// Result is what a Bout gave: the samples of each entrant, round by round.
type Result struct {
	Bout    Bout
	Samples map[string][]Sample // by Lib
}

// Run prepares the entrants, and lets them take turns. Progress, which may be nil, is told of each turn.
func (b Bout) Run(ctx context.Context, l *Lab, progress func(lib string, round, rounds int)) (r Result, err error) {
	rounds := l.Rounds
	if b.Rounds > 0 {
		rounds = min(rounds, b.Rounds)
	}
	r = Result{b, map[string][]Sample{}}
	trials := make([]Trial, 0, len(b.Entrants))
	defer func() {
		for _, t := range trials {
			if t.Close != nil {
				t.Close()
			}
		}
	}()
	for _, e := range b.Entrants {
		t, err := e.Prepare(ctx, l)
		if err != nil {
			return r, fmt.Errorf("scenario: %s %s: prepare %s: %w", b.Name, b.Case, e.Lib, err)
		}
		trials = append(trials, t)
	}
	for round := range rounds {
		for i, e := range b.Entrants {
			if err := ctx.Err(); err != nil {
				return r, err
			}
			if progress != nil {
				progress(e.Lib, round+1, rounds)
			}
			s, err := trials[i].Round(ctx, l.RoundTime)
			if err != nil {
				return r, fmt.Errorf("scenario: %s %s: %s: %w", b.Name, b.Case, e.Lib, err)
			}
			r.Samples[e.Lib] = append(r.Samples[e.Lib], s)
		}
	}
	return r, nil
}

// Median returns the middle of an entrant's rounds, NaN if it does not have this metric.
func (r Result) Median(lib, metric string) float64 {
	var values []float64
	for _, s := range r.Samples[lib] {
		if v, ok := s[metric]; ok {
			values = append(values, v)
		}
	}
	return lab.Median(values)
}

// Medians returns the medians of all metrics of an entrant.
func (r Result) Medians(lib string) Sample {
	all := Sample{}
	for _, s := range r.Samples[lib] {
		maps.Copy(all, s)
	}
	for metric := range all {
		all[metric] = r.Median(lib, metric)
	}
	return all
}
