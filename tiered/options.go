package tiered

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/ttl"
	"github.com/redis/go-redis/v9"
)

// The values that zero Options stand for.
const (
	DefaultNamespace     = "freshet"
	DefaultMemoryBytes   = 64 << 20
	DefaultBudget        = 50 * time.Millisecond
	DefaultMaxStaleness  = time.Second
	DefaultFallbackTTL   = 10 * time.Second
	DefaultMaxTTL        = 24 * time.Hour
	DefaultCompressAbove = 4 << 10
	DefaultMaxValueBytes = 8 << 20
	DefaultMaxKeyBytes   = 1 << 10
	DefaultMaxJournal    = 1 << 16
)

const longestTTL = 45 * 24 * time.Hour // what a record can say

// Options configure Open. The zero value is a good default throughout: a store in memory only.
type Options struct {
	// Redis is the shared tier. nil: memory only. Dial builds a client with what a cache needs; others work, within the
	// Budget. A Ring, and a client that reads from replicas, are refused: they would break the promises.
	Redis redis.UniversalClient
	// Namespace begins every key and the channel in Redis; Stores that share it share their entries. "": "freshet".
	Namespace string

	// MemoryBytes bounds the memory tier. 0: 64 MiB.
	MemoryBytes int64
	// Engine holds the memory tier. nil: Ristretto. See also Otter and NoMemory.
	Engine Engine

	// Strategies are the policies of caches that have none of their own, by name.
	Strategies ttl.Table
	// Codec encodes values for Redis, in caches that have none of their own. nil: CBOR.
	Codec Codec
	// CompressAbove is the size in bytes above which encoded values are compressed (s2), if that makes them smaller.
	// 0: 4 KiB. Negative: never.
	CompressAbove int
	// MaxValueBytes is the size of an encoded value above which it is left out of Redis, and counted. 0: 8 MiB.
	MaxValueBytes int
	// MaxKeyBytes is the size of an encoded key above which a read or a write of it fails with ErrTooLarge. 0: 1 KiB.
	MaxKeyBytes int
	// MaxTTL is the longest life of an entry, stale-if-error included; longer policies are refused. Prefix invalidations
	// are remembered for that long, so all Stores of a Namespace need the same. 0: 24 hours. At most 45 days.
	MaxTTL time.Duration

	// Budget is the longest that a caller waits for one answer of Redis. 0: 50 ms.
	Budget time.Duration
	// Breaker guards the calls of Redis. The zero value has good defaults; OnChange is called after the Store's own.
	Breaker breaker.Options
	// MaxStaleness is how long memory is trusted when nothing is heard of other nodes' invalidations. 0: 1 s. At least
	// 100 ms.
	MaxStaleness time.Duration
	// FallbackTTL is how long entries in memory are used while Redis is away. 0: 10 s.
	FallbackTTL time.Duration
	// MaxJournal is how many invalidations that Redis was not told of are remembered one by one; more become one
	// invalidation of everything. 0: 65,536.
	MaxJournal int

	// OnLink is called when the state of the link to other nodes has changed, at first when it is up: in order, one call at
	// a time, on a goroutine that nothing else waits for but Close, which OnLink must not call. States that last for less
	// than a call takes may be left out. nil: nobody is called.
	OnLink func(LinkState)
	// Logger hears of changes of state: link, breaker, recovery; never of single requests. nil: nobody.
	Logger *slog.Logger
}

// withDefaults also checks, and joins all faults in one error.
func (o Options) withDefaults() (Options, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("tiered: Options."+format, args...))
	}

	orDefault(&o.Namespace, DefaultNamespace)
	orDefault(&o.MemoryBytes, DefaultMemoryBytes)
	orDefault(&o.CompressAbove, DefaultCompressAbove)
	orDefault(&o.MaxValueBytes, DefaultMaxValueBytes)
	orDefault(&o.MaxKeyBytes, DefaultMaxKeyBytes)
	orDefault(&o.MaxTTL, DefaultMaxTTL)
	orDefault(&o.Budget, DefaultBudget)
	orDefault(&o.MaxStaleness, DefaultMaxStaleness)
	orDefault(&o.FallbackTTL, DefaultFallbackTTL)
	orDefault(&o.MaxJournal, DefaultMaxJournal)
	if o.Engine == nil {
		o.Engine = Ristretto
	}
	if o.Codec == nil {
		o.Codec = CBOR
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}

	if strings.ContainsAny(o.Namespace, "{}") {
		fault("Namespace is %q: must not contain braces, which steer the slots of a Cluster", o.Namespace)
	}
	for _, n := range []struct {
		field string
		value int64
	}{
		{"MemoryBytes", o.MemoryBytes}, {"MaxValueBytes", int64(o.MaxValueBytes)}, {"MaxKeyBytes", int64(o.MaxKeyBytes)},
		{"MaxJournal", int64(o.MaxJournal)},
	} {
		if n.value < 0 {
			fault("%s is %d: must not be negative (0 means the default)", n.field, n.value)
		}
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"Budget", o.Budget}, {"FallbackTTL", o.FallbackTTL}, {"MaxTTL", o.MaxTTL}, {"MaxStaleness", o.MaxStaleness}} {
		if d.value < 0 {
			fault("%s is %v: must not be negative (0 means the default)", d.field, d.value)
		}
	}
	if o.MaxStaleness > 0 && o.MaxStaleness < 100*time.Millisecond {
		fault("MaxStaleness is %v: must be at least 100ms", o.MaxStaleness)
	}
	if o.MaxTTL > longestTTL {
		fault("MaxTTL is %v: must be at most %v", o.MaxTTL, longestTTL)
	}
	if _, err := breaker.New(o.Breaker); err != nil {
		fault("Breaker: %w", err)
	}
	if err := o.Strategies.Validate(); err != nil {
		fault("Strategies: %w", err)
	}
	if err := refuse(o.Redis); err != nil {
		fault("Redis: %w", err)
	}
	return o, errors.Join(faults...)
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

const readsReplicas = "reads from replicas, which lag behind invalidations: a value that was invalidated would come back"

// refuse names the clients that would break promises.
func refuse(rdb redis.UniversalClient) error {
	if rdb == nil {
		return nil
	}
	if v := reflect.ValueOf(rdb); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Errorf("a nil %T is no client; leave the field out for memory only", rdb)
	}
	switch c := rdb.(type) {
	case *redis.Ring:
		return errors.New("a Ring changes shards when one fails, and back: values that were invalidated meanwhile would come back; use Cluster or Sentinel")
	case *redis.ClusterClient:
		if o := c.Options(); o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			return errors.New("the ClusterClient (ReadOnly, RouteByLatency or RouteRandomly) " + readsReplicas)
		}
	}
	return nil
}
