package cache_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// The leader's cancellation failed its followers: sturdyc, jetcache, go-redis/cache.
func TestCorpus03LeaderCancelled(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		src.slow(time.Second)
		c := w.open(0, src, cache.Options{})
		ctx, cancel := context.WithCancel(bg)
		leader := async(func() (string, error) { return c.Get(ctx, "k") })
		pass(100 * time.Millisecond)
		follower := async(func() (string, error) { return c.Get(bg, "k") })
		many := async(func() (string, error) { vs, err := c.GetMany(bg, []string{"k"}); return vs["k"], err })
		pass(100 * time.Millisecond)
		cancel()
		a := <-leader
		require.ErrorIs(w, a.err, context.Canceled)
		require.Equal(w, 200*time.Millisecond, a.after)
		require.Equal(w, answer{"v", nil, 900 * time.Millisecond}, <-follower)
		require.Equal(w, answer{"v", nil, 900 * time.Millisecond}, <-many)
		require.Equal(w, 1, src.loads("k"))
		balanced(w, c.Stats(), 3)
	})
}

// A follower with a deadline of 50 ms waited for the whole load: sturdyc.
func TestCorpus03FollowersDeadline(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		src.slow(time.Second)
		c := w.open(0, src, cache.Options{})
		leader := async(func() (string, error) { return c.Get(bg, "k") })
		pass(100 * time.Millisecond)
		short, cancel := context.WithTimeout(bg, 50*time.Millisecond)
		defer cancel()
		a := <-async(func() (string, error) { return c.Get(short, "k") })
		require.ErrorIs(w, a.err, context.DeadlineExceeded)
		require.Equal(w, 50*time.Millisecond, a.after)
		require.Equal(w, answer{"v", nil, time.Second}, <-leader)
		balanced(w, c.Stats(), 2)
	})
}

// A new caller joined a flight that was already cancelled: tailscale #18919.
func TestCorpus03NewCallerAfterCancellation(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		src.slow(time.Second)
		src.deaf = true // so that the cancelled load lingers
		c := w.open(0, src, cache.Options{})
		ctx, cancel := context.WithCancel(bg)
		leader := async(func() (string, error) { return c.Get(ctx, "k") })
		pass(100 * time.Millisecond)
		cancel()
		second := async(func() (string, error) { return c.Get(bg, "k") }) // at the same instant
		require.ErrorIs(w, (<-leader).err, context.Canceled)
		a := <-second
		require.NoError(w, a.err)
		require.Equal(w, "v", a.value)
		require.LessOrEqual(w, a.after, 1100*time.Millisecond)
	})
}

// A failed batch load reached followers as "not found, no error": jetcache.
func TestCorpus04FailedBatchLoad(t *testing.T) {
	inWorlds(t, func(w *world) {
		c, err := cache.NewBatch(func(ctx context.Context, ks []string) (map[string]string, error) {
			<-time.After(time.Second)
			return nil, errDown
		}, cache.Options{Store: w.nodes[0], Name: "rows"})
		require.NoError(w, err)
		many := func() (string, error) { vs, err := c.GetMany(bg, []string{"a", "b"}); return vs["a"], err }
		leader := async(many)
		pass(time.Millisecond)
		joined, single := async(many), async(func() (string, error) { return c.Get(bg, "b") })
		for _, ch := range []<-chan answer{leader, joined, single} {
			a := <-ch
			require.ErrorIs(w, a.err, errDown)
			require.NotErrorIs(w, a.err, cache.ErrNotFound)
		}
		pass(time.Second)
		_, err = c.Get(bg, "a")
		require.ErrorIs(w, err, errDown, "and nothing was cached")
		balanced(w, c.Stats(), 6)
	})
}

// The same by another way: a loader that reads through another cache returns that one's *BatchError, which is about
// other keys of the same type.
func TestCorpus04BatchErrorOfAnotherCache(t *testing.T) {
	inWorlds(t, func(w *world) {
		foreign := error(&cache.BatchError[string]{Failed: map[string]error{"of another cache": errDown}})
		for name, fails := range map[string]error{"bare": foreign, "wrapped": errors.Join(errors.New("friends"), foreign)} {
			c, err := cache.New(func(context.Context, string) (string, error) { return "", fails },
				cache.Options{Store: w.nodes[0], Name: name})
			require.NoError(w, err)
			v, err := c.Get(bg, "k")
			require.Empty(w, v)
			require.NotErrorIs(w, err, cache.ErrNotFound, "%s: a failed load was taken, and cached, as an absence", name)
			require.ErrorIs(w, err, errDown)
			require.EqualValues(w, 1, c.Stats().LoadErrors)
		}
	})
}

// Waiters ran a failing load one after another: FusionCache, rueidisaside.
func TestCorpus05ErrorsAreShared(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource()
		src.slow(time.Second)
		src.fail(errDown)
		c := w.open(0, src, cache.Options{})
		var all []<-chan answer
		for range 20 {
			all = append(all, async(func() (string, error) { return c.Get(bg, "k") }))
		}
		for _, ch := range all {
			a := <-ch
			require.ErrorIs(w, a.err, errDown)
			require.Equal(w, time.Second, a.after)
		}
		require.Equal(w, 1, src.loads("k"))
		s := c.Stats()
		balanced(w, s, 20)
		require.EqualValues(w, 20, s.Errors)
		require.EqualValues(w, 1, s.LoadErrors)
	})
}

// An error is shared by those who waited for it: who asks after it was returned gets a load of their own.
func TestCorpus05ErrorsAreNotKept(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(time.Minute).Negative(0)})
		for i := range 200 {
			src.fail(errDown)
			_, err := c.Get(bg, "k")
			require.ErrorIs(w, err, errDown)
			src.fail(nil)
			v, err := c.Get(bg, "k")
			require.NoError(w, err, "round %d: the error of an earlier load", i)
			require.Equal(w, "v", v)
			require.NoError(w, c.Invalidate(bg, "k"))
		}
	})
}

// A hung load held the key's lock for ever: six incidents (dialporten #4252).
func TestCorpus06HungLoad(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		src.deaf = true
		src.slow(50 * time.Second)
		cs := w.openAll(src, cache.Options{LoadTimeout: time.Second})
		var all []<-chan answer
		for _, c := range cs {
			for range 3 {
				all = append(all, async(func() (string, error) { return c.Get(bg, "k") }))
			}
		}
		pass(500 * time.Millisecond)
		src.slow(0)
		for _, ch := range all {
			a := <-ch
			require.LessOrEqual(w, a.after, 2100*time.Millisecond)
		}
		pass(time.Millisecond)
		for _, c := range cs {
			a := <-async(func() (string, error) { return c.Get(bg, "k") })
			require.Equal(w, "v", a.value)
			require.LessOrEqual(w, a.after, 100*time.Millisecond)
			balanced(w, c.Stats(), 4)
		}
	})
}

// A panic or a Goexit in a load: followers got a zero value and no error, and the lock stayed until its TTL.
func TestCorpus07PanicAndGoexit(t *testing.T) {
	for name, harm := range map[string]func(){
		"panic":     func() { panic(errDown) },
		"panic nil": func() { panic(nil) }, //nolint:govet // on purpose
		"Goexit":    runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			inWorlds(t, func(w *world) {
				var once sync.Once
				load := func(context.Context, string) (string, error) {
					<-time.After(100 * time.Millisecond)
					once.Do(harm)
					return "v", nil
				}
				c, err := cache.New(load, cache.Options{Store: w.nodes[0], Name: "rows"})
				require.NoError(w, err)
				one := func() (string, error) { return c.Get(bg, "k") }
				all := []<-chan answer{async(one), async(one), async(func() (string, error) {
					vs, err := c.GetMany(bg, []string{"k"})
					return vs["k"], err
				})}
				for _, ch := range all {
					a := <-ch
					require.Error(w, a.err)
					require.Empty(w, a.value)
					require.Equal(w, 100*time.Millisecond, a.after)
					var p *cache.PanicError
					switch name {
					case "Goexit":
						require.ErrorIs(w, a.err, cache.ErrGoexit)
					case "panic":
						require.ErrorAs(w, a.err, &p)
						require.Equal(w, errDown, p.Value)
						require.ErrorIs(w, a.err, errDown)
						require.Contains(w, string(p.Stack), "TestCorpus07PanicAndGoexit")
					default:
						require.ErrorAs(w, a.err, &p)
					}
				}
				pass(time.Millisecond)
				for node := range w.nodes { // the lock is free
					if node > 0 {
						c, err = cache.New(load, cache.Options{Store: w.nodes[node], Name: "rows"})
						require.NoError(w, err)
					}
					a := <-async(one)
					require.NoError(w, a.err)
					require.LessOrEqual(w, a.after, 200*time.Millisecond)
				}
			})
		})
	}
}
