package cachehttp

import (
	"context"
	"time"

	"github.com/freshet-go/freshet/cache"
)

// watch is what is heard of one cache.
type watch struct {
	load, redis histogram
}

// Observer returns the observer of caches whose latencies are to be shown. The rest is shown of all caches of the Store.
// Combine it with others by cache.Observers.
func (s *Stats) Observer() cache.Observer { return observer{s} }

func (s *Stats) watch(name string) *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.caches[name]
	if w == nil {
		w = &watch{}
		s.caches[name] = w
	}
	return w
}

// heard is watch for who looks; nil where nothing was heard yet.
func (s *Stats) heard(name string) *watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.caches[name]
}

func (s *Stats) age() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.caches {
		w.load.age()
		w.redis.age()
	}
}

type observer struct{ stats *Stats }

// Begin takes the time of loads, and of reads that Redis alone has answered.
func (o observer) Begin(ctx context.Context, op cache.Operation) (context.Context, func(cache.Outcome)) {
	if op.Op != cache.OpLoad && op.Op != cache.OpRead {
		return ctx, nil
	}
	began := time.Now()
	return ctx, func(out cache.Outcome) {
		w, took := o.stats.watch(op.Cache), time.Since(began)
		switch n := out.Answers.RedisHits; {
		case op.Op == cache.OpLoad:
			w.load.add(took)
		case n > 0 && n == op.Keys:
			w.redis.add(took)
		}
	}
}
