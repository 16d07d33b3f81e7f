package cachehttp

import (
	"maps"
	"slices"
	"time"

	"github.com/freshet-go/freshet/cache"
)

// Snapshot is the JSON that Stats answers with. Fields may be added; none of these changes.
type Snapshot struct {
	Time    time.Time    `json:"time"`
	Store   StoreState   `json:"store"`
	Caches  []CacheState `json:"caches"` // by name
	History History      `json:"history"`
}

// StoreState is the state of a Store, and what it has counted since it was opened. See tiered.Stats.
type StoreState struct {
	Shared    bool   `json:"shared"` // there is a Redis tier
	Namespace string `json:"namespace"`
	Memory    struct {
		Used  int64 `json:"used"` // bytes
		Limit int64 `json:"limit"`
	} `json:"memory"`
	Link struct {
		Up      bool   `json:"up"`
		Outages uint64 `json:"outages"`
		Gaps    uint64 `json:"gaps"`
		Heard   uint64 `json:"heard"`
	} `json:"link"`
	Breaker  string `json:"breaker"` // closed, open, half-open
	Fallback bool   `json:"fallback"`
	Redis    struct {
		Errors  uint64 `json:"errors"`
		Corrupt uint64 `json:"corrupt"`
	} `json:"redis"`
	Fills struct {
		Written     uint64 `json:"written"`
		RefusedLate uint64 `json:"refused_late"` // something else was there
		DroppedLate uint64 `json:"dropped_late"` // not sent: the epoch was over
		Oversized   uint64 `json:"oversized"`
		Unencodable uint64 `json:"unencodable"`
	} `json:"fills"`
	Invalidations struct {
		Journal     int    `json:"journal"` // that Redis was not told of yet
		Overflows   uint64 `json:"overflows"`
		Deferred    uint64 `json:"deferred"`
		Replayed    uint64 `json:"replayed"`
		HoldsFailed uint64 `json:"holds_failed"`
		Prefixes    int    `json:"prefixes"`
		Epoch       uint64 `json:"epoch"`
	} `json:"invalidations"`
}

// CacheState is what a cache has counted since it was made. See cache.Stats.
type CacheState struct {
	Name       string `json:"name"`
	Requests   uint64 `json:"requests"` // the sum of the next seven
	MemoryHits uint64 `json:"memory_hits"`
	RedisHits  uint64 `json:"redis_hits"`
	Loads      uint64 `json:"loads"`
	Joined     uint64 `json:"joined"`
	Negative   uint64 `json:"negative"`
	Stale      uint64 `json:"stale"`
	Errors     uint64 `json:"errors"`
	Waits      uint64 `json:"waits"`
	Misses     struct {
		Memory uint64 `json:"memory"` // went on to Redis or to the loader: redis_hits, loads, joined and errors
		Redis  uint64 `json:"redis"`  // went on to the loader: loads and errors
	} `json:"misses"`
	Loader struct {
		Calls     uint64 `json:"calls"`
		Keys      uint64 `json:"keys"`
		Errors    uint64 `json:"errors"`
		Late      uint64 `json:"late"` // thrown away
		Refreshes uint64 `json:"refreshes"`
	} `json:"loader"`
	Latency struct { // null without Stats.Observer, and where there was nothing to measure
		Load     *Latency `json:"load"`
		RedisHit *Latency `json:"redis_hit"`
	} `json:"latency"`
	HotKeys []HotKey `json:"hot_keys,omitempty"` // with Options.ShowKeys, the hottest first
}

// Snapshot returns what the handler shows now.
func (s *Stats) Snapshot() Snapshot { return s.snapshot("") }

// snapshot has the history of one cache, or, without a name, of all.
func (s *Stats) snapshot(chosen string) Snapshot {
	out := Snapshot{Time: time.Now(), Store: s.storeState(), Caches: []CacheState{}, History: s.history.snapshot(chosen)}
	all := cache.StatsOf(s.options.Store)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out.Caches = append(out.Caches, s.cacheState(name, all[name]))
	}
	return out
}

func (s *Stats) storeState() (out StoreState) {
	st := s.options.Store.Stats()
	out.Shared, out.Namespace = s.options.Store.Shared(), s.options.Store.Options().Namespace
	out.Memory.Used, out.Memory.Limit = st.MemoryUsed, st.MemoryLimit
	out.Link.Up, out.Link.Outages, out.Link.Gaps, out.Link.Heard = st.LinkUp, st.LinkOutages, st.LinkGaps, st.Heard
	out.Breaker, out.Fallback = st.Breaker.String(), st.Fallback
	out.Redis.Errors, out.Redis.Corrupt = st.RedisErrors, st.Corrupt
	out.Fills.Written, out.Fills.RefusedLate, out.Fills.DroppedLate = st.Fills, st.FillsRefused, st.FillsDropped
	out.Fills.Oversized, out.Fills.Unencodable = st.Oversized, st.Unencodable
	inv := &out.Invalidations
	inv.Journal, inv.Overflows, inv.Deferred, inv.Replayed = st.Journal, st.JournalOverflows, st.Deferred, st.Replayed
	inv.HoldsFailed, inv.Prefixes, inv.Epoch = st.HoldsFailed, st.Prefixes, st.Epoch
	return out
}

func (s *Stats) cacheState(name string, c cache.Stats) CacheState {
	out := CacheState{
		Name: name, Requests: c.Requests, MemoryHits: c.MemoryHits, RedisHits: c.RedisHits, Loads: c.Loads,
		Joined: c.Joined, Negative: c.Negative, Stale: c.Stale, Errors: c.Errors, Waits: c.Waits,
	}
	out.Misses.Memory, out.Misses.Redis = c.RedisHits+c.Loads+c.Joined+c.Errors, c.Loads+c.Errors
	l := &out.Loader
	l.Calls, l.Keys, l.Errors, l.Late, l.Refreshes = c.LoaderCalls, c.LoaderKeys, c.LoadErrors, c.LateLoads, c.Refreshes
	if w := s.heard(name); w != nil {
		out.Latency.Load, out.Latency.RedisHit = w.load.snapshot(), w.redis.snapshot()
	}
	if s.options.ShowKeys {
		out.HotKeys = hotKeys(s.options.Store, name)
	}
	return out
}
