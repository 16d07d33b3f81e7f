package benchmarks

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// BenchmarkHotKeys measures what it costs a hit that the hottest keys are known: two caches, one with and one without, take
// turns of a thousand hits, so that what else the machine does harms both. An operation is a turn of each; off-ns and
// more-ns are the medians of a hit without, and of the difference.
func BenchmarkHotKeys(b *testing.B) {
	keys := hot()
	for name, engine := range map[string]tiered.Engine{"ristretto": tiered.Ristretto, "otter": tiered.Otter} {
		b.Run("engine="+name, func(b *testing.B) {
			open := func(n int) func(string) (row, bool) {
				rows := cache.Must(cache.New(func(_ context.Context, key string) (row, error) {
					return row{int64(len(key))}, nil
				}, cache.Options{Store: openStore(b, tiered.Options{Engine: engine}), Name: "rows", TTL: ttl.Fixed(lifetime), HotKeys: n}))
				get := func(key string) (row, bool) {
					value, err := rows.Get(b.Context(), key)
					return value, err == nil
				}
				settle(b, get, keys)
				return get
			}
			off, on := open(-1), open(0)
			i := 0
			turn := func(get func(string) (row, bool)) float64 {
				const hits = 1000
				began := time.Now()
				for j := range hits {
					if _, ok := get(keys[(i+j)&(len(keys)-1)]); !ok {
						b.Fatal(errMiss)
					}
				}
				return float64(time.Since(began).Nanoseconds()) / hits
			}
			var without, more []float64
			for b.Loop() {
				var a, z float64
				if len(more)%2 == 0 { // neither is always the first to have the keys in the processor's caches
					a, z = turn(off), turn(on)
				} else {
					z, a = turn(on), turn(off)
				}
				without, more = append(without, a), append(more, z-a)
				i += 1000
			}
			b.ReportMetric(median(without), "off-ns")
			b.ReportMetric(median(more), "more-ns")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
