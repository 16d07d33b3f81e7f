package cache

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// The values that zero Options stand for.
const (
	DefaultTTL           = 5 * time.Minute
	DefaultLoadTimeout   = 10 * time.Second
	DefaultMaxLoads      = 128
	DefaultMaxBatch      = 500
	DefaultMutateTimeout = 10 * time.Second
	DefaultHotKeys       = 1000
)

// Options configure New and NewBatch. K and V are inferred from the loader.
type Options struct {
	// Store holds the entries. nil: a private store in memory, closed with the cache.
	Store *tiered.Store
	// Name is the first segment of every key, and identifies the cache in its Store. Required with a Store.
	Name string
	// TTL says how long results are fresh, and what may happen after. Zero: the Store's strategy for Name, else fresh
	// for 5 minutes.
	TTL ttl.Policy
	// Codec encodes values for Redis. nil: the Store's. []byte and string values, protobuf messages and
	// encoding.BinaryMarshalers encode themselves.
	Codec tiered.Codec
	// NotFound tells the loader's errors that mean that there is no value, such as sql.ErrNoRows, from failures. nil:
	// only ErrNotFound means that.
	NotFound func(error) bool

	// LoadTimeout is the longest that a load may take, waiting for its turn included. What comes later is thrown away.
	// 0: 10 s.
	LoadTimeout time.Duration
	// MaxLoads is how many loads may be under way at once, refreshes included; a batch load counts as one. A load that
	// overruns its timeout counts until it returns. 0: 128.
	MaxLoads int
	// MaxBatch is the most keys that NewBatch's loader is asked for at once. 0: 500.
	MaxBatch int
	// Breaker guards the loads. nil: none.
	Breaker *breaker.Breaker

	// Observer hears of loads, of reads beyond memory and of invalidations. nil: nobody.
	Observer Observer

	// HotKeys is how many of the keys that are read most are known, and remembered in Redis beyond the life of this
	// process: for HotKeys, Warm and statistics. Their values are not; but the keys may stay there for a week after the
	// last read. 0: 1,000. Negative: none. At most 100,000, and in Redis what fits in 1 MiB.
	HotKeys int

	// Isolate gives every caller a copy of its own, made by the codec. Without it callers share values, and must not
	// change them.
	Isolate bool

	// MutateTimeout is the longest that the write of a Mutate may take. 0: 10 s.
	MutateTimeout time.Duration
	// HoldAfter is for how long after a Mutate readers go on bypassing the cache for its key, where the loader reads
	// from replicas that lag. 0: not at all.
	HoldAfter time.Duration
}

// withDefaults also checks, and joins all faults in one error. v is the type of the values.
func (o Options) withDefaults(v reflect.Type) (Options, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("cache: Options."+format, args...))
	}

	for _, d := range []struct {
		field string
		value *time.Duration
		def   time.Duration
	}{
		{"LoadTimeout", &o.LoadTimeout, DefaultLoadTimeout}, {"MutateTimeout", &o.MutateTimeout, DefaultMutateTimeout},
		{"HoldAfter", &o.HoldAfter, 0},
	} {
		if *d.value < 0 {
			fault("%s is %v: must not be negative (0 means %v)", d.field, *d.value, d.def)
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	for _, n := range []struct {
		field string
		value *int
		def   int
	}{{"MaxLoads", &o.MaxLoads, DefaultMaxLoads}, {"MaxBatch", &o.MaxBatch, DefaultMaxBatch}} {
		if *n.value < 0 {
			fault("%s is %d: must not be negative (0 means %d)", n.field, *n.value, n.def)
		}
		if *n.value == 0 {
			*n.value = n.def
		}
	}
	if o.HotKeys == 0 {
		o.HotKeys = DefaultHotKeys
	}
	if o.HotKeys > 100_000 {
		fault("HotKeys is %d: must be at most 100000", o.HotKeys)
	}
	if o.Name == "" && o.Store != nil {
		fault("Name is empty: a cache with a Store needs one")
	}
	if o.NotFound == nil {
		o.NotFound = func(error) bool { return false }
	}

	store := tiered.Options{MaxTTL: tiered.DefaultMaxTTL, Codec: tiered.CBOR}
	if o.Store != nil {
		store = o.Store.Options()
	}
	if o.TTL.IsZero() {
		if p, ok := store.Strategies.For(o.Name); ok {
			o.TTL = p
		} else {
			o.TTL = ttl.Fixed(DefaultTTL)
		}
	}
	if err := errors.Join(o.TTL.Validate(), o.TTL.CheckType(v)); err != nil {
		fault("TTL: %w", err)
	} else if longest := o.TTL.Longest(); longest > store.MaxTTL && longest < 1<<63-1 {
		fault("TTL is %v: lives for %v, longer than the Store's MaxTTL of %v", o.TTL, longest, store.MaxTTL)
	}
	if o.Codec == nil {
		o.Codec = store.Codec
	}
	if o.Isolate || o.Store != nil && o.Store.Shared() {
		codec, err := tiered.CodecFor(v, o.Codec)
		if err != nil {
			fault("Codec: %w", err)
		}
		o.Codec = codec
	}
	return o, errors.Join(faults...)
}
