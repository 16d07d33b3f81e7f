package cacheotel

import (
	"context"
	"errors"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// number is the value of an instrument, for an attribute if it has one.
type number struct {
	value     uint64
	attribute attribute.KeyValue
}

func one(n uint64) []number { return []number{{value: n}} }

func is(yes bool) []number {
	if yes {
		return one(1)
	}
	return one(0)
}

// instrument is what is read from a snapshot when a reader asks.
type instrument[S any] struct {
	name, unit, description string
	gauge                   bool
	read                    func(S) []number
}

type (
	storeStats = tiered.Stats
	cacheStats = cache.Stats
)

var storeInstruments = []instrument[storeStats]{
	{"freshet.memory.used", "By", "Bytes that entries in memory take.", true, func(s storeStats) []number { return one(uint64(max(s.MemoryUsed, 0))) }},
	{"freshet.memory.limit", "By", "Bytes that entries in memory may take.", true, func(s storeStats) []number { return one(uint64(max(s.MemoryLimit, 0))) }},
	{"freshet.memory.epochs", "{epoch}", "Times that memory was emptied, plus one.", false, func(s storeStats) []number { return one(s.Epoch) }},
	{"freshet.link.outages", "{outage}", "Times that the link was lost.", false, func(s storeStats) []number { return one(s.LinkOutages) }},
	{"freshet.link.messages", "{message}", "Messages heard.", false, func(s storeStats) []number { return one(s.Heard) }},
	{"freshet.fallback", "1", "1 while Redis and the link are away, and memory serves alone.", true, func(s storeStats) []number { return is(s.Fallback) }},
	{"freshet.breaker.state", "1", "1 for the state that the breaker of Redis is in.", true, func(s storeStats) (out []number) {
		for _, state := range []breaker.State{breaker.Closed, breaker.HalfOpen, breaker.Open} {
			out = append(out, number{is(s.Breaker == state)[0].value, attribute.String("freshet.state", state.String())})
		}
		return out
	}},
	{"freshet.redis.errors", "{error}", "Reads and polls that Redis did not answer, or refused.", false, func(s storeStats) []number { return one(s.RedisErrors) }},
	{"freshet.redis.corrupt", "{record}", "Records and messages that could not be read: misses.", false, func(s storeStats) []number { return one(s.Corrupt) }},
	{"freshet.fills", "{value}", "Values for Redis, by what became of them.", false, func(s storeStats) []number {
		of := func(n uint64, result string) number { return number{n, attribute.String("freshet.result", result)} }
		return []number{
			of(s.Fills, "written"), of(s.FillsRefused, "refused"), of(s.FillsDropped, "dropped"),
			of(s.Oversized, "oversized"), of(s.Unencodable, "unencodable"),
		}
	}},
	{"freshet.journal.entries", "{invalidation}", "Invalidations that Redis was not told of yet.", true, func(s storeStats) []number { return one(uint64(max(s.Journal, 0))) }},
	{"freshet.journal.overflows", "{overflow}", "Times that the journal became one invalidation of everything.", false, func(s storeStats) []number { return one(s.JournalOverflows) }},
	{"freshet.invalidations.deferred", "{invalidation}", "Invalidations that Redis was not told of at once.", false, func(s storeStats) []number { return one(s.Deferred) }},
	{"freshet.invalidations.replayed", "{invalidation}", "Deferred invalidations that Redis was told of later.", false, func(s storeStats) []number { return one(s.Replayed) }},
	{"freshet.holds.failed", "{hold}", "Mutates that could not mark their key.", false, func(s storeStats) []number { return one(s.HoldsFailed) }},
}

// linkInstrument is apart: a Store without Redis has no link that could be down.
var linkInstrument = instrument[storeStats]{
	"freshet.link.up", "1", "1 while this node hears what others invalidate.", true, func(s storeStats) []number { return is(s.LinkUp) },
}

var cacheInstruments = []instrument[cacheStats]{
	{"freshet.cache.requests", "{key}", "Keys asked for and answered, by what answered them.", false, func(s cacheStats) []number {
		of := func(n uint64, answer string) number { return number{n, answerKey.String(answer)} }
		return []number{
			of(s.MemoryHits, "memory_hit"), of(s.RedisHits, "redis_hit"), of(s.Loads, "load"), of(s.Joined, "joined"),
			of(s.Negative, "negative"), of(s.Stale, "stale"), of(s.Errors, "error"),
		}
	}},
	{"freshet.cache.loader_calls", "{call}", "Calls of the loader.", false, func(s cacheStats) []number { return one(s.LoaderCalls) }},
	{"freshet.cache.loader_keys", "{key}", "Keys that the loader was called for.", false, func(s cacheStats) []number { return one(s.LoaderKeys) }},
	{"freshet.cache.load_errors", "{key}", "Keys whose load failed.", false, func(s cacheStats) []number { return one(s.LoadErrors) }},
	{"freshet.cache.late_loads", "{load}", "Loads that returned after they were given up.", false, func(s cacheStats) []number { return one(s.LateLoads) }},
	{"freshet.cache.refreshes", "{key}", "Keys loaded in the background.", false, func(s cacheStats) []number { return one(s.Refreshes) }},
	{"freshet.cache.waits", "{key}", "Keys that waited for another node's load.", false, func(s cacheStats) []number { return one(s.Waits) }},
}

// made is an instrument with what a callback observes.
type made[S any] struct {
	metric.Int64Observable
	read func(S) []number
}

func makeAll[S any](meter metric.Meter, instruments []instrument[S]) (all []made[S], err error) {
	for _, i := range instruments {
		var o metric.Int64Observable
		var bad error
		if i.gauge {
			o, bad = meter.Int64ObservableGauge(i.name, metric.WithUnit(i.unit), metric.WithDescription(i.description))
		} else {
			o, bad = meter.Int64ObservableCounter(i.name, metric.WithUnit(i.unit), metric.WithDescription(i.description))
		}
		all, err = append(all, made[S]{o, i.read}), errors.Join(err, bad)
	}
	return all, err
}

// tell observes a snapshot.
func tell[S any](o metric.Observer, all []made[S], stats S, attributes ...attribute.KeyValue) {
	for _, m := range all {
		for _, n := range m.read(stats) {
			own := attributes[:len(attributes):len(attributes)]
			if n.attribute.Valid() {
				own = append(own, n.attribute)
			}
			o.ObserveInt64(m.Int64Observable, int64(n.value), metric.WithAttributes(own...))
		}
	}
}

// observe registers what is read from the Store and its caches when a reader asks.
func observe(meter metric.Meter, store *tiered.Store) (metric.Registration, error) {
	states := storeInstruments[:len(storeInstruments):len(storeInstruments)]
	if store.Shared() {
		states = append(states, linkInstrument)
	}
	ofStore, err := makeAll(meter, states)
	ofCaches, err2 := makeAll(meter, cacheInstruments)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	var all []metric.Observable
	for _, m := range ofStore {
		all = append(all, m.Int64Observable)
	}
	for _, m := range ofCaches {
		all = append(all, m.Int64Observable)
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		tell(o, ofStore, store.Stats())
		for name, stats := range cache.StatsOf(store) {
			tell(o, ofCaches, stats, semconv.DBCollectionName(name))
		}
		return nil
	}, all...)
}
