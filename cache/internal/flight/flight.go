// Package flight lets callers of the same key share one piece of work, without sharing anything else: each waits under
// its own context, and the work goes on for those who are left.
package flight

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

const shards = 64

// Group holds the flights under way by key. The zero Group is ready. All methods may be called concurrently.
type Group[K comparable, V any] struct {
	shards [shards]shard[K, V]
}

type shard[K comparable, V any] struct {
	mu      sync.Mutex
	flights map[K]*Flight[V]
}

// Flight is one piece of work and those who wait for it. Call Init before it is given to a Group; it must not be copied.
type Flight[V any] struct {
	mu         *sync.Mutex   // the shard's
	done       chan struct{} // made by the first who has to wait
	ended      atomic.Bool   // value and err do not change any more
	value      V
	err        error
	valid      Validity
	cancel     context.CancelFunc
	waiters    int
	joined     bool
	cancelled  bool
	background bool
}

// Validity tells whether a flight's result will still be good enough for somebody who asks now.
type Validity interface {
	// Valid is called under a lock.
	Valid() bool
}

// Init makes f ready. cancel, which may be nil, is called when the last waiter left before the end, but not for a
// background flight, for which nobody need wait.
func (f *Flight[V]) Init(valid Validity, cancel context.CancelFunc, background bool) {
	f.valid, f.cancel, f.background = valid, cancel, background
}

// Join adds the caller to the flight of key, if there is one whose result it may have. Otherwise it registers one that it
// makes, under a lock, and the caller, who is told so, must see to its Finish. Either way it must Wait or Leave. hash is
// any hash of key.
func (g *Group[K, V]) Join(hash uint64, key K, own func() *Flight[V]) (f *Flight[V], leads bool) {
	s := &g.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.joinable(key); f != nil {
		f.waiters++
		f.joined = true
		return f, false
	}
	f = own()
	f.waiters = 1
	s.register(key, f)
	return f, true
}

// Lead registers f in place of any other flight of key: later callers join f.
func (g *Group[K, V]) Lead(hash uint64, key K, f *Flight[V]) {
	s := &g.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !f.background {
		f.waiters = 1
	}
	s.register(key, f)
}

// Offer registers f, unless a flight that can be joined is under way; it tells whether it did.
func (g *Group[K, V]) Offer(hash uint64, key K, f *Flight[V]) bool {
	s := &g.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joinable(key) != nil {
		return false
	}
	s.register(key, f)
	return true
}

func (s *shard[K, V]) joinable(key K) *Flight[V] {
	if f := s.flights[key]; f != nil && !f.cancelled && f.valid.Valid() {
		return f
	}
	return nil
}

func (s *shard[K, V]) register(key K, f *Flight[V]) {
	f.mu = &s.mu
	if s.flights == nil {
		s.flights = map[K]*Flight[V]{}
	}
	s.flights[key] = f
}

// Forget unregisters f, if it is still the flight of key.
func (g *Group[K, V]) Forget(hash uint64, key K, f *Flight[V]) {
	s := &g.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(key, f)
}

func (s *shard[K, V]) forget(key K, f *Flight[V]) {
	if s.flights[key] == f {
		delete(s.flights, key)
	}
}

// End is Forget, then Finish.
func (g *Group[K, V]) End(hash uint64, key K, f *Flight[V], value V, err error) bool {
	s := &g.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(key, f)
	return f.finish(value, err)
}

// Finish gives the result to all who wait and all who will join. Only the first call counts; it returns true.
func (f *Flight[V]) Finish(value V, err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.finish(value, err)
}

func (f *Flight[V]) finish(value V, err error) bool {
	if f.ended.Load() {
		return false
	}
	f.value, f.err = value, err
	f.ended.Store(true)
	if f.done != nil {
		close(f.done)
	}
	return true
}

// Owner is what f was initialised with.
func (f *Flight[V]) Owner() Validity { return f.valid }

// Alone tells whether nobody else knows f, or ever will. To be called by whoever leads f, after a call of End.
func (f *Flight[V]) Alone() bool { return !f.joined }

// Wait returns the flight's result, or, if ctx ends first, an error that wraps ctx's.
func (f *Flight[V]) Wait(ctx context.Context) (V, error) {
	if f.ended.Load() {
		return f.value, f.err
	}
	f.mu.Lock()
	if f.ended.Load() {
		f.mu.Unlock()
		return f.value, f.err
	}
	if f.done == nil {
		f.done = make(chan struct{})
	}
	f.mu.Unlock()
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		f.Leave()
		var zero V
		return zero, fmt.Errorf("cache: gave up waiting: %w", ctx.Err())
	}
}

// Leave gives up waiting. The last to leave cancels the flight.
func (f *Flight[V]) Leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiters--
	if f.ended.Load() {
		return
	}
	if f.waiters == 0 && !f.background {
		f.cancelled = true
		if f.cancel != nil {
			f.cancel()
		}
	}
}

// OnCancel sets the cancel of a flight that was registered; it is called at once if the last waiter has left.
func (f *Flight[V]) OnCancel(cancel context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cancel = cancel; f.cancelled {
		cancel()
	}
}
