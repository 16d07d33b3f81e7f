// Package report judges a run and prints it.
package report

import (
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/audit"
	"github.com/freshet-go/freshet/examples/social/internal/load"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// Report is what a run came to.
type Report struct {
	Database, Redis string
	Origin, Latency string // the flag, and what it means
	Users           string // whose requests they were
	Trace           bool
	Wanted          int // requests with the cache
	Rate            float64
	Workers         int

	Before, After Phase
	Warm          Warm
	Stats         service.Stats // at the end
	Compared      int           // values of the mirror that were compared with the database at the end
	Unproven      error         // what differed
	Took          time.Duration

	Checks []Check
	Passed bool
}

// Phase is the load without or with the cache.
type Phase struct {
	load.Result
	Calls uint64 // of the database; with the cache, pre-warming included
}

// PerRequest is the database calls per request.
func (p Phase) PerRequest() float64 { return float64(p.Calls) / float64(max(p.Requests, 1)) }

// Warm is what was loaded ahead.
type Warm struct {
	Users int
	Calls uint64
	Stats service.Stats // after it
}

// Check is one target.
type Check struct {
	Name, Got, Want string
	OK              bool
}

// Loads are the loads of the whole run with the cache, pre-warming included.
func (r *Report) Loads() (all audit.Loads) {
	for _, c := range r.Stats.Caches {
		all = all.Plus(c.Loads)
	}
	return all
}

// Saved is the part of the database calls per request that the cache saved.
func (r *Report) Saved() float64 {
	before := r.Before.PerRequest()
	if before == 0 {
		return 0
	}
	return 1 - r.After.PerRequest()/before
}

// Tiers says who answered, of all keys that requests asked for after pre-warming.
type Tiers struct {
	Name                                     string
	Asked                                    uint64
	Memory, Redis, Joined, Loaded, Rest, Bad uint64 // Rest: stale while revalidated, and absences
}

// Tiers returns the answers of each cache, and of all.
func (r *Report) Tiers() []Tiers {
	all := Tiers{Name: "all"}
	var rows []Tiers
	for i, c := range r.Stats.Caches {
		a, b := r.Warm.Stats.Caches[i].Stats, c.Stats
		t := Tiers{
			Name: c.Name, Asked: b.Requests - a.Requests, Memory: b.MemoryHits - a.MemoryHits, Redis: b.RedisHits - a.RedisHits,
			Joined: b.Joined - a.Joined, Loaded: b.Loads - a.Loads, Rest: b.Stale - a.Stale + b.Negative - a.Negative,
			Bad: b.Errors - a.Errors,
		}
		rows = append(rows, t)
		all.Asked += t.Asked
		all.Memory += t.Memory
		all.Redis += t.Redis
		all.Joined += t.Joined
		all.Loaded += t.Loaded
		all.Rest += t.Rest
		all.Bad += t.Bad
	}
	return append(rows, all)
}

// balanced tells whether every key of every request is in one group, and every call of a loader was explained.
func (r *Report) balanced() bool {
	for _, c := range r.Stats.Caches {
		s := c.Stats
		if s.Requests != s.MemoryHits+s.RedisHits+s.Loads+s.Joined+s.Negative+s.Stale+s.Errors || s.LoaderKeys != c.Loads.Total() {
			return false
		}
	}
	return true
}
