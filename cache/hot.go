package cache

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/freshet-go/freshet/cache/internal/hot"
	"github.com/freshet-go/freshet/tiered"
)

// SampleEvery is how many reads there are for one whose key is counted, to find the hottest, and told to a KeySampler.
const SampleEvery = 256 // a read of the sample costs some hundred nanoseconds; one of all, about one

// drawn tells whether the nth of some reads, counted from a number drawn at random, is one of the sample. It scatters n
// (the finalizer of MurmurHash3), for chance, and not the turn, must decide: who reads in a rhythm must not be overheard.
func drawn(n uint64) bool {
	n = (n ^ n>>33) * 0xff51afd7ed558ccd
	n = (n ^ n>>33) * 0xc4ceb9fe1a85ec53
	return n>>32 < math.MaxUint32/SampleEvery+1
}

// HotKeys returns keys that are read most, the hottest first, at most n: those of this node, and those that Redis
// remembers of all nodes. To begin a restart warm, give them to Warm before the service says that it is ready:
//
//	hot, err := users.HotKeys(ctx, 1000)
//	err = users.Warm(ctx, slices.Values(hot), cache.WarmOptions{})
//
// They are found by a sample of the reads, are remembered once a minute and by Close, and fade within a day where they
// are read no more; what is seldom read at all has none. It waits for Redis no longer than the Store's budget, and fails
// if Redis does not answer, or if keys of type K cannot be read back because they have MarshalText and no UnmarshalText.
func (c *Cached[K, V]) HotKeys(ctx context.Context, n int) ([]K, error) {
	if c.closed.Load() {
		return nil, ErrClosed
	}
	if err := c.keys.CanDecode(); err != nil {
		return nil, err
	}
	all, err := c.store.HotKeys(ctx, c.options.Name, n)
	if err != nil {
		return nil, fmt.Errorf("cache: hot keys of %q: %w", c.options.Name, err)
	}
	keys := make([]K, 0, len(all))
	for _, h := range all {
		if key, err := c.keys.Decode(h.Key); err == nil { // of a former type, or foreign: none
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// track has the hottest keys of c counted, if they are to be.
func (c *Cached[K, V]) track() {
	if n := c.options.HotKeys; n > 0 {
		c.hot = hot.New[K](2*n, tiered.HotHalfLife) // twice as many, since the last ones are as good as random
		c.store.Track(c.options.Name, n, c.hottest)
	}
}

// hottest returns what this node has found, and how many reads there were.
func (c *Cached[K, V]) hottest(n int) (keys []tiered.HotKey, reads float64) {
	counts, total := c.hot.Counts()
	for _, count := range counts[:min(len(counts), n)] {
		if k, err := c.encode(count.Key); err == nil {
			keys = append(keys, tiered.HotKey{Key: k, Reads: SampleEvery * float64(count.N)})
		}
	}
	slices.SortFunc(keys, func(a, b tiered.HotKey) int {
		return cmp.Or(cmp.Compare(b.Reads, a.Reads), cmp.Compare(a.Key, b.Key))
	})
	return keys, SampleEvery * float64(total)
}

// sample counts a read that was drawn. It is apart from the reads that are not, and never waits.
//
//go:noinline
func (c *Cached[K, V]) sample(key K) {
	known := c.hot.Touch(key)
	if known && c.sampler == nil {
		return
	}
	k, err := c.encode(key) // also refuses keys that are too long to be kept
	if err != nil {
		return
	}
	if !known {
		c.hot.Add(key)
	}
	if c.sampler != nil {
		c.sampler.SampleKey(c.options.Name, k)
	}
}
