package cache

import (
	"math/rand/v2"
	"sync/atomic"
	"unsafe"
)

// Stats is what a cache has counted. Every key of every request that was answered is in exactly one of the seven
// groups, so the books balance:
//
//	Requests = MemoryHits + RedisHits + Loads + Joined + Negative + Stale + Errors
type Stats struct {
	Requests   uint64 // keys asked for, by Get, GetMany and Refresh, and answered
	MemoryHits uint64 // fresh, from memory
	RedisHits  uint64 // fresh, from Redis
	Loads      uint64 // by a load of their own, also if it found nothing
	Joined     uint64 // by what another caller fetched or loaded
	Negative   uint64 // by a cached absence, or, where there is no loader, by none of a value
	Stale      uint64 // by a stale value, while it is revalidated or because its load failed
	Errors     uint64 // by an error, the caller's own cancellation included

	LoaderCalls uint64 // calls of the loader
	LoaderKeys  uint64 // keys that it was called for
	LoadErrors  uint64 // keys whose load failed
	LateLoads   uint64 // loads that returned after they were given up
	Refreshes   uint64 // keys loaded in the background, ahead of or after their expiry
	Waits       uint64 // keys that waited for another node's load
}

// Add returns the sum of two Stats.
func (s Stats) Add(t Stats) Stats {
	return Stats{
		s.Requests + t.Requests, s.MemoryHits + t.MemoryHits, s.RedisHits + t.RedisHits, s.Loads + t.Loads,
		s.Joined + t.Joined, s.Negative + t.Negative, s.Stale + t.Stale, s.Errors + t.Errors,
		s.LoaderCalls + t.LoaderCalls, s.LoaderKeys + t.LoaderKeys, s.LoadErrors + t.LoadErrors,
		s.LateLoads + t.LateLoads, s.Refreshes + t.Refreshes, s.Waits + t.Waits,
	}
}

// answer is the group that an answered key is counted in.
type answer uint8

const (
	memoryHit answer = iota
	redisHit
	loaded
	joined
	negative
	stale
	failed
	answers
	none = answers // yet
)

// counters are spread over cache lines: memory hits on all cores count at once.
type counters struct {
	lanes *[lanes]lane

	loaderCalls, loaderKeys, loadErrors, lateLoads, refreshes, waits atomic.Uint64
}

const lanes = 16

// lane is one cache line.
type lane struct {
	answered [answers]atomic.Uint64
	chance   uint64 // drawn at random: the first reads of all caches must not share their fate
}

var _ = [1]struct{}{}[unsafe.Sizeof(lane{})-64] // or it does not compile

func (c *counters) init() {
	c.lanes = new([lanes]lane) // apart from the rest, so that it begins with a cache line
	for i := range c.lanes {
		c.lanes[i].chance = rand.Uint64()
	}
}

// lane is chosen by where the caller's stack is: a goroutine keeps to one lane, and the next goroutine of a processor, which
// gets the stack of the last, finds it in that processor's cache. A lane drawn at random is mostly in another's.
func (c *counters) lane() *lane {
	var here byte
	return &c.lanes[uint64(uintptr(unsafe.Pointer(&here))>>11)*scatter>>60]
}

// scatter is 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3, section 6.4).
const scatter = 0x9e3779b97f4a7c15

// count counts an answer, and tells whether its read is one of the sample.
func (c *counters) count(a answer) bool {
	l := c.lane()
	return drawn(l.chance + l.answered[a].Add(1))
}

// add counts many answers at once.
func (c *counters) add(tally *[answers]uint64) {
	l := c.lane()
	for a, n := range tally {
		if n > 0 {
			l.answered[a].Add(n)
		}
	}
}

func (c *counters) snapshot() Stats {
	var n [answers]uint64
	for i := range c.lanes {
		for a := range n {
			n[a] += c.lanes[i].answered[a].Load()
		}
	}
	s := Stats{
		MemoryHits: n[memoryHit], RedisHits: n[redisHit], Loads: n[loaded], Joined: n[joined], Negative: n[negative],
		Stale: n[stale], Errors: n[failed],
		LoaderCalls: c.loaderCalls.Load(), LoaderKeys: c.loaderKeys.Load(), LoadErrors: c.loadErrors.Load(),
		LateLoads: c.lateLoads.Load(), Refreshes: c.refreshes.Load(), Waits: c.waits.Load(),
	}
	for _, a := range n {
		s.Requests += a
	}
	return s
}
