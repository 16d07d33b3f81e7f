package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/trace"
	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

const (
	lifetime = time.Hour
	passes   = 20
	warmers  = 32
	mouthful = 1 << 14 // keys that every contender can take in at once: ristretto drops what is more than its buffer holds
)

var errLoaded = errors.New("a warm key was loaded")

// origin loads values, and counts them. When it is closed, loads are errors.
type origin[K contender.Key, V any] struct {
	value  func(K) V
	loads  atomic.Int64
	closed atomic.Bool
}

func (o *origin[K, V]) load(_ context.Context, key K) (value V, err error) {
	if o.closed.Load() {
		return value, errLoaded
	}
	o.loads.Add(1)
	return o.value(key), nil
}

// warm asks for all keys until a pass needs no load, or next to none.
func warm[K contender.Key, V any](ctx context.Context, c contender.Cache[K, V], o *origin[K, V], keys []K) error {
	for pass := range passes {
		if pass >= passes/4 { // not for want of asking: something has to recover
			time.Sleep(respite / 4)
		}
		before := o.loads.Load()
		for some := range slices.Chunk(keys, mouthful) {
			if err := each(some, func(key K) error {
				_, err := c.Get(ctx, key)
				return err
			}); err != nil {
				return fmt.Errorf("warm: %w", err)
			}
			if s, ok := c.(interface{ Settle() }); ok {
				s.Settle()
			}
		}
		if loads := int(o.loads.Load() - before); loads*1000 <= len(keys) {
			return nil
		}
	}
	return fmt.Errorf("warm: keeps not all of %d keys", len(keys))
}

// each calls f for all keys, from some goroutines at once, and returns the last error.
func each[K any](keys []K, f func(K) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var done sync.WaitGroup
	for range warmers {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(keys); i = int(next.Add(1)) - 1 {
				if err := f(keys[i]); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	done.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// names are n keys.
func names(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = "user:" + strconv.Itoa(i)
	}
	return all
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// asked is the order in which keys are asked for: a power of two of them, zipf.
func asked[K any](keys []K) []K {
	sequence := make([]K, 0, 1<<16)
	for _, i := range trace.Zipf(1<<16, uint64(len(keys))).Keys {
		sequence = append(sequence, keys[i])
	}
	return sequence
}

// bytes returns values of a size.
func bytes[K any](size int) func(K) []byte {
	value := make([]byte, size)
	for i := range value {
		value[i] = byte(i * 131) // does not compress to nothing
	}
	return func(K) []byte { return value }
}

// opened is a contender over a server of its own, if it has one.
type opened[K contender.Key, V any] struct {
	contender.Cache[K, V]

	server *lab.Server
	origin *origin[K, V]
}

// open opens a contender over what tiers it is given: memory for entries, if there are to be any, and Redis, if wanted.
func open[K contender.Key, V any](ctx context.Context, lib string, value func(K) V, entries int, redis bool, ttl time.Duration) (*opened[K, V], error) {
	who := contender.Named[K, V](lib)
	o := &opened[K, V]{origin: &origin[K, V]{value: value}}
	s := contender.Setup[K, V]{Load: o.origin.load, Entries: entries, TTL: ttl}
	if redis && who.Tiers&contender.Redis != 0 {
		var err error
		if o.server, err = server(ctx); err != nil {
			return nil, err
		}
		s.Redis = o.server.Addr
	}
	var err error
	if o.Cache, err = who.Open(ctx, s); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// Close closes the cache, then the server.
func (o *opened[K, V]) Close() {
	if o.Cache != nil {
		o.Cache.Close()
	}
	if o.server != nil {
		o.server.Close()
	}
}

// hits is work that asks for warm keys.
func (o *opened[K, V]) hits(ctx context.Context, keys []K) func(i int) error {
	return func(i int) error {
		_, err := o.Get(ctx, keys[i&(len(keys)-1)])
		return err
	}
}
