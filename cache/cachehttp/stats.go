package cachehttp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

// The values that zero Options stand for.
const (
	DefaultEvery   = 2 * time.Second
	DefaultHistory = 10 * time.Minute
)

// Options configure New.
type Options struct {
	// Store is the one whose caches are shown, and itself. Required.
	Store *tiered.Store
	// ShowKeys also shows which keys are read most on this node, as far as a sample of the reads tells; not of caches
	// whose Options.HotKeys is negative. Keys may be private.
	ShowKeys bool
	// Every is how often the charts get another point. 0: 2 s.
	Every time.Duration
	// History is how far back the charts go. 0: 10 min. At most 5,000 times Every. A point takes some hundred bytes for
	// each cache.
	History time.Duration
}

func (o Options) withDefaults() (Options, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("cachehttp: Options."+format, args...))
	}
	if o.Store == nil {
		fault("Store is nil: there is nothing to show")
	}
	if o.Every < 0 {
		fault("Every is %v: must not be negative (0 means %v)", o.Every, DefaultEvery)
	}
	if o.History < 0 {
		fault("History is %v: must not be negative (0 means %v)", o.History, DefaultHistory)
	}
	if o.Every == 0 {
		o.Every = DefaultEvery
	}
	if o.History == 0 {
		o.History = DefaultHistory
	}
	if n := o.History / o.Every; n > 5000 {
		fault("History is %v: %d times Every, at most 5000", o.History, n)
	}
	return o, errors.Join(faults...)
}

// Stats is a handler that shows what a Store and its caches do. All methods may be called concurrently.
type Stats struct {
	options Options
	history *history
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu     sync.Mutex
	caches map[string]*watch // by name
}

// New makes a Stats, which remembers from now on what the charts show. It must be closed.
func New(o Options) (*Stats, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Stats{
		options: o,
		history: newHistory(int(o.History/o.Every), o.Every),
		stop:    stop,
		caches:  map[string]*watch{},
	}
	s.history.add(s.sample(time.Now()))
	s.done.Go(func() { s.run(ctx) })
	return s, nil
}

// Close ends the goroutine of s, and waits for it. What was shown last can still be asked for.
func (s *Stats) Close() error {
	s.stop()
	s.done.Wait()
	return nil
}

// run adds to the history, and lets latencies age.
func (s *Stats) run(ctx context.Context) {
	tick := time.NewTicker(s.options.Every)
	defer tick.Stop()
	aging := time.NewTicker(generation)
	defer aging.Stop()
	for {
		select {
		case now := <-tick.C:
			s.history.add(s.sample(now))
		case <-aging.C:
			s.age()
		case <-ctx.Done():
			return
		}
	}
}

func (s *Stats) sample(now time.Time) moment {
	st := s.options.Store.Stats()
	m := moment{caches: map[string]Measures{}, Sample: Sample{
		Time: now.UnixMilli(), Link: st.LinkUp, Breaker: st.Breaker.String(), Fallback: st.Fallback,
		MemoryUsed: st.MemoryUsed, Journal: st.Journal,
	}}
	var sum cache.Stats
	var loads, hits counts
	for name, c := range cache.StatsOf(s.options.Store) {
		sum = sum.Add(c)
		var own, ownHits counts
		if w := s.heard(name); w != nil {
			own.add(&w.load)
			ownHits.add(&w.redis)
			loads.add(&w.load)
			hits.add(&w.redis)
		}
		m.caches[name] = measures(c, &own, &ownHits)
	}
	m.Measures = measures(sum, &loads, &hits)
	return m
}

func measures(c cache.Stats, loads, hits *counts) Measures {
	m := Measures{
		MemoryHits: c.MemoryHits, RedisHits: c.RedisHits, Loads: c.Loads, Joined: c.Joined, Negative: c.Negative,
		Stale: c.Stale, Errors: c.Errors,
	}
	if l := loads.latency(); l != nil {
		m.LoadP50, m.LoadP99 = l.P50, l.P99
	}
	if l := hits.latency(); l != nil {
		m.RedisP50, m.RedisP99 = l.P50, l.P99
	}
	return m
}
