package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/tiered"
)

// company is how long a key may wait, while another batch is under way, for more keys to be loaded with.
const company = 2 * time.Millisecond

// loads calls the loader: at most so many calls at once, each for at most so many keys. Keys that are missed while a
// call is under way go together in the next.
type loads[K comparable, V any] struct {
	cache *Cached[K, V]
	load  func(context.Context, []K) (map[K]V, error)
	many  bool // the loader is one of many keys
	max   int
	slots chan struct{} // the bulkhead

	mu      sync.Mutex
	waiting []*ticket[K, V]
	running int
	timer   *time.Timer
}

func newLoads[K comparable, V any](c *Cached[K, V], load func(context.Context, []K) (map[K]V, error), many bool) *loads[K, V] {
	max := 1
	if many {
		max = c.options.MaxBatch
	}
	return &loads[K, V]{cache: c, load: load, many: many, max: max, slots: make(chan struct{}, c.options.MaxLoads)}
}

// one makes a batch loader of a loader of one key.
func one[K comparable, V any](load func(context.Context, K) (V, error)) func(context.Context, []K) (map[K]V, error) {
	return func(ctx context.Context, ks []K) (map[K]V, error) {
		value, err := load(ctx, ks[0])
		if err != nil {
			return nil, err
		}
		return map[K]V{ks[0]: value}, nil
	}
}

// add loads the keys of ts, now or with the next batch. It does not wait.
func (l *loads[K, V]) add(ts []*ticket[K, V]) {
	l.cache.life.add(len(ts)) // until they have landed
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, ts...)
	l.start(false)
}

// start sends full batches, and one that is not full if no other is under way or it has waited long enough.
func (l *loads[K, V]) start(late bool) {
	for len(l.waiting) > 0 && (late || l.running == 0 || len(l.waiting) >= l.max) {
		n := min(len(l.waiting), l.max)
		batch := slices.Clone(l.waiting[:n])
		l.waiting = slices.Delete(l.waiting, 0, n)
		l.running++
		go l.send(batch)
	}
	if len(l.waiting) > 0 && l.timer == nil {
		l.timer = time.AfterFunc(company, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.timer = nil
			l.start(true)
		})
	}
}

func (l *loads[K, V]) send(batch []*ticket[K, V]) {
	defer l.cache.life.end(len(batch))
	l.run(batch)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.start(false)
}

// outcome is what one call of the loader brought.
type outcome[K comparable, V any] struct {
	values map[K]V
	err    error
	cost   time.Duration
}

// run loads a batch and lets it land.
func (l *loads[K, V]) run(batch []*ticket[K, V]) { l.land(batch, l.attempt(batch)) }

// attempt calls the loader under a deadline. A loader that overruns it keeps its place in the bulkhead.
func (l *loads[K, V]) attempt(batch []*ticket[K, V]) (o outcome[K, V]) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(batch[0].ctx), l.cache.options.LoadTimeout)
	defer cancel()
	defer l.abandon(batch, cancel)()
	defer l.renew(batch)()
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		o.err = fmt.Errorf("%d loads are under way: %w", cap(l.slots), ctx.Err())
		return o
	}
	permit, err := l.cache.options.Breaker.Allow()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		permit.Cancel()
		<-l.slots
		o.err = err
		return o
	}
	ch := make(chan outcome[K, V], 1)
	var late atomic.Bool
	go l.call(ctx, batch, func(o outcome[K, V]) {
		if late.Load() {
			l.cache.stats.lateLoads.Add(1)
		}
		ch <- o
		<-l.slots
	})
	select {
	case o = <-ch:
	case <-ctx.Done():
		late.Store(true)
		o.err = ctx.Err()
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		permit.Cancel() // nobody waited any more: that says nothing about the source
	case o.err != nil && !l.cache.absent(o.err):
		permit.Failure()
	default:
		permit.Success()
	}
	return o
}

// renew keeps the leases of batch alive until the function that it returns is called.
func (l *loads[K, V]) renew(batch []*ticket[K, V]) (stop func()) {
	ended, returned := make(chan struct{}), make(chan struct{})
	timer := time.AfterFunc(leaseBeat, func() {
		defer close(returned)
		fetches := make([]*tiered.Fetch, len(batch))
		for i, t := range batch {
			fetches[i] = &t.fetch
		}
		beat := time.NewTicker(leaseBeat)
		defer beat.Stop()
		for {
			l.cache.store.Renew(fetches...)
			select {
			case <-beat.C:
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		if !timer.Stop() {
			<-returned
		}
	}
}

// abandon calls cancel when nobody waits for any of batch any more, until the function that it returns is called.
func (l *loads[K, V]) abandon(batch []*ticket[K, V], cancel func()) (stop func()) {
	var left atomic.Int64
	left.Store(int64(len(batch)))
	stops := make([]func() bool, len(batch))
	for i, t := range batch {
		stops[i] = context.AfterFunc(t.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// call calls the loader for the keys of a batch, each once, and then done. A panic, and a runtime.Goexit, become errors.
// It needs a goroutine of its own, which a Goexit ends.
func (l *loads[K, V]) call(ctx context.Context, batch []*ticket[K, V], done func(outcome[K, V])) {
	ks := make([]K, 0, len(batch))
	seen := make(map[K]struct{}, len(batch))
	for _, t := range batch {
		if _, ok := seen[t.key]; !ok {
			seen[t.key] = struct{}{}
			ks = append(ks, t.key)
		}
		if t.purpose == ahead {
			l.cache.stats.refreshes.Add(1)
		}
	}
	l.cache.stats.loaderCalls.Add(1)
	l.cache.stats.loaderKeys.Add(uint64(len(ks)))
	background := !slices.ContainsFunc(batch, func(t *ticket[K, V]) bool { return t.purpose != ahead })
	ctx, end := l.cache.begin(ctx, Operation{Op: OpLoad, Keys: len(ks), Background: background})
	if l.cache.options.Observer != nil {
		load := ctx // a copy, or ctx would be on the heap for all
		for i, t := range batch {
			t.first = i == 0
			t.load.Store(&load)
		}
	}
	o := outcome[K, V]{err: ErrGoexit}
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			o.err = &PanicError{p, debug.Stack()}
		}
		o.cost = time.Since(start)
		end(l.cache.outcome(o.err))
		done(o)
	}()
	values, err := l.load(ctx, ks)
	o.values, o.err = values, err
}

// land gives each ticket its part of the outcome, and Redis what is new in one pipeline.
func (l *loads[K, V]) land(batch []*ticket[K, V], o outcome[K, V]) {
	some, partial := o.err.(*BatchError[K]) //nolint:errorlint // one that is wrapped is of somebody else's keys
	partial = partial && l.many && slices.ContainsFunc(batch, func(t *ticket[K, V]) bool { return some.Failed[t.key] != nil })
	var fills []tiered.Fill
	var given []*tiered.Fetch
	for _, t := range batch {
		value, ok := o.values[t.key]
		err := o.err
		if partial && (o.values != nil || some.Failed[t.key] != nil) {
			err = some.Failed[t.key]
		}
		if err == nil && !ok {
			err = ErrNotFound
		}
		if f := l.cache.land(t, value, err, o.cost); f.Fetch != nil {
			fills = append(fills, f)
		} else {
			given = append(given, &t.fetch)
		}
	}
	l.cache.store.Fill(fills...)
	l.cache.store.Abandon(given...)
	for _, t := range batch {
		l.cache.flights.Forget(t.hash, t.key, &t.flight)
	}
}

// absent tells whether a loader's error means that there is no value. That of many keys, or of a panic, does not, whatever
// it wraps; a NotFound that panics means no.
func (c *Cached[K, V]) absent(err error) (yes bool) {
	defer func() { _ = recover() }()
	var many interface{ isBatch() }
	var panicked *PanicError
	if errors.As(err, &many) || errors.As(err, &panicked) {
		return false
	}
	return errors.Is(err, ErrNotFound) || c.options.NotFound(err)
}
