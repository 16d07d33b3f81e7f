package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/latency"
	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/tiered"
)

const (
	healthy       = "healthy-ns/op"
	frozenHit     = "frozen/healthy"
	goneHit       = "gone/healthy"
	missBefore    = "miss-before-open-ms"
	missFrozen    = "frozen-p99-miss-ms"
	missGone      = "gone-p99-miss-ms"
	firstFrozen   = "frozen-first-miss-ms"
	firstGone     = "gone-first-miss-ms"
	timers        = 1 // ms by which a deadline of the runtime may be late
	outageEntries = 1000
	coldKey       = "new:" // begins keys whose load is slow
)

var outage = Scenario{
	ID: "S7", Title: "Redis frozen, then gone",
	Note: "A process stopped with SIGSTOP, then killed. Hits in memory beside those of a minute before; misses, less the " +
		"1 ms that their load takes: the longest before the breaker opens, and the 99th percentile after. What the others " +
		"take for the first miss is cut off where the column says so: 6 s, or 2 s in a quick run.",
	Bouts: func(*Lab) []Bout {
		own := Bout{Name: "Outage", Case: "redis=frozen-then-gone"}
		first := Bout{Name: "Outage", Case: "first-miss", Rounds: 1}
		for _, lib := range []string{"freshet-ristretto", "freshet-otter"} {
			own.Entrants = append(own.Entrants, Entrant{lib, func(_ context.Context, l *Lab) (Trial, error) {
				return Trial{Measure: func(ctx context.Context) (Sample, error) { return dieUnder(ctx, l, lib) }}, nil
			}})
			own.Targets = append(own.Targets,
				atMost(lib, frozenHit, 1.2), atMost(lib, goneHit, 1.2),
				atMost(lib, missBefore, float64(tiered.DefaultBudget.Milliseconds())+timers),
				atMost(lib, missFrozen, 1), atMost(lib, missGone, 1))
		}
		for _, lib := range []string{"freshet-ristretto", "go-redis-cache", "sturdyc", "rueidis", "naive"} {
			first.Entrants = append(first.Entrants, Entrant{lib, func(_ context.Context, l *Lab) (Trial, error) {
				return Trial{Measure: func(ctx context.Context) (Sample, error) { return firstMisses(ctx, l, lib) }}, nil
			}})
		}
		return []Bout{own, first}
	},
}

// query is an origin that is slow for cold keys, and notes how long it took.
type query struct {
	took atomic.Int64
	cold fresh
}

func (q *query) load(_ context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, coldKey) {
		began := time.Now()
		time.Sleep(loadTime)
		q.took.Store(int64(time.Since(began)))
	}
	return []byte("value"), nil
}

// miss returns what a miss took, less its load.
func (q *query) miss(ctx context.Context, get func(context.Context, string) ([]byte, error)) (time.Duration, error) {
	began := time.Now()
	_, err := get(ctx, q.cold.key())
	return time.Since(began) - time.Duration(q.took.Load()), err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// dieUnder freezes the server of a contender of this library, then kills it.
func dieUnder(ctx context.Context, l *Lab, lib string) (Sample, error) {
	s, err := server(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	engine := tiered.Ristretto
	if lib == "freshet-otter" {
		engine = tiered.Otter
	}
	var q query
	c, err := contender.OpenFreshet(contender.Setup[string, []byte]{
		Load: q.load, Redis: s.Addr, Entries: 10 * outageEntries, TTL: lifetime,
	}, tiered.Options{Engine: engine})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p := patient{c, &q, names(outageEntries)}

	before, err := p.hits(ctx, l)
	if err != nil {
		return nil, err
	}
	if err := s.Freeze(); err != nil {
		return nil, fmt.Errorf("outage: freeze: %w", err)
	}
	longest, err := p.untilOpen(ctx)
	if err != nil {
		return nil, err
	}
	out := Sample{healthy: before, missBefore: ms(longest)}
	for _, phase := range []struct {
		hit, miss string
		begin     func()
	}{{frozenHit, missFrozen, func() {}}, {goneHit, missGone, s.Kill}} {
		phase.begin()
		after, err := p.hits(ctx, l)
		if err != nil {
			return nil, err
		}
		out[phase.hit] = after / before
		var misses latency.Histogram
		for range l.Trials {
			d, err := q.miss(ctx, c.Get)
			if err != nil {
				return nil, err
			}
			misses.Add(d)
		}
		out[phase.miss] = ms(misses.Quantile(0.99))
	}
	return out, nil
}

// patient is a contender whose Redis dies.
type patient struct {
	*contender.Freshet[string, []byte]

	query *query
	keys  []string
}

// hits returns the nanoseconds of a hit in memory.
func (p patient) hits(ctx context.Context, l *Lab) (float64, error) {
	for range 3 {
		for _, key := range p.keys {
			if _, err := p.Get(ctx, key); err != nil {
				return 0, err
			}
		}
	}
	before := p.Stats()
	sequence := asked(p.keys)
	done, err := lab.Work{Quick: true, Op: func(i int) error {
		_, err := p.Get(ctx, sequence[i&(len(sequence)-1)])
		return err
	}}.For(l.RoundTime)
	if err != nil {
		return 0, err
	}
	// An entry or two may go meanwhile; more would make this another measurement.
	if missed := int(p.Stats().Requests-before.Requests) - int(p.Stats().MemoryHits-before.MemoryHits); missed > done.Ops/100+1 {
		return 0, fmt.Errorf("outage: %d of %d hits were none", missed, done.Ops)
	}
	return float64(done.Elapsed) / float64(done.Ops), nil
}

// untilOpen misses until the breaker has opened and the Store fallen back, and returns the longest miss before it had.
func (p patient) untilOpen(ctx context.Context) (longest time.Duration, err error) {
	for end := time.Now().Add(10 * time.Second); !p.Store.Stats().Fallback; {
		closed := p.Store.Stats().Breaker == breaker.Closed
		d, err := p.query.miss(ctx, p.Get)
		if err != nil {
			return 0, err
		}
		if closed {
			longest = max(longest, d)
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("outage: does not fall back: %+v", p.Store.Stats())
		}
	}
	return longest, nil
}

// firstMisses returns how long the first miss takes after Redis froze, and after it went.
func firstMisses(ctx context.Context, l *Lab, lib string) (Sample, error) {
	out := Sample{}
	for metric, harm := range map[string]func(*lab.Server) error{
		firstFrozen: (*lab.Server).Freeze,
		firstGone: func(s *lab.Server) error {
			s.Kill()
			return nil
		},
	} {
		took, err := firstMiss(ctx, l, lib, harm)
		if err != nil {
			return nil, err
		}
		out[metric] = ms(took)
	}
	return out, nil
}

func firstMiss(ctx context.Context, l *Lab, lib string, harm func(*lab.Server) error) (time.Duration, error) {
	s, err := server(ctx)
	if err != nil {
		return 0, err
	}
	var q query
	c, err := contender.Named[string, []byte](lib).Open(ctx, contender.Setup[string, []byte]{
		Load: q.load, Redis: s.Addr, Entries: outageEntries, TTL: lifetime,
	})
	if err != nil {
		s.Close()
		return 0, err
	}
	done := make(chan time.Duration, 1)
	defer func() { // whoever waits still is waited for
		s.Close()
		c.Close()
		<-done
	}()
	if _, err := c.Get(ctx, "hello"); err != nil { // connects
		close(done)
		return 0, err
	}
	if err := harm(s); err != nil {
		close(done)
		return 0, fmt.Errorf("outage: %w", err)
	}
	failed := make(chan error, 1)
	go func() {
		defer close(done)
		d, err := q.miss(ctx, c.Get)
		failed <- err
		done <- d
	}()
	select {
	case d := <-done:
		if err := <-failed; err != nil && !errors.Is(err, context.Canceled) {
			return d, fmt.Errorf("outage: %w", err)
		}
		return d, nil
	case <-time.After(l.Patience):
		return l.Patience, nil
	}
}
