package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/stretchr/testify/require"
)

func TestGetMany(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("a", "A", "b", "B", "c", "C")
		cs := w.openAll(src, cache.Options{})
		get(w, cs[0], "a", "A") // in memory here
		get(w, cs[w.last()], "b", "B")
		pass(time.Millisecond)
		vs, err := cs[0].GetMany(bg, []string{"a", "b", "a", "c", "absent", "c", "absent"})
		require.NoError(w, err)
		require.Equal(w, map[string]string{"a": "A", "b": "B", "c": "C"}, vs)
		for _, k := range []string{"a", "b", "c", "absent"} {
			require.Equal(w, 1, src.loads(k), k)
		}
		requests := 5
		if w.last() == 0 {
			requests = 6
		}
		balanced(w, cs[0].Stats(), requests)

		for _, none := range [][]string{nil, {}} {
			vs, err = cs[0].GetMany(bg, none)
			require.NoError(w, err)
			require.Empty(w, vs)
		}
	})
}

// One read of Redis, one call of a batch loader, for any number of keys.
func TestGetManyInOneCall(t *testing.T) {
	inWorlds(t, func(w *world) {
		var calls [][]int
		load := func(_ context.Context, ks []int) (map[int]int, error) {
			calls = append(calls, ks)
			out := map[int]int{}
			for _, k := range ks {
				out[k] = k * k
			}
			return out, nil
		}
		c, err := cache.NewBatch(load, cache.Options{Store: w.nodes[0], Name: "squares"})
		require.NoError(w, err)
		var ks []int
		want := map[int]int{}
		for i := range 300 {
			ks, want[i] = append(ks, i), i*i
		}
		_, err = c.GetMany(bg, ks[:100])
		require.NoError(w, err)
		pass(time.Millisecond)
		require.NoError(w, c.Invalidate(bg, 7))
		vs, err := c.GetMany(bg, append(ks, ks...))
		require.NoError(w, err)
		require.Equal(w, want, vs)
		require.Len(w, calls, 2)
		require.Len(w, calls[1], 201, "7, and those from 100 on")
	})
}

func TestGetManyPartialFailure(t *testing.T) {
	inWorlds(t, func(w *world) {
		fails := errors.New("of b alone")
		load := func(_ context.Context, k string) (string, error) {
			switch k {
			case "b":
				return "", fails
			case "panics":
				panic("in a load")
			}
			return k + k, nil
		}
		c, err := cache.New(load, cache.Options{Store: w.nodes[0], Name: "rows"})
		require.NoError(w, err)
		vs, err := c.GetMany(bg, []string{"a", "b", "c", "panics"})
		require.Equal(w, map[string]string{"a": "aa", "c": "cc"}, vs)
		var failed *cache.BatchError[string]
		require.ErrorAs(w, err, &failed)
		require.Len(w, failed.Failed, 2)
		require.ErrorIs(w, failed.Failed["b"], fails)
		require.ErrorIs(w, err, fails)
		var p *cache.PanicError
		require.ErrorAs(w, err, &p)
		require.Equal(w, "in a load", p.Value)
		require.ErrorContains(w, err, "cache: 2 keys failed")
		balanced(w, c.Stats(), 4)
		require.EqualValues(w, 2, c.Stats().Errors)
	})
}

func TestBatchErrorSumsUp(t *testing.T) {
	failed := map[int]error{}
	for i := range 100 {
		failed[i] = fmt.Errorf("cause %d", i%5)
	}
	err := &cache.BatchError[int]{Failed: failed}
	require.Equal(t, "cache: 100 keys failed; 20 of them: cause 0; 20 of them: cause 1; 20 of them: cause 2; …", err.Error())
	require.Len(t, err.Unwrap(), 100)
}

// Overlapping calls in opposite order share their flights and do not wait for each other for ever.
func TestGetManyOverlapping(t *testing.T) {
	inSomeWorlds(t, []int{0, 1, 3}, func(w *world) {
		src := newSource()
		var ks, back []string
		for i := range 40 {
			k := strconv.Itoa(i)
			ks, back = append(ks, k), append([]string{k}, back...)
			src.set(k, k)
		}
		src.slow(time.Second)
		cs := w.openAll(src, cache.Options{})
		var all []<-chan answer
		for i := range 12 {
			c, part := cs[i%len(cs)], ks[i:i+20]
			if i%2 > 0 {
				part = back[i : i+20]
			}
			all = append(all, async(func() (string, error) {
				vs, err := c.GetMany(bg, part)
				if len(vs) != 20 {
					return "", errors.Join(err, fmt.Errorf("%d values", len(vs)))
				}
				return "", err
			}))
		}
		for _, ch := range all {
			a := <-ch
			require.NoError(w, a.err)
			require.LessOrEqual(w, a.after, 1200*time.Millisecond)
		}
		for _, k := range ks[11:20] {
			require.Equal(w, 1, src.loads(k), k)
		}
		for _, c := range cs {
			balanced(w, c.Stats(), 12*20/len(cs))
		}
	})
}

func TestGetManyObeysItsContext(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("a", "A", "b", "B", "c", "C")
		c := w.open(0, src, cache.Options{})
		get(w, c, "a", "A")
		src.slow(time.Second)
		other := async(func() (string, error) { return c.Get(bg, "b") })
		pass(time.Millisecond)
		ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
		defer cancel()
		var vs map[string]string
		a := <-async(func() (_ string, err error) { vs, err = c.GetMany(ctx, []string{"a", "b", "c"}); return })
		require.Equal(w, 50*time.Millisecond, a.after)
		require.ErrorIs(w, a.err, context.DeadlineExceeded)
		require.Equal(w, map[string]string{"a": "A"}, vs)
		require.Equal(w, "B", (<-other).value)
		balanced(w, c.Stats(), 5)
	})
}

// Keys that are not equal but encode alike are one entry: they are read, and invalidated, together.
type alike struct{ id, note int }

func (a alike) MarshalText() ([]byte, error) {
	if a.id == 13 {
		panic("this key cannot be written")
	}
	return strconv.AppendInt(nil, int64(a.id), 10), nil
}

func TestKeysThatEncodeAlike(t *testing.T) {
	inWorlds(t, func(w *world) {
		var loads atomic.Int64
		c, err := cache.New(func(context.Context, alike) (int, error) { return int(loads.Add(1)), nil },
			cache.Options{Store: w.nodes[0], Name: "alike"})
		require.NoError(w, err)
		a := <-async(func() (string, error) {
			vs, err := c.GetMany(bg, []alike{{1, 1}, {1, 2}, {2, 1}})
			require.Len(w, vs, 3)
			return "", err
		})
		require.NoError(w, a.err)
		pass(time.Millisecond)
		before := int(loads.Load())
		require.NoError(w, c.Invalidate(bg, alike{1, 3}))
		for _, k := range []alike{{1, 1}, {1, 2}} {
			_, ok := c.Peek(bg, k)
			require.False(w, ok)
			v, err := c.Get(bg, k)
			require.NoError(w, err)
			require.Greater(w, v, before)
			pass(time.Millisecond)
			require.NoError(w, c.Invalidate(bg, alike{1, 3}))
		}
	})
}

// A panic while a key is encoded is its caller's own, and harms nobody who asks for the others.
func TestGetManyWithAKeyThatPanics(t *testing.T) {
	inWorlds(t, func(w *world) {
		c, err := cache.New(func(context.Context, alike) (int, error) { return 1, nil },
			cache.Options{Store: w.nodes[0], Name: "alike"})
		require.NoError(w, err)
		require.Panics(w, func() { _, _ = c.GetMany(bg, []alike{{id: 1}, {id: 13}}) })
		ctx, cancel := context.WithTimeout(bg, time.Minute)
		defer cancel()
		v, err := c.Get(ctx, alike{id: 1})
		require.NoError(w, err, "the flight that the panic left behind never ends")
		require.Equal(w, 1, v)
	})
}

// meddler does something in the midst of some reads.
type meddler func(key string)

func (meddler) Begin(ctx context.Context, _ cache.Operation) (context.Context, func(cache.Outcome)) {
	return ctx, func(cache.Outcome) {}
}

func (m meddler) SampleKey(_, key string) { m(key) }

// A key that is asked for twice has one answer, and is counted once, although memory gets its value in between.
func TestGetManyOfAKeyThatComesInBetween(t *testing.T) {
	var c *cache.Cached[int, string]
	between := 0
	c = cache.Must(cache.New(func(_ context.Context, n int) (string, error) {
		return "", errors.Join(errDown, c.Invalidate(bg, n)) // no older value may be served
	}, cache.Options{
		Observer: meddler(func(key string) {
			n, err := strconv.Atoi(key[strings.LastIndex(key, ":")+1:])
			require.NoError(t, err)
			require.NoError(t, c.Set(bg, n, "v"))
			between++
		}),
	}))
	defer c.Close()
	for n := range 10 * cache.SampleEvery {
		got, err := c.GetMany(bg, []int{n, n})
		if err != nil {
			require.ErrorIs(t, err, errDown)
			require.Empty(t, got)
		}
		balanced(t, c.Stats(), n+1)
	}
	require.Positive(t, between)
}
