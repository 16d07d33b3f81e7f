package cache_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

// astray is a hook that sends messages to nobody while it is on: they are executed, acknowledged, and lost.
type astray struct{ on atomic.Bool }

func (h *astray) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *astray) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { h.lose(cmd); return next(ctx, cmd) }
}

func (h *astray) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { h.lose(cmds...); return next(ctx, cmds) }
}

func (h *astray) lose(cmds ...redis.Cmder) {
	for _, cmd := range cmds {
		for i, arg := range cmd.Args() {
			if arg == "freshet:link" && h.on.Load() && strings.HasPrefix(cmd.Name(), "eval") {
				cmd.Args()[i] = "nobody"
			}
		}
	}
}

// carried takes a token to another process.
func carried(t testing.TB, token tiered.Token) context.Context {
	t.Helper()
	text, err := token.MarshalText()
	require.NoError(t, err)
	var arrived tiered.Token
	require.NoError(t, arrived.UnmarshalText(text))
	return cache.WithToken(bg, arrived)
}

// A read with a token returns nothing older than what the token covers, though the message about it is lost.
func TestATokenReadsOnesOwnWritesOnAnotherNode(t *testing.T) {
	for name, write := range map[string]func(w *world, c *rows, src *source){
		"Invalidate": func(w *world, c *rows, src *source) {
			src.set("k", "new")
			require.NoError(w, c.Invalidate(bg, "k"))
		},
		"InvalidatePrefix": func(w *world, c *rows, src *source) {
			src.set("k", "new")
			require.NoError(w, c.InvalidatePrefix(bg))
		},
		"Set": func(w *world, c *rows, src *source) {
			src.set("k", "new")
			require.NoError(w, c.Set(bg, "k", "new"))
		},
		"Mutate": func(w *world, c *rows, src *source) {
			require.NoError(w, c.Mutate(bg, "k", func(context.Context) error { src.set("k", "new"); return nil }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var lost astray
				first := true
				w := newWorld(t, 2, func(o *tiered.Options) {
					if first {
						o.Redis.(*redis.Client).AddHook(&lost)
					}
					first = false
				})
				src := newSource("k", "old")
				cs := w.openAll(src, cache.Options{})
				get(w, cs[0], "k", "old")
				get(w, cs[1], "k", "old")
				before := carried(w, w.nodes[0].Token())

				lost.on.Store(true)
				write(w, cs[0], src)
				after := carried(w, w.nodes[0].Token())
				get(w, cs[1], "k", "old") // the message is lost, and this read has no token

				v, err := cs[1].Get(before, "k")
				require.NoError(w, err)
				require.Equal(w, "old", v, "that token covers nothing")
				v, ok := cs[1].Peek(after, "k")
				require.True(w, v == "new" || !ok, v)
				many, err := cs[1].GetMany(after, []string{"k"})
				require.NoError(w, err)
				require.Equal(w, map[string]string{"k": "new"}, many)
				get(w, cs[1], "k", "new")

				lost.on.Store(false)
				pass(2 * time.Second)
				get(w, cs[1], "k", "new")
				hits := cs[1].Stats().MemoryHits
				v, err = cs[1].Get(after, "k")
				require.NoError(w, err)
				require.Equal(w, "new", v)
				require.Equal(w, hits+1, cs[1].Stats().MemoryHits, "the loss was noticed: memory has what the token covers")
				balanced(w, cs[1].Stats(), -1)
			})
		})
	}
}

// What Redis was not told of is loaded.
func TestATokenOfADeferredInvalidation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		get(w, cs[0], "k", "old")
		get(w, cs[1], "k", "old")
		w.nets[0].Down()
		src.set("k", "new")
		require.ErrorIs(w, cs[0].Invalidate(bg, "k"), tiered.ErrDeferred)
		token := carried(w, w.nodes[0].Token())
		get(w, cs[1], "k", "old")
		_, ok := cs[1].Peek(token, "k")
		require.False(w, ok)
		v, err := cs[1].Get(token, "k")
		require.NoError(w, err)
		require.Equal(w, "new", v)

		src.set("k", "newer")
		src.fail(errDown)
		_, err = cs[1].Get(token, "k")
		require.ErrorIs(w, err, errDown, "no older value stands in for it")
		src.fail(nil)
		w.nets[0].Up()
		pass(5 * time.Second)
		src.set("k", "newest")
		require.NoError(w, cs[0].Invalidate(bg, "k"))
		loads := src.loads("k")
		v, err = cs[1].Get(carried(w, w.nodes[0].Token()), "k")
		require.NoError(w, err)
		require.Equal(w, "newest", v)
		v, err = cs[1].Get(carried(w, w.nodes[0].Token()), "k")
		require.NoError(w, err)
		require.Equal(w, "newest", v)
		require.Equal(w, loads+1, src.loads("k"))
	})
}

// A read with a token joins no flight that began before.
func TestATokenJoinsNoOlderFlight(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var lost astray
		w := newWorld(t, 2, func(o *tiered.Options) { o.Redis.(*redis.Client).AddHook(&lost) })
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		src.slow(100 * time.Millisecond)
		slow := async(func() (string, error) { return cs[1].Get(bg, "k") })
		pass(50 * time.Millisecond)
		lost.on.Store(true)
		src.set("k", "new")
		require.NoError(w, cs[0].Invalidate(bg, "k"))
		v, err := cs[1].Get(carried(w, w.nodes[0].Token()), "k")
		require.NoError(w, err)
		require.Equal(w, "new", v)
		require.Equal(w, "old", (<-slow).value, "it began before the write")
	})
}

func TestTokensOfSeveralNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var lost astray
		w := newWorld(t, 3, func(o *tiered.Options) { o.Redis.(*redis.Client).AddHook(&lost) })
		src := newSource("j", "old", "k", "old")
		cs := w.openAll(src, cache.Options{})
		for _, key := range []string{"j", "k"} {
			get(w, cs[2], key, "old")
			src.set(key, "new")
		}
		lost.on.Store(true)
		require.NoError(w, cs[0].Invalidate(bg, "j"))
		require.NoError(w, cs[1].Invalidate(bg, "k"))
		ctx := cache.WithToken(cache.WithToken(bg, w.nodes[0].Token()), w.nodes[1].Token())
		ctx = cache.WithToken(ctx, tiered.Token{})
		many, err := cs[2].GetMany(ctx, []string{"j", "k"})
		require.NoError(w, err)
		require.Equal(w, map[string]string{"j": "new", "k": "new"}, many)
	})
}

// A node without Redis, and a token of another: it loads.
func TestATokenWithoutRedis(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		alone, err := tiered.Open(tiered.Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, alone.Close()) }()
		src := newSource("k", "old")
		c := openOn(t, alone, src, cache.Options{})
		get(t, c, "k", "old")
		src.set("k", "new")
		v, err := c.Get(carried(t, alone.Token()), "k")
		require.NoError(t, err)
		require.Equal(t, "old", v, "its own token: nothing was invalidated")
		v, err = c.Get(carried(t, w.nodes[0].Token()), "k")
		require.NoError(t, err)
		require.Equal(t, "new", v)
	})
}

// And the other way round: what a node without Redis has invalidated, nobody was told.
func TestATokenOfANodeWithoutRedis(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		alone, err := tiered.Open(tiered.Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, alone.Close()) }()
		src := newSource("k", "old")
		c, other := openOn(t, alone, src, cache.Options{}), w.open(0, src, cache.Options{})
		get(t, other, "k", "old")
		src.set("k", "new")
		require.NoError(t, c.Invalidate(bg, "k"))
		v, err := other.Get(carried(t, alone.Token()), "k")
		require.NoError(t, err)
		require.Equal(t, "new", v)
		loads := src.loads("k")
		get(t, c, "k", "new")
		v, err = c.Get(carried(t, alone.Token()), "k")
		require.NoError(t, err)
		require.Equal(t, "new", v)
		require.Equal(t, loads+1, src.loads("k"), "its own token: memory has it")
	})
}

// A token that this node cannot check asks Redis; while Redis is away nobody waits for that.
func TestF7ATokenDoesNotWaitForARedisThatIsAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{})
		w.nets[1].Freeze()
		defer w.nets[1].Thaw()
		src.set("k", "new")
		require.NoError(w, cs[0].InvalidatePrefix(bg))
		ctx := carried(w, w.nodes[0].Token())
		for range 10 { // until the breaker is open
			_, err := cs[1].Get(ctx, "k")
			require.NoError(w, err)
		}
		for range 100 {
			began := time.Now()
			v, err := cs[1].Get(ctx, "k")
			require.NoError(w, err)
			require.Equal(w, "new", v)
			require.Zero(w, time.Since(began))
			pass(73 * time.Millisecond)
		}
	})
}
