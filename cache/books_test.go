package cache_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// F9: whatever loads and Redis do, each key that was asked for is in exactly one group.
func TestF9BooksBalance(t *testing.T) {
	for _, batch := range []bool{false, true} {
		t.Run("batch "+strconv.FormatBool(batch), func(t *testing.T) {
			inSomeWorlds(t, []int{0, 2}, func(w *world) {
				seed := rand.Uint64()
				w.Log("seed", seed)
				keeper := &bookkeeper{world: w, seed: seed}
				keeper.open(batch)
				keeper.run()
			})
		})
	}
}

// bookkeeper asks for keys at random, and counts.
type bookkeeper struct {
	*world
	seed   uint64
	caches []*cache.Cached[int, int]
	asked  []atomic.Int64 // keys, of each cache
	loads  []atomic.Int64
	keys   []atomic.Int64 // that the loader was asked for
}

func (b *bookkeeper) open(batch bool) {
	b.asked, b.loads, b.keys = make([]atomic.Int64, len(b.nodes)), make([]atomic.Int64, len(b.nodes)), make([]atomic.Int64, len(b.nodes))
	for i, store := range b.nodes {
		guard, err := breaker.New(breaker.Options{Consecutive: 20, OpenFor: 50 * time.Millisecond})
		require.NoError(b, err)
		o := cache.Options{
			Store: store, Name: "books", MaxLoads: 6, MaxBatch: 5, LoadTimeout: 300 * time.Millisecond, Breaker: guard,
			TTL: ttl.Fixed(200 * time.Millisecond).Jitter(0.5).StaleWhileRevalidate(100 * time.Millisecond).
				StaleIfError(300 * time.Millisecond).Negative(50 * time.Millisecond).EarlyRefresh(1),
		}
		var mu sync.Mutex
		r := rand.New(rand.NewPCG(b.seed, uint64(i)))
		one := func(ctx context.Context, k int) (int, error) {
			mu.Lock()
			how, takes := r.IntN(12), time.Duration(r.IntN(60))*time.Millisecond
			mu.Unlock()
			switch how {
			case 0:
				return 0, errDown
			case 1:
				panic("in a load")
			case 2:
				runtime.Goexit()
			case 3:
				takes = time.Second
			case 4:
				takes, ctx = time.Second, context.WithoutCancel(ctx)
			case 5:
				return 0, cache.ErrNotFound
			}
			select {
			case <-time.After(takes):
				return k, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		var c *cache.Cached[int, int]
		if batch {
			c, err = cache.NewBatch(func(ctx context.Context, ks []int) (map[int]int, error) {
				b.loads[i].Add(1)
				b.keys[i].Add(int64(len(ks)))
				_, err := one(ctx, ks[0])
				out := map[int]int{}
				for _, k := range ks[1:] {
					out[k] = k
				}
				if err != nil {
					err = &cache.BatchError[int]{Failed: map[int]error{ks[0]: err}}
				}
				return out, err
			}, o)
		} else {
			c, err = cache.New(func(ctx context.Context, k int) (int, error) {
				b.loads[i].Add(1)
				b.keys[i].Add(1)
				return one(ctx, k)
			}, o)
		}
		require.NoError(b, err)
		b.caches = append(b.caches, c)
	}
}

func (b *bookkeeper) run() {
	var work sync.WaitGroup
	for worker := range uint64(24) {
		work.Go(func() { b.ask(int(worker)%len(b.caches), rand.New(rand.NewPCG(b.seed, 1000+worker))) })
	}
	for i, network := range b.nets {
		r := rand.New(rand.NewPCG(b.seed, 2000+uint64(i)))
		work.Go(func() {
			for range 3 {
				pass2(time.Duration(r.IntN(1000)) * time.Millisecond)
				network.Down()
				pass2(time.Duration(r.IntN(500)) * time.Millisecond)
				network.Up()
			}
		})
	}
	work.Wait()
	pass(5 * time.Second)
	var sum cache.Stats
	for i, c := range b.caches {
		require.NoError(b, c.Close())
		s := c.Stats()
		balanced(b, s, int(b.asked[i].Load()))
		require.EqualValues(b, b.loads[i].Load(), s.LoaderCalls)
		require.EqualValues(b, b.keys[i].Load(), s.LoaderKeys)
		sum = sum.Add(s)
	}
	require.Positive(b, sum.Errors)
	require.Positive(b, sum.Stale)
	require.Positive(b, sum.Joined)
}

func (b *bookkeeper) ask(node int, r *rand.Rand) {
	c, asked := b.caches[node], &b.asked[node]
	for range 60 {
		pass2(time.Duration(r.IntN(30)) * time.Millisecond)
		k := r.IntN(15)
		ctx, cancel := bg, func() {}
		if r.IntN(3) == 0 {
			ctx, cancel = context.WithTimeout(bg, time.Duration(r.IntN(50))*time.Millisecond)
		}
		var err error
		switch r.IntN(14) {
		case 0, 1, 2, 3, 4, 5:
			asked.Add(1)
			_, err = c.Get(ctx, k)
		case 6, 7:
			ks := []int{k, r.IntN(15), r.IntN(15), k}
			distinct := map[int]struct{}{}
			for _, k := range ks {
				distinct[k] = struct{}{}
			}
			asked.Add(int64(len(distinct)))
			_, err = c.GetMany(ctx, ks)
		case 8:
			asked.Add(1)
			_, err = c.Refresh(ctx, k)
		case 9:
			_ = c.Set(ctx, k, k)
		case 10:
			_ = c.Invalidate(ctx, k)
		case 11:
			_ = c.InvalidatePrefix(ctx, k)
		case 12:
			_ = c.Mutate(ctx, k, func(context.Context) error { pass2(5 * time.Millisecond); return nil })
		case 13:
			_ = c.Expire(ctx, k)
			_, _ = c.Peek(ctx, k)
		}
		cancel()
		if errors.Is(err, cache.ErrClosed) {
			b.Error(err)
		}
	}
}

// noDeadline hides *testing.T's Deadline, which a bubble forbids, from rapid.
type noDeadline struct{ *testing.T }

// One caller at a time, against a model of what is cached: each operation does what it says.
func TestModelOfOneCaller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource()
		cs := []*rows{w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Hour)}), w.open(1, src, cache.Options{TTL: ttl.Fixed(time.Hour)})}
		rapid.Check(noDeadline{t}, func(rt *rapid.T) {
			require.NoError(t, w.nodes[0].InvalidatePrefix(bg))
			pass(time.Millisecond)
			keys := rapid.SampledFrom([]string{"a", "b", "c"})
			cached := map[string]string{} // what both nodes answer without a load
			src.change(func(s *source) { s.rows = map[string]string{} })
			n := 0
			rt.Repeat(map[string]func(*rapid.T){
				"write": func(rt *rapid.T) { n++; src.set(keys.Draw(rt, "key"), strconv.Itoa(n)) },
				"get": func(rt *rapid.T) {
					k, c := keys.Draw(rt, "key"), cs[rapid.IntRange(0, 1).Draw(rt, "node")]
					want, ok := cached[k]
					before := src.loads(k)
					if !ok {
						want, before = src.rows[k], before+1
					}
					v, err := c.Get(bg, k)
					if want == "" {
						require.ErrorIs(rt, err, cache.ErrNotFound)
					} else {
						require.NoError(rt, err)
					}
					require.Equal(rt, want, v)
					require.Equal(rt, before, src.loads(k))
					cached[k] = want
					pass(time.Millisecond)
				},
				"peek": func(rt *rapid.T) {
					k, c := keys.Draw(rt, "key"), cs[rapid.IntRange(0, 1).Draw(rt, "node")]
					v, ok := c.Peek(bg, k)
					require.Equal(rt, cached[k] != "", ok)
					require.Equal(rt, cached[k], v)
				},
				"set": func(rt *rapid.T) {
					k := keys.Draw(rt, "key")
					n++
					require.NoError(rt, cs[rapid.IntRange(0, 1).Draw(rt, "node")].Set(bg, k, strconv.Itoa(n)))
					cached[k] = strconv.Itoa(n)
					pass(time.Millisecond)
				},
				"invalidate": func(rt *rapid.T) {
					k := keys.Draw(rt, "key")
					c := cs[rapid.IntRange(0, 1).Draw(rt, "node")]
					kill := rapid.SampledFrom([]func() error{
						func() error { return c.Invalidate(bg, k) },
						func() error { return c.InvalidatePrefix(bg, k) },
						func() error { return c.Expire(bg, k) },
						func() error { return c.Mutate(bg, k, func(context.Context) error { return nil }) },
					}).Draw(rt, "kill")
					require.NoError(rt, kill())
					delete(cached, k)
					pass(time.Millisecond)
				},
			})
		})
		for _, c := range cs {
			balanced(t, c.Stats(), -1)
		}
	})
}
