package cacheprom

import (
	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/prometheus/client_golang/prometheus"
)

// table makes metrics with the same constant labels.
type table[S any] struct {
	labels []string // of all
	fixed  prometheus.Labels
	all    []metric[S]
}

func (t *table[S]) add(kind prometheus.ValueType, name, help string, read func(S) []number, labels ...string) {
	desc := prometheus.NewDesc(name, help, append(t.labels[:len(t.labels):len(t.labels)], labels...), t.fixed)
	t.all = append(t.all, metric[S]{desc, kind, read})
}

func (t *table[S]) counter(name, help string, read func(S) uint64) {
	t.add(prometheus.CounterValue, name, help, func(s S) []number { return []number{{value: float64(read(s))}} })
}

func (t *table[S]) gauge(name, help string, read func(S) float64) {
	t.add(prometheus.GaugeValue, name, help, func(s S) []number { return []number{{value: read(s)}} })
}

// of is a number with one label.
func of[N uint64 | float64](value N, label string) number {
	return number{float64(value), []string{label}}
}

func is(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func storeMetrics(fixed prometheus.Labels, shared bool) []metric[tiered.Stats] {
	t := &table[tiered.Stats]{fixed: fixed}
	type st = tiered.Stats
	t.gauge("freshet_memory_used_bytes", "Bytes that entries in memory take.", func(s st) float64 { return float64(s.MemoryUsed) })
	t.gauge("freshet_memory_limit_bytes", "Bytes that entries in memory may take.", func(s st) float64 { return float64(s.MemoryLimit) })
	t.counter("freshet_memory_epochs_total", "Times that memory was emptied, plus one.", func(s st) uint64 { return s.Epoch })
	t.add(prometheus.GaugeValue, "freshet_link_up", "1 while this node hears what others invalidate; absent without Redis.", func(s st) []number {
		if !shared {
			return nil // or alerts would tell of a link that is not meant to be
		}
		return []number{{value: is(s.LinkUp)}}
	})
	t.counter("freshet_link_outages_total", "Times that the link was lost.", func(s st) uint64 { return s.LinkOutages })
	t.counter("freshet_link_gaps_total", "Messages that showed an earlier one missing.", func(s st) uint64 { return s.LinkGaps })
	t.counter("freshet_link_messages_total", "Messages heard.", func(s st) uint64 { return s.Heard })
	t.gauge("freshet_fallback", "1 while Redis and the link are away, and memory serves alone.", func(s st) float64 { return is(s.Fallback) })
	t.add(prometheus.GaugeValue, "freshet_breaker_state", "1 for the state that the breaker of Redis is in.", func(s st) (out []number) {
		for _, state := range []breaker.State{breaker.Closed, breaker.HalfOpen, breaker.Open} {
			out = append(out, of(is(s.Breaker == state), state.String()))
		}
		return out
	}, "state")
	t.counter("freshet_redis_errors_total", "Reads and polls that Redis did not answer, or refused.", func(s st) uint64 { return s.RedisErrors })
	t.counter("freshet_redis_corrupt_total", "Records and messages that could not be read: misses.", func(s st) uint64 { return s.Corrupt })
	t.add(prometheus.CounterValue, "freshet_fills_total", "Values for Redis: written; late, so refused or dropped; too large; not encodable.",
		func(s st) []number {
			return []number{
				of(s.Fills, "written"), of(s.FillsRefused, "refused"), of(s.FillsDropped, "dropped"),
				of(s.Oversized, "oversized"), of(s.Unencodable, "unencodable"),
			}
		}, "result")
	t.gauge("freshet_journal_entries", "Invalidations that Redis was not told of yet.", func(s st) float64 { return float64(s.Journal) })
	t.counter("freshet_journal_overflows_total", "Times that the journal became one invalidation of everything.", func(s st) uint64 { return s.JournalOverflows })
	t.counter("freshet_invalidations_deferred_total", "Invalidations that Redis was not told of at once.", func(s st) uint64 { return s.Deferred })
	t.counter("freshet_invalidations_replayed_total", "Deferred invalidations that Redis was told of later.", func(s st) uint64 { return s.Replayed })
	t.counter("freshet_holds_failed_total", "Mutates that could not mark their key.", func(s st) uint64 { return s.HoldsFailed })
	t.gauge("freshet_prefixes", "Prefix invalidations remembered.", func(s st) float64 { return float64(s.Prefixes) })
	return t.all
}

func cacheMetrics(fixed prometheus.Labels) []metric[cache.Stats] {
	t := &table[cache.Stats]{labels: []string{"cache"}, fixed: fixed}
	type st = cache.Stats
	t.add(prometheus.CounterValue, "freshet_cache_requests_total", "Keys asked for and answered, by what answered them.", func(s st) []number {
		return []number{
			of(s.MemoryHits, "memory_hit"), of(s.RedisHits, "redis_hit"), of(s.Loads, "load"), of(s.Joined, "joined"),
			of(s.Negative, "negative"), of(s.Stale, "stale"), of(s.Errors, "error"),
		}
	}, "answer")
	t.counter("freshet_cache_loader_calls_total", "Calls of the loader.", func(s st) uint64 { return s.LoaderCalls })
	t.counter("freshet_cache_loader_keys_total", "Keys that the loader was called for.", func(s st) uint64 { return s.LoaderKeys })
	t.counter("freshet_cache_load_errors_total", "Keys whose load failed.", func(s st) uint64 { return s.LoadErrors })
	t.counter("freshet_cache_late_loads_total", "Loads that returned after they were given up.", func(s st) uint64 { return s.LateLoads })
	t.counter("freshet_cache_refreshes_total", "Keys loaded in the background.", func(s st) uint64 { return s.Refreshes })
	t.counter("freshet_cache_waits_total", "Keys that waited for another node's load.", func(s st) uint64 { return s.Waits })
	return t.all
}
