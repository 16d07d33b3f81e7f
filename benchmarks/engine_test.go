package benchmarks

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

var engines = []struct {
	name string
	open tiered.Engine
}{{"ristretto", tiered.Ristretto}, {"otter", tiered.Otter}}

// BenchmarkEngineCost tells what an entry of 64 bytes costs in each engine: what the heap grows by (heap-B/entry), and
// what is counted against MemoryBytes (counted-B/entry). Where the two differ, MemoryBytes promises too much or too
// little. fixed-MB is what an empty Store takes.
func BenchmarkEngineCost(b *testing.B) {
	const entries = 100_000
	for _, e := range engines {
		b.Run("engine="+e.name, func(b *testing.B) {
			for b.Loop() {
				empty := heap()
				store, err := tiered.Open(tiered.Options{Engine: e.open, MemoryBytes: 256 << 20})
				require.NoError(b, err)
				opened := heap()
				rows := cache.Must(cache.New(func(_ context.Context, key int) (row, error) {
					return row{int64(key)}, nil
				}, cache.Options{Store: store, Name: "rows", TTL: ttl.Fixed(lifetime)}))
				for key := range entries {
					_, err := rows.Get(b.Context(), key)
					require.NoError(b, err)
				}
				kept := 0
				for key := range entries {
					if _, ok := rows.Peek(b.Context(), key); ok {
						kept++
					}
				}
				b.ReportMetric(float64(opened-empty)/(1<<20), "fixed-MB")
				b.ReportMetric(float64(heap()-opened)/float64(kept), "heap-B/entry")
				b.ReportMetric(float64(store.Stats().MemoryUsed)/float64(kept), "counted-B/entry")
				b.ReportMetric(100*float64(kept)/entries, "kept-%")
				require.NoError(b, store.Close())
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkHitRatio replays each trace through a Store whose memory holds about a share of the trace's distinct keys,
// with values of 800 bytes. Both engines get the same number of bytes.
func BenchmarkHitRatio(b *testing.B) {
	const valueBytes, entryBytes = 800, 1024
	all, err := traces()
	require.NoError(b, err)
	value := make([]byte, valueBytes)
	for _, t := range all {
		for _, share := range []float64{0.01, 0.05, 0.25} {
			for _, e := range engines {
				b.Run(fmt.Sprintf("trace=%s/share=%v/engine=%s", t.Name, share, e.name), func(b *testing.B) {
					for b.Loop() {
						store, err := tiered.Open(tiered.Options{Engine: e.open, MemoryBytes: int64(share * float64(t.Distinct) * entryBytes)})
						require.NoError(b, err)
						values := cache.Must(cache.New(func(context.Context, uint32) ([]byte, error) { return value, nil },
							cache.Options{Store: store, Name: "values", TTL: ttl.Fixed(lifetime)}))
						for _, key := range t.Keys {
							if _, err := values.Get(b.Context(), key); err != nil {
								b.Fatal(err)
							}
						}
						s := values.Stats()
						b.ReportMetric(100*float64(s.MemoryHits)/float64(s.Requests), "hit-%")
						require.NoError(b, store.Close())
					}
					b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(len(t.Keys)), "ns/request")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}
