package tiered

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Hold marks a key while it is being written: readers on all nodes bypass the cache for it.
type Hold struct {
	store   *Store
	key     string
	token   string
	end     time.Time
	placing chan struct{} // has room while nobody places the hold; a Release waits for that
}

// Hold places a hold on key for at most d, which is also an invalidation. If Redis cannot be told, the write may go on
// all the same: only a crash of this process is not covered then.
func (s *Store) Hold(key string, d time.Duration) *Hold {
	h := &Hold{s, key, token(), time.Now().Add(d), make(chan struct{}, 1)}
	s.holds.add(h)
	if s.remote != nil {
		s.recent.remember(key)
		if err := h.place(request); err != nil {
			s.counts.holdsFailed.Add(1)
		}
	}
	s.fence.bumpBy(ruleFirstBump, key)
	return h
}

// place tells Redis of the hold, unless it has ended or been released.
func (h *Hold) place(who caller) error {
	h.placing <- struct{}{}
	defer func() { <-h.placing }()
	left := time.Until(h.end)
	if left <= 0 || !h.store.holds.has(h) || ruleHold.off() {
		return nil
	}
	s := h.store
	return s.announce(who, invoke(scriptHold, h.key,
		s.channel(), s.message(msgInvalidate, h.key), h.token, max(left.Milliseconds(), 1),
	))[0].err
}

// Release invalidates the key and takes the hold away; with after above 0, readers go on bypassing the cache for that
// long, for databases that are read through lagging replicas. The error is that of Invalidate.
func (h *Hold) Release(_ context.Context, after time.Duration) error {
	s := h.store
	s.holds.remove(h, after)
	h.placing <- struct{}{} // what is being put back is told before it is taken away
	<-h.placing
	return s.tell([]string{h.key}, func(k string) command {
		return invoke(scriptRelease, k, s.channel(), s.message(msgInvalidate, k), h.token, max(after.Milliseconds(), 0))
	})
}

// holds are the live holds of this node: they are put back after a failover, and nothing of their keys is kept in memory,
// even where there is no Redis.
type holds struct {
	size atomic.Int64 // len(until)

	mu    sync.Mutex
	all   map[*Hold]struct{}
	until map[string]time.Time // to when nothing of a key is kept
	sweep int                  // size of until at which it is swept
}

func (hs *holds) add(h *Hold) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.all == nil {
		hs.all, hs.until = map[*Hold]struct{}{}, map[string]time.Time{}
	}
	hs.all[h] = struct{}{}
	hs.extend(h.key, h.end)
}

// remove ends h; its key goes on being held for a while if after is above 0.
func (hs *holds) remove(h *Hold, after time.Duration) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	delete(hs.all, h)
	delete(hs.until, h.key)
	for other := range hs.all {
		if other.key == h.key {
			hs.extend(h.key, other.end)
		}
	}
	now := time.Now()
	if after > 0 {
		hs.extend(h.key, now.Add(after))
	}
	if len(hs.until) >= hs.sweep {
		for key, until := range hs.until {
			if now.After(until) {
				delete(hs.until, key)
			}
		}
		hs.sweep = 2*len(hs.until) + 64
	}
	hs.size.Store(int64(len(hs.until)))
}

func (hs *holds) extend(key string, until time.Time) {
	if until.After(hs.until[key]) {
		hs.until[key] = until
	}
	hs.size.Store(int64(len(hs.until)))
}

func (hs *holds) has(h *Hold) bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	_, ok := hs.all[h]
	return ok
}

// covers tells whether key is held.
func (hs *holds) covers(key string) bool {
	if hs.size.Load() == 0 {
		return false
	}
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return time.Now().Before(hs.until[key])
}

func (s *Store) putBackHolds() error {
	s.holds.mu.Lock()
	live := make([]*Hold, 0, len(s.holds.all))
	for h := range s.holds.all {
		if ruleHoldsPutBack.off() {
			break
		}
		live = append(live, h)
	}
	s.holds.mu.Unlock()
	for _, h := range live {
		switch err := h.place(probe); {
		case unheard(err):
			return err
		case err != nil:
			s.counts.holdsFailed.Add(1)
		}
	}
	return nil
}
