package scenario

import (
	"context"
	"fmt"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/freshet-go/freshet/benchmarks/internal/trace"
	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/maypok86/otter/v2"
)

// HitRatio is in percent of the requests.
const HitRatio = "hit-%"

// Shares are the sizes of memory, in parts of the distinct keys of a trace.
var Shares = []float64{0.01, 0.05, 0.10, 0.25}

var hitRatio = Scenario{
	ID: "S9", Title: "Hit ratio",
	Note: "Request traces through memory alone, in a tight loop: in percent of the requests. A Store is given as many bytes " +
		"as it needs, by trial, to hold the share of the keys that the raw engines are allowed by number. In such a loop " +
		"ristretto drops Sets, and otter, which evicts later, holds up to twice the entries that it is allowed; where they are " +
		"“-waited”, each Set is waited for.",
	Bouts: func(l *Lab) []Bout {
		traces := l.Traces
		if len(traces) == 0 {
			traces = []trace.Trace{trace.Zipf(min(l.Requests, 500_000), 50_000)}
		}
		var all []Bout
		for _, t := range traces {
			t = t.First(l.Requests)
			for _, share := range Shares {
				all = append(all, ratioBout(t, share))
			}
		}
		return all
	},
}

func ratioBout(t trace.Trace, share float64) Bout {
	entries := max(int(share*float64(t.Distinct)), 1)
	return Bout{
		Name: "HitRatio", Case: fmt.Sprintf("trace=%s/share=%v", t.Name, share), Rounds: 3,
		Entrants: []Entrant{
			{"freshet-ristretto", ratioEntrant(t, entries, tiered.Ristretto)},
			{"freshet-otter", ratioEntrant(t, entries, tiered.Otter)},
			{"ristretto", rawEntrant(t, func() (replayer, error) { return newRawRistretto(entries, false) })},
			{"ristretto-waited", rawEntrant(t, func() (replayer, error) { return newRawRistretto(entries, true) })},
			{"otter", rawEntrant(t, func() (replayer, error) { return newRawOtter(entries, false) })},
			{"otter-waited", rawEntrant(t, func() (replayer, error) { return newRawOtter(entries, true) })},
		},
		Targets: []Target{
			atLeastLess(1.5, "freshet-otter", HitRatio, "otter"),
			atLeastLess(0, "freshet-ristretto", HitRatio, "ristretto-waited"),
		},
	}
}

func ratio(hits, requests int) Sample {
	return Sample{HitRatio: 100 * float64(hits) / float64(requests)}
}

// replayer is a raw engine.
type replayer struct {
	get   func(uint32) bool
	set   func(uint32)
	close func()
}

func rawEntrant(t trace.Trace, open func() (replayer, error)) func(context.Context, *Lab) (Trial, error) {
	return func(context.Context, *Lab) (Trial, error) {
		return Trial{Measure: func(context.Context) (Sample, error) {
			r, err := open()
			if err != nil {
				return nil, err
			}
			defer r.close()
			hits := 0
			for _, key := range t.Keys {
				if r.get(key) {
					hits++
				} else {
					r.set(key)
				}
			}
			return ratio(hits, len(t.Keys)), nil
		}}, nil
	}
}

func newRawRistretto(entries int, wait bool) (replayer, error) {
	c, err := ristretto.NewCache(&ristretto.Config[uint32, row]{
		NumCounters: max(10*int64(entries), 10_000), MaxCost: int64(entries), BufferItems: 64, IgnoreInternalCost: true,
	})
	if err != nil {
		return replayer{}, fmt.Errorf("hit ratio: ristretto: %w", err)
	}
	return replayer{
		get: func(key uint32) bool {
			_, ok := c.Get(key)
			return ok
		},
		set: func(key uint32) {
			c.Set(key, row{}, 1)
			if wait {
				c.Wait()
			}
		},
		close: c.Close,
	}, nil
}

func newRawOtter(entries int, wait bool) (replayer, error) {
	c, err := otter.New(&otter.Options[uint32, row]{MaximumSize: entries})
	if err != nil {
		return replayer{}, fmt.Errorf("hit ratio: otter: %w", err)
	}
	return replayer{
		get: func(key uint32) bool {
			_, ok := c.GetIfPresent(key)
			return ok
		},
		set: func(key uint32) {
			c.Set(key, row{})
			if wait {
				c.CleanUp()
			}
		},
		close: func() { c.StopAllGoroutines() },
	}, nil
}

func ratioEntrant(t trace.Trace, entries int, engine tiered.Engine) func(context.Context, *Lab) (Trial, error) {
	return func(ctx context.Context, _ *Lab) (Trial, error) {
		bytes, err := room(ctx, entries, engine)
		if err != nil {
			return Trial{}, err
		}
		return Trial{Measure: func(ctx context.Context) (Sample, error) {
			c, err := rows(bytes, engine)
			if err != nil {
				return nil, err
			}
			defer c.Close()
			for _, key := range t.Keys {
				if _, err := c.Get(ctx, int(key)); err != nil {
					return nil, err
				}
			}
			s := c.Stats()
			return ratio(int(s.MemoryHits), int(s.Requests)), nil
		}}, nil
	}
}

func rows(bytes int64, engine tiered.Engine) (*contender.Freshet[int, row], error) {
	return contender.OpenFreshet(contender.Setup[int, row]{
		Load:    func(context.Context, int) (row, error) { return row{}, nil },
		Entries: 1, TTL: lifetime,
	}, tiered.Options{Engine: engine, MemoryBytes: bytes})
}

// room finds out how many bytes a Store needs to hold so many entries: it fills one that is too small, counts, and
// corrects.
func room(ctx context.Context, entries int, engine tiered.Engine) (int64, error) {
	bytes := float64(entries) * 512
	for range 4 {
		c, err := rows(int64(bytes), engine)
		if err != nil {
			return 0, err
		}
		kept, err := overfill(ctx, c.Cached, entries)
		c.Close()
		if err != nil {
			return 0, err
		}
		bytes *= float64(entries) / float64(max(kept, 1))
	}
	return int64(bytes), nil
}

func overfill(ctx context.Context, c *cache.Cached[int, row], entries int) (kept int, err error) {
	for key := range 10 * entries {
		if _, err := c.Get(ctx, key); err != nil {
			return 0, err
		}
	}
	for key := range 10 * entries {
		if _, ok := c.Peek(ctx, key); ok {
			kept++
		}
	}
	return kept, nil
}
