package tiered

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/freshet-go/freshet/internal/key"
	"github.com/freshet-go/freshet/internal/wall"
)

// HotHalfLife is after how long a read counts half for what is hot.
const HotHalfLife = time.Hour

const (
	hotPrefix = "%hot-" // beside the entries; no cache's keys begin so: it is no escape
	hotEvery  = time.Minute
	hotTTL    = 7 * 24 * time.Hour
)

// HotKey is a key that is read often.
type HotKey struct {
	Key   string  // as in Redis, without the namespace
	Reads float64 // about how many, those of a HotHalfLife ago counted half; of the node where they are most
}

// hotCaches are the caches whose hottest keys are known, by name.
type hotCaches struct {
	mu sync.Mutex
	of map[string]hotCache
}

type hotCache struct {
	limit   int
	hottest func(n int) ([]HotKey, float64)
}

func (h *hotCaches) get(name string) (hotCache, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.of[name]
	return c, ok
}

func (h *hotCaches) names() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range h.of {
		all = append(all, name)
	}
	return all
}

// Track has the hottest keys of the cache of that name remembered in Redis, at most limit, until Unregister. hottest
// returns those that this node has found, the hottest first, and how many reads there were in all; it may be called at
// any time.
func (s *Store) Track(name string, limit int, hottest func(n int) (keys []HotKey, reads float64)) {
	s.hot.mu.Lock()
	defer s.hot.mu.Unlock()
	if s.hot.of == nil {
		s.hot.of = map[string]hotCache{}
	}
	s.hot.of[name] = hotCache{limit, hottest}
}

// Hottest returns at most n keys of a cache that are read most on this node, the hottest first, and how many reads it
// had in all, counted as theirs are. It does not ask Redis.
func (s *Store) Hottest(name string, n int) (keys []HotKey, reads float64) {
	if c, ok := s.hot.get(name); ok {
		return c.hottest(max(n, 0))
	}
	return nil, 0
}

// HotKeys returns at most n keys of a cache that are read most, the hottest first: those of this node, and those that
// Redis remembers of all nodes, also of before a restart. It waits for Redis no longer than the budget, and fails if
// Redis does not answer. Nothing is promised of what it returns: it is what is worth being asked for.
func (s *Store) HotKeys(ctx context.Context, name string, n int) ([]HotKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("tiered: hot keys of %q: %w", name, context.Cause(ctx))
	}
	known, _ := s.Hottest(name, math.MaxInt)
	remembered, err := s.recallHot(name)
	if err != nil {
		return nil, fmt.Errorf("tiered: hot keys of %q: %w", name, err)
	}
	return hottest(max(n, 0), known, remembered), nil
}

// hottest merges what nodes have found. A key has the reads of the node where they are most, not their sum: so it does
// not matter how often a node has said what it knows, nor whether another has overwritten it meanwhile.
func hottest(n int, all ...[]HotKey) []HotKey {
	reads := map[string]float64{}
	for _, some := range all {
		for _, h := range some {
			reads[h.Key] = max(reads[h.Key], h.Reads)
		}
	}
	merged := make([]HotKey, 0, len(reads))
	for k, r := range reads {
		merged = append(merged, HotKey{k, r})
	}
	slices.SortFunc(merged, func(a, b HotKey) int {
		return cmp.Or(cmp.Compare(b.Reads, a.Reads), cmp.Compare(a.Key, b.Key))
	})
	return merged[:min(len(merged), n)]
}

// recallHot reads what Redis remembers, aged until now. What cannot be read is nothing.
func (s *Store) recallHot(name string) ([]HotKey, error) {
	if s.remote == nil {
		return nil, nil
	}
	if s.link.gated() {
		return nil, errUnseen
	}
	text, err := guard(s.remote, request, func(ctx context.Context) (string, error) {
		text, err := s.remote.rdb.Get(ctx, s.remote.space+hotKeyOf(name)).Result()
		if errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") {
			return "", nil
		}
		return text, err
	})
	if err != nil {
		s.counts.redisErrors.Add(1)
		return nil, err
	}
	if text == "" {
		return nil, nil
	}
	at, keys, err := parseHot(text, name)
	if err != nil {
		s.counts.corrupt.Add(1)
		return nil, nil //nolint:nilerr // a miss
	}
	fade := math.Exp2(-max(wall.Now().Sub(at).Seconds(), 0) / HotHalfLife.Seconds())
	for i := range keys {
		keys[i].Reads *= fade
	}
	return keys, nil
}

func hotKeyOf(name string) string { return hotPrefix + key.Join(name) }

// rememberHot adds what this node has found of a cache to what Redis remembers. It reads and writes, and two nodes may
// do so at once: then one of them is late by a turn.
func (s *Store) rememberHot(name string) {
	c, ok := s.hot.get(name)
	if !ok || s.remote == nil || s.link.gated() {
		return
	}
	known, _ := c.hottest(c.limit)
	if len(known) == 0 {
		return
	}
	remembered, err := s.recallHot(name)
	if err != nil {
		return // rather than overwrite it
	}
	text := appendHot(nil, name, wall.Now(), hottest(c.limit, known, remembered))
	_, err = guard(s.remote, request, func(ctx context.Context) (string, error) {
		return s.remote.rdb.Set(ctx, s.remote.space+hotKeyOf(name), text, hotTTL).Result()
	})
	if err != nil {
		s.counts.redisErrors.Add(1)
	}
}

// forgetHot ends the tracking of a cache. What it knows at the end is the most worth remembering.
func (s *Store) forgetHot(name string) {
	s.rememberHot(name)
	s.hot.mu.Lock()
	defer s.hot.mu.Unlock()
	delete(s.hot.of, name)
}

// rememberer writes down what is hot, once in a while, on a goroutine of its own; not in step with other nodes.
func (s *Store) rememberer(ctx context.Context) {
	for {
		pause := time.NewTimer(hotEvery/2 + rand.N(hotEvery))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		for _, name := range s.hot.names() {
			s.rememberHot(name)
		}
	}
}
