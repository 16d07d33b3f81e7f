package benchmarks

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/freshet-go/freshet/benchmarks/internal/trace"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/maypok86/otter/v2"
	"github.com/stretchr/testify/require"
)

const (
	hotKeys  = 10_000
	lifetime = time.Hour
)

// row is a value of 64 bytes.
type row [8]int64

// memories are what BenchmarkMemoryHit compares: the raw engines answer with the value that has a time to live, and
// nothing else; the library's also check that it was not invalidated, count, and would load it.
var memories = []struct {
	name string
	open func(testing.TB) func(key string) (row, bool)
}{
	{"freshet-ristretto", func(tb testing.TB) func(string) (row, bool) { return cachedRows(tb, tiered.Ristretto) }},
	{"freshet-otter", func(tb testing.TB) func(string) (row, bool) { return cachedRows(tb, tiered.Otter) }},
	{"raw-ristretto", rawRistretto},
	{"raw-otter", rawOtter},
}

func cachedRows(tb testing.TB, engine tiered.Engine) func(string) (row, bool) {
	store := openStore(tb, tiered.Options{Engine: engine})
	rows := cache.Must(cache.New(func(_ context.Context, key string) (row, error) {
		return row{int64(len(key))}, nil
	}, cache.Options{Store: store, Name: "rows", TTL: ttl.Fixed(lifetime)}))
	ctx := tb.Context()
	return func(key string) (row, bool) {
		value, err := rows.Get(ctx, key)
		return value, err == nil
	}
}

func rawRistretto(tb testing.TB) func(string) (row, bool) {
	c, err := ristretto.NewCache(&ristretto.Config[string, row]{NumCounters: 10 * hotKeys, MaxCost: 10 * hotKeys, BufferItems: 64, IgnoreInternalCost: true})
	require.NoError(tb, err)
	tb.Cleanup(c.Close)
	for _, key := range names(hotKeys) {
		c.SetWithTTL(key, row{int64(len(key))}, 1, lifetime)
		c.Wait()
	}
	return c.Get
}

func rawOtter(tb testing.TB) func(string) (row, bool) {
	c, err := otter.New(&otter.Options[string, row]{MaximumSize: 10 * hotKeys, ExpiryCalculator: otter.ExpiryWriting[string, row](lifetime)})
	require.NoError(tb, err)
	tb.Cleanup(func() { c.StopAllGoroutines() })
	for _, key := range names(hotKeys) {
		c.Set(key, row{int64(len(key))})
	}
	return c.GetIfPresent
}

func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "user:" + strconv.Itoa(i)
	}
	return all
}

// hot is the sequence of keys that hits are measured with.
func hot() []string {
	all := names(hotKeys)
	sequence := make([]string, 0, 1<<16)
	for _, i := range trace.Zipf(1<<16, hotKeys).Keys {
		sequence = append(sequence, all[i])
	}
	return sequence
}

var errMiss = errors.New("a hot key is missing")

func BenchmarkMemoryHit(b *testing.B) {
	keys := hot()
	for _, m := range memories {
		b.Run("lib="+m.name+"/keys=1e4", func(b *testing.B) {
			get := m.open(b)
			settle(b, get, keys)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, ok := get(keys[i&(len(keys)-1)]); !ok {
					b.Fatal(errMiss)
				}
				i++
			}
		})
	}
}

func BenchmarkMemoryHitParallel(b *testing.B) {
	keys := hot()
	for _, m := range memories {
		get := m.open(b)
		settle(b, get, keys)
		b.Run("lib="+m.name+"/keys=1e4", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				i := 0
				for pb.Next() {
					if _, ok := get(keys[i&(len(keys)-1)]); !ok {
						b.Error(errMiss)
						return
					}
					i += 7
				}
			})
		})
	}
}

// settle asks for every key twice, so that the engines have taken them in.
func settle(b *testing.B, get func(string) (row, bool), keys []string) {
	b.Helper()
	for range 2 {
		for _, key := range keys {
			_, ok := get(key)
			require.True(b, ok)
		}
	}
}
