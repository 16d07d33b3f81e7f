package tiered

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// A Stamp says what this node knew to be invalidated at one moment. Whatever is read or loaded after a Stamp was taken
// may be kept, and served, for as long as the Stamp is valid: an invalidation that concerns its key ends it.
//
// The zero Stamp is never valid.
type Stamp struct {
	prefix uint64
	stripe uint32
	count  uint32
	epoch  uint32 // never 0
}

// Prefix is the newest prefix sequence that the node knew.
func (s Stamp) Prefix() uint64 { return s.prefix }

// fence is what this node knows to be invalidated. It gives and checks Stamps, and trusts nothing else: the memory
// engines may drop, delay, reorder or resurrect what they hold, and no stale value comes of it.
//
// Every method may be called concurrently.
type fence struct {
	epoch   atomic.Uint32 // never 0; a bump ends every stamp, and nothing outlives all of them
	trust   atomic.Int64  // instant of the coarse clock up to which memory is trusted
	grace   atomic.Uint32 // in fallback mode: the epoch before the outage, 0 otherwise
	until   atomic.Int64  // instant up to which memory of that epoch is trusted, too
	turning sync.Mutex    // of the epoch
	stripes []atomic.Uint32
	seed    maphash.Seed
	prefixes
}

// newFence makes a fence with at least n stripes. A collision of two keys on a stripe costs a miss, so n should be
// about the number of entries in memory.
func newFence(n int) *fence {
	size := 1
	for size < n {
		size <<= 1
	}
	f := &fence{stripes: make([]atomic.Uint32, size), seed: maphash.MakeSeed()}
	f.epoch.Store(1)
	f.prefixes.init()
	return f
}

// stripe is chosen by the encoded key: the receiver of a message has nothing else, and keys that are not equal may
// encode alike.
func (f *fence) stripe(key string) uint32 {
	return uint32(maphash.String(f.seed, key) & uint64(len(f.stripes)-1)) //nolint:gosec // there are not so many
}

// stamp must be taken before the read or the load that it vouches for begins.
func (f *fence) stamp(key string) Stamp {
	epoch, s := f.epoch.Load(), f.stripe(key) // the epoch first: it may end because the count comes around
	return Stamp{stripe: s, count: f.stripes[s].Load(), epoch: epoch, prefix: f.newest.Load()}
}

// bump ends the stamps of keys.
func (f *fence) bump(keys ...string) {
	if ruleStamps.off() {
		return
	}
	for _, key := range keys {
		f.move(f.stripe(key))
	}
}

// move ends the stamps of a stripe. Twice before its count has come around, all stamps end: whoever is held up on the way to
// that has half a lap of time until an old one could be met again.
func (f *fence) move(stripe uint32) {
	if f.stripes[stripe].Add(1)<<1 == 0 {
		f.bumpEpoch()
	}
}

// bumpOnce moves each stripe of keys by one.
func (f *fence) bumpOnce(keys ...string) {
	moved := make(map[uint32]struct{}, len(keys))
	for _, key := range keys {
		s := f.stripe(key)
		if _, ok := moved[s]; !ok && !(ruleStamps | ruleSecondBump).off() {
			moved[s] = struct{}{}
			f.move(s)
		}
	}
}

// bumpEpoch ends every stamp: memory is empty at once.
func (f *fence) bumpEpoch() {
	f.turning.Lock()
	defer f.turning.Unlock()
	f.grace.Store(0)
	f.turn()
}

// turn must be called under turning.
func (f *fence) turn() {
	if ruleEpoch.off() {
		return
	}
	f.epoch.Store(max(f.epoch.Load()+1, 1))
}

// graceUntil begins a new epoch, too, but what memory holds may be used up to an instant.
func (f *fence) graceUntil(instant int64) {
	f.turning.Lock()
	defer f.turning.Unlock()
	f.until.Store(instant)
	f.grace.Store(f.epoch.Load())
	f.turn()
}

// valid tells whether nothing that concerns key was invalidated since s was taken.
func (f *fence) valid(s Stamp, key string) bool {
	return s.epoch == f.epoch.Load() && s.count == f.stripes[s.stripe].Load() &&
		(s.prefix >= f.newest.Load() || !f.after(key, s.prefix))
}

// graced tells whether an entry of another epoch may be used in fallback mode.
func (f *fence) graced(epoch uint32, now int64) bool {
	return epoch != 0 && epoch == f.grace.Load() && now < f.until.Load()
}
