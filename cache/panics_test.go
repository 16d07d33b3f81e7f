package cache_test

import (
	"context"
	"net"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// fuse is what is to happen in somebody else's function, if anything.
type fuse struct{ act atomic.Pointer[func()] }

func (f *fuse) set(act func()) { f.act.Store(&act) }
func (f *fuse) clear()         { f.act.Store(nil) }

func (f *fuse) burn() {
	if act := f.act.Load(); act != nil {
		(*act)()
	}
}

// faultyHook does something else than commands, once it is told to.
type faultyHook struct{ fuse }

func (h *faultyHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *faultyHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "get" || cmd.Name() == "mget" {
			h.burn()
		}
		return next(ctx, cmd)
	}
}

func (h *faultyHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// faultyCodec panics when it is told to.
type faultyCodec struct{ fuse }

func (c *faultyCodec) Name() string { return "faulty" }

func (c *faultyCodec) Append(dst []byte, v any) ([]byte, error) {
	return strconv.AppendInt(dst, int64(*v.(*int)), 10), nil
}

func (c *faultyCodec) Decode(data []byte, v any) (err error) {
	c.burn()
	*v.(*int), err = strconv.Atoi(string(data))
	return err
}

// lengths makes a cache of what a codec is needed for.
func lengths(w *world, o cache.Options) *cache.Cached[string, int] {
	w.Helper()
	o.Store, o.Name = w.nodes[0], "lengths"
	c, err := cache.New(func(_ context.Context, key string) (int, error) { return len(key), nil }, o)
	require.NoError(w, err)
	return c
}

// A panic in the client or in a codec is a miss, and the operation that an observer has seen begin ends.
func TestPanicsDoNotCrossGet(t *testing.T) {
	explode := func() { panic("not in the loader") }
	for _, own := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			hook := &faultyHook{}
			w := newWorld(t, 1, func(o *tiered.Options) {
				o.Engine = tiered.NoMemory
				if own { // callers make their own round trips
					prompt.AddHook(o.Redis, hook)
				} else {
					o.Redis.AddHook(hook)
				}
			})
			d, codec := new(diary), &faultyCodec{}
			c := lengths(w, cache.Options{Observer: d, Codec: codec})
			balance := 0
			for _, f := range []*fuse{&hook.fuse, &codec.fuse} {
				hook.clear()
				codec.clear()
				for range 2 {
					n, err := c.Get(bg, "a")
					require.NoError(w, err)
					require.Equal(w, 1, n)
					pass(time.Millisecond) // until Redis has it
					f.set(explode)
				}
				vs, err := c.GetMany(bg, []string{"a", "bb"})
				require.NoError(w, err)
				require.Equal(w, map[string]int{"a": 1, "bb": 2}, vs)
				balance += 4
			}
			codec.clear()
			balanced(w, c.Stats(), balance)
			lines := d.take()
			require.Equal(w, count(lines, "begins"), count(lines, "ends"))
			require.Equal(w, 6, count(lines, "read of 1 begins")+count(lines, "read of 2 begins"))
		})
	}
}

// A codec that ends its caller's goroutine ends nothing else.
func TestGoexitInACodec(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1, func(o *tiered.Options) { o.Engine = tiered.NoMemory })
		d, codec := new(diary), &faultyCodec{}
		c := lengths(w, cache.Options{Observer: d, Codec: codec})
		_, err := c.Get(bg, "a")
		require.NoError(w, err)
		pass(time.Millisecond) // until Redis has it
		codec.set(runtime.Goexit)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = c.Get(bg, "a")
			t.Error("Get returned")
		}()
		<-ended
		codec.clear()
		_, err = c.Get(bg, "a")
		require.NoError(w, err)
		lines := d.take()
		require.Equal(w, count(lines, "begins"), count(lines, "ends"))
		require.NoError(w, c.Close(), "it waits for nothing")
		_, err = c.Get(bg, "a")
		require.ErrorIs(w, err, cache.ErrClosed)
	})
}
