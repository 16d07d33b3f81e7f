package cache_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

var freshnessSeed = flag.Uint64("freshness.seed", 0, "of the randomized freshness checker; 0: a new one")

// Three nodes over one Redis read, write and invalidate a few keys of a versioned origin, while loads are slow, late or
// fail, commands are delayed and repeated, and each node's network breaks in every way. Every read is judged.
func TestFreshness(t *testing.T) {
	policies := map[string]ttl.Policy{
		"fixed": ttl.Fixed(time.Hour),
		"short": ttl.Fixed(700 * time.Millisecond).Jitter(0.3),
		"stale": ttl.Fixed(500 * time.Millisecond).StaleWhileRevalidate(time.Hour).StaleIfError(time.Hour),
		"early": ttl.Fixed(2 * time.Second).EarlyRefresh(2).StaleIfError(time.Hour),
	}
	for name, policy := range policies {
		for engineName, engine := range map[string]tiered.Engine{"ristretto": tiered.Ristretto, "otter": tiered.Otter} {
			if engineName == "otter" && name != "stale" {
				continue
			}
			t.Run(name+"/"+engineName, func(t *testing.T) {
				seed := *freshnessSeed
				if seed == 0 {
					seed = rand.Uint64()
				}
				t.Logf("-freshness.seed=%d", seed)
				synctest.Test(t, func(t *testing.T) { newChecker(t, seed, policy, engine).run() })
			})
		}
	}
}

const (
	checkedNodes     = 3
	checkedReaders   = 4 // of each node
	checkedWriters   = 1
	checkedFor       = 12 * time.Second
	checkedLoad      = 600 * time.Millisecond // LoadTimeout
	checkedStaleness = time.Second
	checkedFallback  = 5 * time.Second
)

type checkedKey struct{ Group, Item int }

type checker struct {
	*world
	seed   uint64
	caches []*cache.Cached[checkedKey, int]
	keys   []checkedKey
	rows   map[checkedKey]*checkedRow
	faults []atomic.Int64 // of each node: when its last fault ended, Unix nanoseconds; in the future while it lasts
	reads  atomic.Int64
	stop   chan struct{}
}

// checkedRow is a row of the origin, and what readers may expect of it.
type checkedRow struct {
	writing chan struct{} // a lock that bubbles understand
	version atomic.Int64
	floor   [checkedNodes]atomic.Int64 // F1: what reads of the node must at least return

	mu   sync.Mutex
	told []toldVersion // F3: what Redis was told of
}

type toldVersion struct {
	version int64
	at      time.Time
}

func newChecker(t *testing.T, seed uint64, policy ttl.Policy, engine tiered.Engine) *checker {
	t.Helper()
	k := &checker{seed: seed, stop: make(chan struct{}), rows: map[checkedKey]*checkedRow{}, faults: make([]atomic.Int64, checkedNodes)}
	node := uint64(0)
	k.world = newWorld(t, checkedNodes, func(o *tiered.Options) {
		o.Engine, o.MaxStaleness, o.FallbackTTL = engine, checkedStaleness, checkedFallback
		node++
		prompt.AddHook(o.Redis, &delays{r: rand.New(rand.NewPCG(seed, node))})
	})
	for group := range 2 {
		for item := range 3 {
			key := checkedKey{group, item}
			k.keys = append(k.keys, key)
			k.rows[key] = &checkedRow{writing: make(chan struct{}, 1)}
			k.rows[key].version.Store(1)
		}
	}
	for i, store := range k.nodes {
		r := k.random(100 + uint64(i))
		var mu sync.Mutex
		draw := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return r.IntN(n)
		}
		c, err := cache.New(func(ctx context.Context, key checkedKey) (int, error) { return k.load(ctx, key, draw) },
			cache.Options{Store: store, Name: "checked", TTL: policy, LoadTimeout: checkedLoad, MutateTimeout: time.Second})
		require.NoError(t, err)
		k.caches = append(k.caches, c)
	}
	return k
}

func (k *checker) random(of uint64) *rand.Rand { return rand.New(rand.NewPCG(k.seed, of)) }

// load sees the version of the moment when it begins.
func (k *checker) load(ctx context.Context, key checkedKey, draw func(int) int) (int, error) {
	version := int(k.rows[key].version.Load())
	takes, deaf, fails := time.Duration(draw(60))*time.Millisecond, false, false
	switch draw(20) {
	case 0:
		takes, deaf = 2*checkedLoad, draw(2) == 0
	case 1, 2:
		takes = checkedLoad / 2
	case 3, 4:
		fails = true
	case 5:
		takes = 0
	}
	if deaf {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if fails {
		return 0, errDown
	}
	return version, nil
}

func (k *checker) run() {
	var work sync.WaitGroup
	for node := range k.caches {
		for i := range checkedReaders {
			work.Go(func() { k.reader(node, k.random(uint64(1000+100*node+i))) })
		}
		for i := range checkedWriters {
			work.Go(func() { k.writer(node, k.random(uint64(2000+100*node+i))) })
		}
		work.Go(func() { k.breaker(node, k.random(uint64(3000+node))) })
	}
	time.Sleep(checkedFor)
	close(k.stop)
	work.Wait()
	pass(15 * time.Second)
	k.quiescent()
	k.Logf("%d reads", k.reads.Load())
	for node, c := range k.caches {
		balanced(k, c.Stats(), -1)
		k.Logf("node %d: %+v", node, c.Stats())
		k.Logf("node %d: %+v", node, k.nodes[node].Stats())
	}
	require.Greater(k, k.reads.Load(), int64(2_000))
}

func (k *checker) over() bool {
	select {
	case <-k.stop:
		return true
	default:
		return k.Failed()
	}
}

// least is what a read of key that begins now on node must at least return, and by which promise.
func (k *checker) least(node int, key checkedKey) (version int64, promise string) {
	row := k.rows[key]
	version, promise = row.floor[node].Load(), "F1"
	bound := checkedStaleness + 100*time.Millisecond
	if time.Now().UnixNano() < k.faults[node].Load()+int64(15*time.Second) {
		bound = checkedFallback + 2*checkedLoad + 2*time.Second
	}
	row.mu.Lock()
	defer row.mu.Unlock()
	for _, told := range row.told {
		if told.version > version && time.Since(told.at) > bound {
			version, promise = told.version, fmt.Sprint("F3, told ", time.Since(told.at), " ago")
		}
	}
	return version, promise
}

func (k *checker) judge(node int, key checkedKey, how string, value int, least int64, promise string) {
	k.reads.Add(1)
	if int64(value) < least {
		k.Errorf("seed %d: %s of %v on node %d returned version %d, at least %d was promised by %s",
			k.seed, how, key, node, value, least, promise)
	}
}

func (k *checker) reader(node int, r *rand.Rand) {
	c := k.caches[node]
	for !k.over() {
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
		for range 25 {
			key := k.keys[r.IntN(len(k.keys))]
			ctx, cancel := bg, func() {}
			if r.IntN(10) == 0 {
				ctx, cancel = context.WithTimeout(bg, time.Duration(r.IntN(80))*time.Millisecond)
			}
			least, promise := k.least(node, key)
			switch r.IntN(40) {
			case 0:
				bounds, promises := map[checkedKey]int64{}, map[checkedKey]string{}
				for _, key := range k.keys {
					bounds[key], promises[key] = k.least(node, key)
				}
				vs, _ := c.GetMany(ctx, k.keys)
				for key, v := range vs {
					k.judge(node, key, "GetMany", v, bounds[key], promises[key])
				}
			case 1:
				if now := k.rows[key].version.Load(); now > least {
					least, promise = now, "Refresh"
				}
				if v, err := c.Refresh(ctx, key); err == nil {
					k.judge(node, key, "Refresh", v, least, promise)
				}
			case 2, 3:
				if v, ok := c.Peek(ctx, key); ok {
					k.judge(node, key, "Peek", v, least, promise)
				}
			default:
				if v, err := c.Get(ctx, key); err == nil {
					k.judge(node, key, "Get", v, least, promise)
				} else if errors.Is(err, cache.ErrNotFound) {
					k.Errorf("seed %d: %v was not found", k.seed, key)
				}
			}
			cancel()
		}
	}
}

// change writes a new version of keys and ends the old one by end.
func (k *checker) change(node int, keys []checkedKey, end func(write func()) error) {
	for _, key := range keys {
		k.rows[key].writing <- struct{}{}
	}
	began := map[checkedKey]int64{}
	err := end(func() {
		for _, key := range keys {
			began[key] = k.rows[key].version.Add(1)
		}
	})
	for _, key := range keys {
		row := k.rows[key]
		row.floor[node].Store(began[key])
		if err == nil { // or else others may not have been told
			row.mu.Lock()
			row.told = append(row.told, toldVersion{began[key], time.Now()})
			row.mu.Unlock()
		}
		<-row.writing
	}
}

func (k *checker) writer(node int, r *rand.Rand) {
	c := k.caches[node]
	for !k.over() {
		time.Sleep(time.Duration(r.IntN(250)) * time.Millisecond)
		key := k.keys[r.IntN(len(k.keys))]
		one := []checkedKey{key}
		switch r.IntN(12) {
		case 0, 1:
			k.change(node, one, func(write func()) error {
				write()
				return c.Set(bg, key, int(k.rows[key].version.Load()))
			})
		case 2, 3, 4:
			k.change(node, one, func(write func()) error {
				return c.Mutate(bg, key, func(context.Context) error {
					time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
					write()
					time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
					return nil
				})
			})
		case 5:
			group := k.keys[:3]
			if key.Group == 1 {
				group = k.keys[3:]
			}
			k.change(node, group, func(write func()) error {
				write()
				return c.InvalidatePrefix(bg, key.Group)
			})
		case 6:
			k.change(node, k.keys, func(write func()) error {
				write()
				return k.nodes[node].InvalidatePrefix(bg, "checked")
			})
		case 7:
			_ = c.Expire(bg, key) // promises nothing of versions
		case 8:
			k.change(node, k.keys[:2], func(write func()) error {
				write()
				return c.Invalidate(bg, k.keys[0], k.keys[1])
			})
		default:
			k.change(node, one, func(write func()) error {
				write()
				return c.Invalidate(bg, key)
			})
		}
	}
}

// breaker breaks the network of a node now and then.
func (k *checker) breaker(node int, r *rand.Rand) {
	network := k.nets[node]
	for !k.over() {
		time.Sleep(time.Duration(100+r.IntN(8000)) * time.Millisecond)
		lasts := time.Duration(r.IntN(4000)) * time.Millisecond
		if r.IntN(4) == 0 {
			lasts *= 3
		}
		k.faults[node].Store(time.Now().Add(lasts).UnixNano())
		switch r.IntN(4) {
		case 0:
			network.Cut()
		case 1, 2:
			network.Down()
			time.Sleep(lasts)
			network.Up()
		case 3:
			network.Freeze()
			time.Sleep(lasts)
			network.Thaw()
		}
		k.faults[node].Store(time.Now().UnixNano())
	}
}

// quiescent expects nothing stale in memory and in Redis, once all is well again.
func (k *checker) quiescent() {
	for node, store := range k.nodes {
		s := store.Stats()
		require.True(k, s.LinkUp, "node %d: %+v", node, s)
		require.Zero(k, s.Journal, "node %d: %+v", node, s)
	}
	for range 2 {
		for node, c := range k.caches {
			for _, key := range k.keys {
				now := k.rows[key].version.Load()
				if v, ok := c.Peek(bg, key); ok {
					k.judge(node, key, "Peek in the end", v, now, "all of it")
				}
				if v, err := c.Get(bg, key); err == nil {
					k.judge(node, key, "Get in the end", v, now, "all of it")
				}
			}
		}
		pass(time.Second)
	}
}
