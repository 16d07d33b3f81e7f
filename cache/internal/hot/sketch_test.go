package hot_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freshet-go/freshet/cache/internal/hot"
)

// add is what a cache does for a read of its sample.
func add[K comparable](s *hot.Sketch[K], key K) {
	if !s.Touch(key) {
		s.Add(key)
	}
}

func counts[K comparable](s *hot.Sketch[K]) (of map[K]uint64, total uint64) {
	all, total := s.Counts()
	of = map[K]uint64{}
	for _, c := range all {
		of[c.Key] = c.N
	}
	return of, total
}

// What Space-Saving promises, on any stream.
func TestCountsAreNeverTooLarge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 8).Draw(t, "counters")
		stream := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "stream")
		s, exact := hot.New[int](limit, time.Hour), map[int]uint64{}
		for _, key := range stream {
			add(s, key)
			exact[key]++
		}
		got, total := counts(s)
		require.EqualValues(t, len(stream), total)
		require.LessOrEqual(t, len(got), limit)
		for key, n := range got {
			require.Greater(t, n, uint64(1))
			require.LessOrEqual(t, n, exact[key])
			if len(exact) <= limit {
				require.Equal(t, exact[key], n, "there was room for all")
			}
		}
	})
}

// The heavy hitters of a zipf stream are found, in about their order, though most keys have no counter.
func TestHeavyHittersOfAZipfStream(t *testing.T) {
	const top, samples, keys = 100, 400_000, 100_000
	for _, exponent := range []float64{1.01, 1.1, 1.5} {
		seed := rand.Uint64()
		t.Log("seed", seed, "exponent", exponent)
		z := rand.NewZipf(rand.New(rand.NewPCG(seed, 1)), exponent, 1, keys-1)
		s, exact := hot.New[uint64](2*1000, time.Hour), map[uint64]uint64{}
		for range samples {
			key := z.Uint64()
			add(s, key)
			exact[key]++
		}
		all, total := s.Counts()
		require.EqualValues(t, samples, total)
		found := 0
		for i, c := range all[:top] {
			require.LessOrEqual(t, c.N, exact[c.Key])
			if c.Key < top { // the lower the hotter
				found++
			}
			if i < 10 {
				require.InEpsilon(t, exact[c.Key], c.N, 0.01)
			}
		}
		require.Greater(t, found, top*85/100)
	}
}

// A key that is hot late takes its place, however much was counted before.
func TestWhatWasHotFades(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hot.New[string](2, time.Minute)
		for range 1000 {
			add(s, "yesterday")
		}
		time.Sleep(time.Minute)
		of, total := counts(s)
		require.Equal(t, map[string]uint64{"yesterday": 500}, of)
		require.EqualValues(t, 500, total)
		for range 300 {
			add(s, "today")
		}
		time.Sleep(3 * time.Minute)
		of, _ = counts(s)
		require.Equal(t, map[string]uint64{"yesterday": 62, "today": 37}, of)
		time.Sleep(time.Hour)
		for range 200 { // among the first of which it looks at the clock
			add(s, "now")
		}
		of, total = counts(s)
		require.Len(t, of, 1)
		require.Greater(t, of["now"], uint64(200-64))
		require.Equal(t, of["now"], total)
	})
}

func TestANilSketchIsOff(t *testing.T) {
	var s *hot.Sketch[int]
	s.Add(1)
	require.True(t, s.Touch(1))
	all, total := s.Counts()
	require.Empty(t, all)
	require.Zero(t, total)
}

func TestTouchDoesNotAllocate(t *testing.T) {
	s := hot.New[string](10, time.Hour)
	s.Add("a key")
	require.Zero(t, testing.AllocsPerRun(1000, func() { s.Touch("a key") }))
}

func TestConcurrentUse(t *testing.T) {
	s := hot.New[int](16, time.Nanosecond) // which ages all the time
	var work sync.WaitGroup
	for seed := range uint64(4) {
		work.Go(func() {
			r := rand.New(rand.NewPCG(seed, 0))
			for range 5000 {
				add(s, r.IntN(64))
			}
		})
	}
	for range 100 {
		all, total := s.Counts()
		for _, c := range all {
			require.LessOrEqual(t, c.N, total)
		}
	}
	work.Wait()
}

func BenchmarkAdd(b *testing.B) {
	z := rand.NewZipf(rand.New(rand.NewPCG(1, 1)), 1.01, 1, 1<<20)
	keys := make([]uint64, 1<<16)
	for i := range keys {
		keys[i] = z.Uint64()
	}
	s := hot.New[uint64](2000, time.Minute)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		add(s, keys[i&(1<<16-1)])
		i++
	}
}
