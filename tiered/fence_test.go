package tiered

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freshet-go/freshet/internal/key"
)

// otherStripe returns a key like k on another stripe.
func otherStripe(f *fence, k string) string {
	for i := 0; ; i++ {
		if other := fmt.Sprint(k, ":", i); f.stripe(other) != f.stripe(k) {
			return other
		}
	}
}

func TestStampEndsWithAnInvalidationOfItsKey(t *testing.T) {
	f := newFence(1000)
	require.Len(t, f.stripes, 1024, "a power of two")
	require.False(t, f.valid(Stamp{}, "users:1"), "the zero Stamp")
	for name, tc := range map[string]struct {
		invalidate func()
		valid      bool
	}{
		"nothing":             {func() {}, true},
		"its key":             {func() { f.bump("posts:1", "users:1") }, false},
		"another key":         {func() { f.bump(otherStripe(f, "users:1")) }, true},
		"the epoch":           {f.bumpEpoch, false},
		"the root":            {func() { f.learn([]prefixSeq{{"", f.known() + 1}}, f.known()+1) }, false},
		"a prefix":            {func() { f.learn([]prefixSeq{{"users", f.known() + 1}}, f.known()+1) }, false},
		"its key as a prefix": {func() { f.learn([]prefixSeq{{"users:1", f.known() + 1}}, f.known()+1) }, false},
		"another prefix":      {func() { f.learn([]prefixSeq{{"users:2", f.known() + 1}}, f.known()+1) }, true},
		"part of a segment":   {func() { f.learn([]prefixSeq{{"use", f.known() + 1}}, f.known()+1) }, true},
		"below it":            {func() { f.learn([]prefixSeq{{"users:1:x", f.known() + 1}}, f.known()+1) }, true},
		"an old prefix":       {func() { f.learn([]prefixSeq{{"users", 0}}, 0) }, true},
	} {
		s := f.stamp("users:1")
		require.True(t, f.valid(s, "users:1"), name)
		tc.invalidate()
		require.Equal(t, tc.valid, f.valid(s, "users:1"), name)
		require.True(t, f.valid(f.stamp("users:1"), "users:1"), name)
	}
}

// A count of 32 bits may come around while an entry lives: before it has, everything ends.
func TestStampEndsBeforeItsStripeComesAround(t *testing.T) {
	for name, bump := range map[string]func(*fence, ...string){"bump": (*fence).bump, "bumpOnce": (*fence).bumpOnce} {
		f := newFence(1)
		s := f.stamp("users:1")
		for _, half := range []uint32{math.MaxInt32, math.MaxUint32} {
			epoch := f.epoch.Load()
			f.stripes[s.stripe].Store(half)
			before := f.stamp("users:1")
			bump(f, "users:1")
			require.Equal(t, epoch+1, f.epoch.Load(), name)
			require.False(t, f.valid(before, "users:1"), name)
			require.True(t, f.valid(f.stamp("users:1"), "users:1"), name)
		}
		require.Equal(t, s.count, f.stripes[s.stripe].Load())
		require.False(t, f.valid(s, "users:1"), name)
	}
}

func TestTheZeroStampIsNeverValid(t *testing.T) {
	f := newFence(1)
	for _, epoch := range []uint32{1, math.MaxUint32 - 1, math.MaxUint32} {
		f.epoch.Store(epoch)
		f.bumpEpoch()
		require.False(t, f.valid(Stamp{prefix: f.newest.Load()}, "users:1"))
	}
}

func TestPrefixTableAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFence(1)
		keys := rapid.SampledFrom([]string{"", "a", "a:b", "a:b:c", "a:c", "ab", "b", "a:"})
		last := map[string]uint64{}
		type stamped struct {
			key   string
			stamp Stamp
			at    uint64
		}
		var stamps []stamped
		var seq uint64
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			k := keys.Draw(t, "key")
			if rapid.Bool().Draw(t, "stamp") {
				stamps = append(stamps, stamped{k, f.stamp(k), seq})
				continue
			}
			seq++
			last[k] = seq
			f.learn([]prefixSeq{{k, seq}}, seq)
		}
		for _, s := range stamps {
			want := true
			for prefix, at := range last {
				want = want && !(key.Covers(prefix, s.key) && at > s.at)
			}
			require.Equal(t, want, f.valid(s.stamp, s.key), "%q stamped at %d; %v", s.key, s.at, last)
		}
		require.Equal(t, seq, f.known())
		require.LessOrEqual(t, f.len(), len(last), "the root makes all before it needless")
		f.forget(seq)
		require.LessOrEqual(t, f.len(), 1)
	})
}

func TestLearnNeverGoesBack(t *testing.T) {
	f := newFence(1)
	f.learn([]prefixSeq{{"a", 10}}, 10)
	f.learn([]prefixSeq{{"a", 5}, {"b", 7}}, 7) // a duplicate, and one that came late
	require.EqualValues(t, 10, f.newest.Load())
	require.True(t, f.after("a", 9))
	require.True(t, f.after("b", 6))
	f.teach(20)
	require.EqualValues(t, 20, f.known(), "the next invalidation from here comes after what was met")
	require.EqualValues(t, 10, f.newest.Load(), "but what was met is not what is known")
}

// Whoever sees an invalidation's end finds no stamp from before its beginning valid.
func TestFenceConcurrently(t *testing.T) {
	f := newFence(16)
	var ended [3]atomic.Uint64 // the number of invalidations that have ended, by kind
	begin := []func(i uint64){
		func(uint64) { f.bump("users:1") },
		func(uint64) { f.bumpEpoch() },
		func(i uint64) { f.learn([]prefixSeq{{"users", i}}, i) },
	}
	const rounds = 2000
	var wg sync.WaitGroup
	for kind, invalidate := range begin {
		wg.Go(func() {
			for i := range uint64(rounds) {
				invalidate(i + 1)
				ended[kind].Store(i + 1)
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			for range rounds {
				s := f.stamp("users:1")
				var before [3]uint64
				for kind := range ended {
					before[kind] = ended[kind].Load()
				}
				for kind := range ended {
					if ended[kind].Load() > before[kind]+1 && f.valid(s, "users:1") {
						t.Errorf("kind %d: a stamp is valid after an invalidation that began after it", kind)
					}
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, rounds, f.newest.Load())
}
