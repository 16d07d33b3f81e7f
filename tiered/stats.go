package tiered

import (
	"sync/atomic"

	"github.com/freshet-go/freshet/breaker"
)

// Stats is what a Store has counted since Open, and its state.
type Stats struct {
	MemoryUsed, MemoryLimit int64 // bytes

	Link        LinkState
	LinkUp      bool
	LinkOutages uint64 // times that the link was lost
	LinkGaps    uint64 // prefix messages that showed an earlier one missing
	LinkLosses  uint64 // times that messages of other nodes were found missing, and memory emptied
	Heard       uint64 // messages that say something of keys
	Fallback    bool   // Redis and link are away: memory serves alone
	Breaker     breaker.State

	RedisErrors  uint64 // calls that Redis did not answer, or refused
	Corrupt      uint64 // records and messages that could not be read: misses
	Fills        uint64 // values written to Redis
	FillsRefused uint64 // late: something else was there
	FillsDropped uint64 // late: not sent, the epoch was over
	Oversized    uint64 // values left out of Redis for their size
	Unencodable  uint64 // values that their codec could not encode

	Journal          int    // invalidations that Redis was not told of yet
	JournalOverflows uint64 // times that the journal became one invalidation of everything
	Deferred         uint64 // invalidations that Redis was not told of at once
	Replayed         uint64 // and was told later
	HoldsFailed      uint64 // Mutates that could not mark their key
	Prefixes         int    // prefix invalidations remembered
	Epoch            uint64 // times that memory was emptied, plus one
}

type counts struct {
	redisErrors, corrupt, fills, fillsRefused, fillsDropped, oversized, unencodable atomic.Uint64
	deferred, replayed, holdsFailed                                                 atomic.Uint64
}

// Stats returns a snapshot.
func (s *Store) Stats() Stats {
	st := Stats{
		Link:             s.linkState(),
		Fallback:         s.trust.fallen(),
		Breaker:          s.breaker.State(),
		RedisErrors:      s.counts.redisErrors.Load(),
		Corrupt:          s.counts.corrupt.Load(),
		Fills:            s.counts.fills.Load(),
		FillsRefused:     s.counts.fillsRefused.Load(),
		FillsDropped:     s.counts.fillsDropped.Load(),
		Oversized:        s.counts.oversized.Load(),
		Unencodable:      s.counts.unencodable.Load(),
		Journal:          int(s.journal.size.Load()),
		JournalOverflows: s.journal.overflows.Load(),
		Deferred:         s.counts.deferred.Load(),
		Replayed:         s.counts.replayed.Load(),
		HoldsFailed:      s.counts.holdsFailed.Load(),
		Prefixes:         s.fence.len(),
		Epoch:            uint64(s.fence.epoch.Load()),
	}
	st.MemoryUsed, st.MemoryLimit = s.memory.Usage()
	if l := s.link; l != nil {
		st.LinkUp, st.LinkOutages, st.Heard = l.up.Load(), l.outages.Load(), l.heard.Load()
		st.LinkGaps, st.LinkLosses = l.gaps.Load(), l.losses.Load()
	}
	return st
}
