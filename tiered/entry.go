package tiered

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/tiered/internal/clock"
	"github.com/freshet-go/freshet/ttl"
)

// An Entry is the part of a memory entry that the Store judges. Package cache embeds it beside the key and the value;
// the Store keeps it under a hash of the key and never looks at the rest.
//
// An Entry must not be copied. Once it was given to Keep, only the Store changes it.
type Entry struct {
	prefix atomic.Uint64 // raised by a lookup that found nothing newer
	fresh  int64         // instant of the coarse clock
	later  *later        // nil: nothing comes after freshness, nor ahead of its end
	stripe uint32
	count  uint32
	epoch  uint32
	state  atomic.Uint32 // flags, and the weight in units of weightUnit
}

const (
	entryNegative = 1 << iota
	entryReplaced // an engine may still hold it
	weightUnit    // so that no division is needed
)

// later is the part of an Entry that is refreshed, or used after its freshness. Most need none.
type later struct {
	stale, keep int64 // instants
	until       int64 // end of freshness in Redis, Unix milliseconds
	cost        time.Duration
	attempt     atomic.Int64 // when the next attempt to refresh it may be made, Unix nanoseconds
}

const laterSize = 48 // with what the allocator adds

// refreshPause is how long after an attempt to refresh an entry the next may be made from it.
const refreshPause = time.Second

// Item is what a memory engine holds: a struct that embeds an Entry.
type Item interface {
	// Weight is the entry's size in bytes.
	Weight() int64
	// Replaced tells whether Replace was called; an engine may prefer another item then.
	Replaced() bool
	// Replace says that another item takes this one's place.
	Replace()
}

// Weight is the entry's size in bytes, as given to Seal, and what Seal added, rounded up; no more than 4 GiB.
func (e *Entry) Weight() int64 { return int64(e.state.Load() &^ (weightUnit - 1)) }

// Replaced tells whether another entry took this one's place. False is no proof of life: only Freshness is.
func (e *Entry) Replaced() bool { return e.state.Load()&entryReplaced != 0 }

// Replace ends the entry: an engine that still finds it must not be believed.
func (e *Entry) Replace() { e.state.Or(entryReplaced) }

// Negative tells whether the entry says that the key does not exist.
func (e *Entry) Negative() bool { return e.state.Load()&entryNegative != 0 }

// Cost is how long the load took of an e that Refreshed has prepared, otherwise 0.
func (e *Entry) Cost() time.Duration {
	if e.later == nil {
		return 0
	}
	return e.later.cost
}

// Due tells whether it is time to try to refresh e, which Refreshed has prepared for it: one caller is told so at a time,
// with the end of freshness of what is to be replaced.
func (e *Entry) Due() (until int64, due bool) {
	if e.later == nil {
		return 0, false
	}
	now, next := time.Now().UnixNano(), e.later.attempt.Load()
	return e.later.until, now >= next && e.later.attempt.CompareAndSwap(next, now+int64(refreshPause))
}

// Freshness is what an entry may be used for.
type Freshness uint8

const (
	// Dead entries must not be used: something invalidated them, memory is not trusted, or their time is over.
	Dead Freshness = iota
	// Unsettled entries need a look at the prefix table, by Settle.
	Unsettled
	// Expired entries may be served if a load fails (stale-if-error, RFC 5861).
	Expired
	// Stale entries may be served while they are revalidated (stale-while-revalidate, RFC 5861).
	Stale
	// Fresh entries may be served.
	Fresh
)

// Seal fills in e: it is valid for as long as stamp, and lives for life from an instant of the Store's clock. weight is
// its size in bytes.
func (s *Store) Seal(e *Entry, stamp Stamp, life ttl.Lifetime, from int64, negative bool, weight int64) {
	if limit := s.fallbackTTL(); limit > 0 {
		life.Fresh, life.Stale, life.Keep = min(life.Fresh, limit), min(life.Stale, limit), min(life.Keep, limit)
	}
	e.stripe, e.count, e.epoch = stamp.stripe, stamp.count, stamp.epoch
	e.prefix.Store(s.prefixStamp(stamp))
	e.fresh = clock.Deadline(from, life.Fresh)
	state := weigh(weight)
	if negative {
		state |= entryNegative
	}
	e.state.Store(state)
	if max(life.Stale, life.Keep) > life.Fresh {
		e.outlast(clock.Deadline(from, life.Stale), clock.Deadline(from, life.Keep))
	}
}

// Refreshed prepares a sealed e, before it is kept, for being Due. until is the end of its freshness in Redis, in Unix
// milliseconds, and cost how long its load took.
func (e *Entry) Refreshed(until int64, cost time.Duration) {
	if e.later == nil {
		e.outlast(e.fresh, e.fresh)
	}
	e.later.until, e.later.cost = until, cost
}

func (e *Entry) outlast(stale, keep int64) {
	e.later = &later{stale: stale, keep: keep}
	e.state.Store(e.state.Load()&(weightUnit-1) | weigh(e.Weight()+laterSize))
}

// Freshness judges e: a few loads and compares, no lock, no allocation.
func (s *Store) Freshness(e *Entry) Freshness {
	now := s.clock.Now()
	switch {
	// The trust comes first: it returns only after the epoch has turned.
	case now >= s.fence.trust.Load() || e.epoch != s.fence.epoch.Load() && !s.fence.graced(e.epoch, now) || s.Outdated(e) || e.Replaced():
		return Dead
	case e.prefix.Load() < s.fence.newest.Load():
		return Unsettled
	case now < e.fresh:
		return Fresh
	}
	return e.past(now)
}

// Outdated tells whether e's stripe has moved since it was stamped. False is no proof of life: only Freshness is.
func (s *Store) Outdated(e *Entry) bool { return e.count != s.fence.stripes[e.stripe].Load() }

// Remaining is how long e stays fresh.
func (s *Store) Remaining(e *Entry) time.Duration { return time.Duration(e.fresh - s.clock.Now()) }

// weigh rounds bytes up to weights.
func weigh(bytes int64) uint32 {
	return saturate(min(bytes, math.MaxUint32-weightUnit)+weightUnit-1) &^ (weightUnit - 1)
}

// past judges an entry that is not fresh any more.
func (e *Entry) past(now int64) Freshness {
	switch {
	case e.later == nil:
		return Dead
	case now < e.later.stale:
		return Stale
	case now < e.later.keep:
		return Expired
	}
	return Dead
}

// Settle judges an Unsettled entry by the prefix table: some prefix was invalidated since the entry was last judged,
// and one lookup per segment of key tells whether it is one of key's. The entry is then stamped with the newest
// sequence read before the lookup, so that the next read is cheap again. It keeps nothing of key.
func (s *Store) Settle(e *Entry, key []byte) Freshness {
	newest := s.fence.newest.Load()
	if s.fence.after(stringOf(key), e.prefix.Load()) {
		return Dead
	}
	raise(&e.prefix, newest)
	f := s.Freshness(e)
	if f == Unsettled { // yet another one meanwhile
		return Dead
	}
	return f
}

// Age makes e what Expire leaves of old in a store without Redis: never fresh again, but usable if a load fails. It is
// valid only if nothing but that one Expire, which moved the stripe once, has invalidated old.
func (s *Store) Age(e, old *Entry) {
	now := s.clock.Now()
	e.stripe, e.count, e.epoch = old.stripe, old.count+1, old.epoch
	e.prefix.Store(old.prefix.Load())
	e.state.Store(old.state.Load() &^ entryReplaced)
	e.fresh = now
	if old.later == nil {
		e.outlast(now, old.fresh)
		return
	}
	e.later = &later{stale: now, keep: max(old.fresh, old.later.keep)} // its weight is old's already
}
