package cache_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A link that is silent, and cannot be set up anew, while Redis answers: memory is not trusted for longer than
// MaxStaleness, and Redis is read instead.
func TestF3SilentLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		early, late := redistest.Network(t, w.mini), redistest.Network(t, w.mini)
		var route atomic.Pointer[redistest.Net] // of new connections; nil: none can be made
		route.Store(early)
		client := early.Client(t, func(o *redis.Options) {
			o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if n := route.Load(); n != nil {
					return n.Dial(ctx, network, addr)
				}
				return nil, errors.New("no more connections")
			}
		})
		deaf, err := tiered.Open(tiered.Options{Redis: client, MemoryBytes: 1 << 20})
		require.NoError(t, err)
		defer deaf.Close()

		src := newSource("k", "old", "l", "v")
		o := cache.Options{TTL: ttl.Fixed(time.Hour)}
		writer, reader := w.open(0, src, o), openOn(t, deaf, src, o)
		get(t, reader, "k", "old")
		pass(time.Millisecond)

		route.Store(late)
		early.Freeze()          // and with it the link
		for late.Dials() == 0 { // a command or two fail; the next makes a connection
			_ = reader.Invalidate(bg, "l")
		}
		route.Store(nil)
		src.set("k", "new")
		require.NoError(t, writer.Invalidate(bg, "k"))
		pass(tiered.DefaultMaxStaleness)
		for range 20 {
			get(t, reader, "k", "new")
			pass(500 * time.Millisecond)
		}
		// Redis serves most of the twenty: a command that meets a frozen connection in the pool fails, and a few of those, of
		// the link or of readers, open the breaker for a moment.
		require.LessOrEqual(t, src.loads("k"), 10)
		route.Store(late)
		early.Thaw()
		pass(5 * time.Second)
		get(t, reader, "k", "new")
		require.True(t, deaf.Stats().LinkUp)
	})
}

// What Redis was not told of is not read from it by the node that knows better, though Redis answers reads: until it is
// told.
func TestF1TaintedKeyIsNotReadFromRedis(t *testing.T) {
	for killer, kill := range killers {
		t.Run(killer, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				scripts := &brokenScripts{}
				w := newWorld(t, 2)
				client := w.nets[0].Client(t)
				client.AddHook(scripts)
				store, err := tiered.Open(tiered.Options{
					Redis: client, MemoryBytes: 1 << 20, Breaker: breaker.Options{Consecutive: 1000, MinRequests: 1000},
				})
				require.NoError(t, err)
				defer store.Close()
				src := newSource("k", "old")
				o := cache.Options{TTL: ttl.Fixed(time.Hour)}
				c, other := openOn(t, store, src, o), w.open(1, src, o)
				get(t, c, "k", "old")
				get(t, other, "k", "old")

				scripts.broken.Store(true)
				require.ErrorIs(t, kill(c, src), tiered.ErrDeferred)
				for range 20 {
					get(t, c, "k", "new")
					vs, err := c.GetMany(bg, []string{"k", "l"})
					require.NoError(t, err)
					require.Equal(t, "new", vs["k"])
					if v, ok := c.Peek(bg, "k"); ok {
						require.Equal(t, "new", v)
					}
					pass(100 * time.Millisecond)
				}
				get(t, other, "k", "old") // nobody could tell it
				scripts.broken.Store(false)
				pass(3 * time.Second)
				get(t, c, "k", "new")
				get(t, other, "k", "new")
				require.Zero(t, store.Stats().Journal)
			})
		})
	}
}

// brokenScripts is a network that loses scripts, and nothing else.
type brokenScripts struct{ broken atomic.Bool }

func (b *brokenScripts) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b *brokenScripts) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if name := cmd.Name(); b.broken.Load() && (name == "evalsha" || name == "eval") {
			cmd.SetErr(errDown)
			return errDown
		}
		return next(ctx, cmd)
	}
}

func (b *brokenScripts) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if name := cmd.Name(); b.broken.Load() && (name == "evalsha" || name == "eval") {
				for _, cmd := range cmds {
					cmd.SetErr(errDown)
				}
				return errDown
			}
		}
		return next(ctx, cmds)
	}
}
