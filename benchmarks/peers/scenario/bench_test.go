package scenario

import (
	"testing"

	"github.com/freshet-go/freshet/internal/redistest"
)

func BenchmarkMemoryHit(b *testing.B)  { bench(b, memoryHits, "MemoryHit") }
func BenchmarkRedisHit(b *testing.B)   { bench(b, redisHits, "RedisHit") }
func BenchmarkStructHit(b *testing.B)  { bench(b, structHits, "StructHit") }
func BenchmarkGetMany(b *testing.B)    { bench(b, manyKeys, "GetMany") }
func BenchmarkMiss(b *testing.B)       { bench(b, misses, "Miss") }
func BenchmarkStampede(b *testing.B)   { bench(b, stampede, "Stampede") }
func BenchmarkOutage(b *testing.B)     { bench(b, outage, "Outage") }
func BenchmarkSizes(b *testing.B)      { bench(b, sizes, "Sizes") }
func BenchmarkHitRatio(b *testing.B)   { bench(b, hitRatio, "HitRatio") }
func BenchmarkInvalidate(b *testing.B) { bench(b, invalidation, "Invalidate") }
func BenchmarkPrefixes(b *testing.B)   { bench(b, invalidation, "Prefixes") }

// bench runs the bouts of a name as benchmarks, one entrant after the other, with the effort of a quick run. Package
// report lets them take turns.
func bench(b *testing.B, s Scenario, name string) {
	redistest.Need(b)
	l := Quick()
	for _, bout := range s.Bouts(&l) {
		if bout.Name != name {
			continue
		}
		for _, e := range bout.Entrants {
			b.Run("lib="+e.Lib, func(b *testing.B) {
				t, err := e.Prepare(b.Context(), &l)
				if err != nil {
					b.Fatal(err)
				}
				if t.Close != nil {
					defer t.Close()
				}
				b.Run(bout.Case, func(b *testing.B) { benchTrial(b, t) })
			})
		}
	}
}

func benchTrial(b *testing.B, t Trial) {
	if t.Measure != nil {
		var s Sample
		for b.Loop() {
			var err error
			if s, err = t.Measure(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		for metric, value := range s {
			b.ReportMetric(value, metric)
		}
		return
	}
	b.ReportAllocs()
	b.ResetTimer()
	done, err := t.Work.Times(b.N)
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	for metric, value := range sample(done, t.Work.Quick) {
		if metric != AllocsOp { // the testing package has it
			b.ReportMetric(value, metric)
		}
	}
}
