package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

type spanKey struct{}

// diary is an observer that writes everything down.
type diary struct {
	mu    sync.Mutex
	lines []string
	keys  []string
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// take returns what was written since it was last called.
func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() { d.lines = nil }()
	return d.lines
}

func (d *diary) Begin(ctx context.Context, op cache.Operation) (context.Context, func(cache.Outcome)) {
	name := fmt.Sprintf("%s of %d", op.Op, op.Keys)
	if op.Background {
		name = "background " + name
	}
	if parent, ok := ctx.Value(spanKey{}).(string); ok {
		name += " in " + parent
	}
	d.write("%s begins", name)
	return context.WithValue(ctx, spanKey{}, string(op.Op)), func(out cache.Outcome) {
		line := name + " ends"
		if out.Answers != (cache.Answers{}) {
			line += fmt.Sprintf(" %+v", out.Answers)
		}
		for _, load := range out.Shared {
			line += " shares a " + load.Value(spanKey{}).(string)
		}
		if out.Err != nil {
			line += ": " + out.Err.Error()
		}
		d.write("%s", line)
	}
}

func (d *diary) SampleKey(name, key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keys = append(d.keys, name+" "+key)
}

func TestAnObserverHearsOfWhatGoesBeyondMemory(t *testing.T) {
	inSomeWorlds(t, []int{0, 1}, func(w *world) {
		src, d := newSource("a", "1", "b", "2"), new(diary)
		c := w.open(0, src, cache.Options{Observer: d})

		get(w, c, "a", "1")
		require.Equal(w, []string{
			"read of 1 begins", "load of 1 in read begins", "load of 1 in read ends",
			"read of 1 ends {RedisHits:0 Loads:1 Joined:0 Negative:0 Stale:0 Errors:0}",
		}, d.take())

		get(w, c, "a", "1")
		require.Empty(w, d.take(), "memory")

		missing(w, c, "c")
		require.Equal(w, []string{
			"read of 1 begins", "load of 1 in read begins", "load of 1 in read ends",
			"read of 1 ends {RedisHits:0 Loads:1 Joined:0 Negative:0 Stale:0 Errors:0}",
		}, d.take(), "an absence is no error")

		src.fail(errDown)
		_, err := c.GetMany(bg, []string{"a", "b"})
		require.Error(w, err)
		require.Equal(w, []string{
			"read of 1 begins", "load of 1 in read begins", "load of 1 in read ends: the database is down",
			`read of 1 ends {RedisHits:0 Loads:0 Joined:0 Negative:0 Stale:0 Errors:1}: cache: load "rows": the database is down`,
		}, d.take())
		src.fail(nil)

		_, err = c.Refresh(bg, "b")
		require.NoError(w, err)
		require.Equal(w, []string{
			"refresh of 1 begins", "load of 1 in refresh begins", "load of 1 in refresh ends",
			"refresh of 1 ends {RedisHits:0 Loads:1 Joined:0 Negative:0 Stale:0 Errors:0}",
		}, d.take())
	})
}

func TestAnObserverHearsOfRedisHits(t *testing.T) {
	inSomeWorlds(t, []int{2}, func(w *world) {
		src, d := newSource("a", "1"), new(diary)
		get(w, w.open(0, src, cache.Options{}), "a", "1")
		pass(time.Second)
		get(w, w.open(1, src, cache.Options{Observer: d}), "a", "1")
		require.Equal(w, []string{
			"read of 1 begins", "read of 1 ends {RedisHits:1 Loads:0 Joined:0 Negative:0 Stale:0 Errors:0}",
		}, d.take())
	})
}

func TestAnObserverHearsOfJoinersAndOfRefreshesInTheBackground(t *testing.T) {
	inSomeWorlds(t, []int{0}, func(w *world) {
		src, d := newSource("a", "1"), new(diary)
		c := w.open(0, src, cache.Options{Observer: d, TTL: ttl.Fixed(time.Second).StaleWhileRevalidate(time.Hour)})
		src.slow(time.Second)
		var callers []<-chan answer
		for range 3 {
			callers = append(callers, async(func() (string, error) { return c.Get(bg, "a") }))
		}
		for _, caller := range callers {
			require.NoError(w, (<-caller).err)
		}
		lines := d.take()
		require.Equal(w, 1, count(lines, "{RedisHits:0 Loads:1 Joined:0 Negative:0 Stale:0 Errors:0}"))
		require.Equal(w, 2, count(lines, "{RedisHits:0 Loads:0 Joined:1 Negative:0 Stale:0 Errors:0} shares a load"))
		require.Equal(w, 2, count(lines, "shares"))
		require.Equal(w, 1, count(lines, "load of 1 in read begins"))

		pass(2 * time.Second)
		get(w, c, "a", "1") // stale, from memory
		pass(2 * time.Second)
		require.Equal(w, []string{"background load of 1 begins", "background load of 1 ends"}, d.take())
	})
}

func count(lines []string, part string) (n int) {
	for _, line := range lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func TestAnObserverHearsOfWrites(t *testing.T) {
	inSomeWorlds(t, []int{0, 1}, func(w *world) {
		d := new(diary)
		c := w.open(0, newSource(), cache.Options{Observer: d})
		require.NoError(w, c.SetMany(bg, map[string]string{"a": "1", "b": "2"}))
		require.NoError(w, c.Invalidate(bg, "a", "b"))
		require.NoError(w, c.InvalidatePrefix(bg))
		require.NoError(w, c.Expire(bg, "a"))
		require.ErrorIs(w, c.Mutate(bg, "a", func(ctx context.Context) error {
			require.Equal(w, "mutate", ctx.Value(spanKey{}))
			return errDown
		}), errDown)
		require.Equal(w, []string{
			"set of 2 begins", "set of 2 ends", "invalidate of 2 begins", "invalidate of 2 ends",
			"invalidate_prefix of 0 begins", "invalidate_prefix of 0 ends", "expire of 1 begins", "expire of 1 ends",
			"mutate of 1 begins", `mutate of 1 ends: cache: mutate "rows": the database is down`,
		}, d.take())
	})
}

func TestAnObserverHearsOfADeferredInvalidation(t *testing.T) {
	inSomeWorlds(t, []int{1}, func(w *world) {
		d := new(diary)
		c := w.open(0, newSource(), cache.Options{Observer: d})
		w.nets[0].Down()
		require.ErrorIs(w, c.Invalidate(bg, "a"), tiered.ErrDeferred)
		require.Equal(w, 1, count(d.take(), "invalidate of 1 ends: "+tiered.ErrDeferred.Error()))
	})
}

func TestAnObserverHearsOfLoadsThatAreLateOrPanic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		src, d := newSource("a", "1"), new(diary)
		w := newWorld(t, 0)
		c := w.open(0, src, cache.Options{Observer: d, LoadTimeout: time.Second})
		src.change(func(s *source) { s.takes, s.deaf = 10*time.Second, true })
		_, err := c.Get(bg, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		lines := d.take()
		require.Equal(t, []string{"read of 1 begins", "load of 1 in read begins"}, lines[:2])
		require.Len(t, lines, 3)
		pass(time.Minute)
		require.Equal(t, []string{"load of 1 in read ends"}, d.take())

		p, err := cache.New(func(context.Context, int) (int, error) { panic("no") }, cache.Options{Observer: d})
		require.NoError(t, err)
		defer p.Close()
		_, err = p.Get(bg, 1)
		require.Error(t, err)
		require.Equal(t, 1, count(d.take(), "load of 1 in read ends: cache: the load panicked: no"))
	})
}

func TestAKeySamplerHearsOfSomeKeys(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := new(diary)
		c := newWorld(t, 0).open(0, newSource("a:b", "1"), cache.Options{Observer: cache.Observers(nil, d)})
		const n = 200 * cache.SampleEvery
		for range n {
			get(t, c, "a:b", "1")
		}
		require.Equal(t, []string{"rows rows:a%3Ab"}, slices.Compact(d.keys))
		require.InDelta(t, n/cache.SampleEvery, len(d.keys), 100)
	})
}

type tag string

// Begin of a tag leaves a trail in the context.
func (o tag) Begin(ctx context.Context, _ cache.Operation) (context.Context, func(cache.Outcome)) {
	trail, _ := ctx.Value(spanKey{}).(*[]string)
	*trail = append(*trail, "begin "+string(o))
	if o == "deaf" {
		return ctx, nil
	}
	return ctx, func(cache.Outcome) { *trail = append(*trail, "end "+string(o)) }
}

func TestObservers(t *testing.T) {
	require.Nil(t, cache.Observers())
	require.Nil(t, cache.Observers(nil, nil))
	_, samples := cache.Observers(tag("a")).(cache.KeySampler)
	require.False(t, samples, "nobody asks for keys")

	var trail []string
	ctx := context.WithValue(bg, spanKey{}, &trail)
	_, end := cache.Observers(tag("a"), nil, tag("deaf"), tag("b")).Begin(ctx, cache.Operation{})
	end(cache.Outcome{Err: errors.New("x")})
	require.Equal(t, []string{"begin a", "begin deaf", "begin b", "end b", "end a"}, trail)
}

func TestStatsOf(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 0)
		a := w.open(0, newSource("a", "1"), cache.Options{Name: "a"})
		b := w.open(0, newSource(), cache.Options{Name: "b"})
		get(t, a, "a", "1")
		all := cache.StatsOf(w.nodes[0])
		require.Equal(t, map[string]cache.Stats{"a": a.Stats(), "b": b.Stats()}, all)
		require.EqualValues(t, 1, all["a"].Loads)
		require.NoError(t, b.Close())
		require.Len(t, cache.StatsOf(w.nodes[0]), 1)
	})
}
