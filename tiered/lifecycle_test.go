package tiered_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

func TestCloseIsIdempotentAndConcurrent(t *testing.T) {
	_, rdb := redistest.Mini(t) // not in a bubble, whose time stands still while callers wait for a lock
	s, err := tiered.Open(tiered.Options{Redis: rdb})
	require.NoError(t, err)
	s.Look(&tiered.Fetch{Key: "users:1", Codec: texts, Stamp: s.Stamp("users:1")})
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.NoError(t, s.Close())
	require.NoError(t, rdb.Ping(t.Context()).Err(), "the client is its owner's")
}

// The link listens for as long as it may be silent; Close must not.
func TestCloseDoesNotWaitForTheLink(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node(func(o *tiered.Options) { o.MaxStaleness = time.Hour })
		w.elapse(time.Minute)
		require.LessOrEqual(w, took(func() { require.NoError(w, n.Close()) }), time.Second)
	})
}

func TestAClosedStoreHarmsNobody(t *testing.T) {
	inBubble(t, func(w *world) {
		a, b := both(w)
		require.NoError(w, a.Close())
		for range 2 {
			for _, call := range calls(a) {
				call()
			}
			_, ok := a.peek("users:1")
			require.False(w, ok)
			a.get("users:1")
			a.Stats()
			w.mini.SetError("LOADING")
		}
		w.elapse(time.Hour)
		_, ok := a.peek("users:1")
		require.False(w, ok, "a closed store hears nothing, so it must not believe memory")
		_ = b
	})
}

func TestCloseWhileRedisIsAway(t *testing.T) {
	for kind, change := range clients {
		for how, fault := range faults {
			t.Run(kind+"/"+how, func(t *testing.T) {
				inBubble(t, func(w *world) {
					net := redistest.Network(w, w.mini)
					n := w.nodeOver(net, net.Client(w, change))
					w.elapse(time.Second)
					fault.begin(w, n)
					require.Error(w, n.Invalidate(w.Context(), "users:1"))
					n.exhaust()
					w.elapse(3300 * time.Millisecond)
					require.LessOrEqual(w, took(func() { require.NoError(w, n.Close()) }), 10*time.Second)
					fault.end(w, n)
				})
			})
		}
	}
}

func TestCloseInTheMidstOfEverything(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		other := w.node()
		var wg sync.WaitGroup
		ctx, stop := context.WithCancel(context.Background())
		for _, call := range calls(n) {
			wg.Go(func() {
				for ctx.Err() == nil {
					call()
					time.Sleep(time.Millisecond)
				}
			})
		}
		wg.Go(func() {
			for ctx.Err() == nil {
				_ = other.InvalidatePrefix(ctx, "users")
				time.Sleep(3 * time.Millisecond)
			}
		})
		w.elapse(100 * time.Millisecond)
		require.NoError(w, n.Close())
		w.elapse(100 * time.Millisecond)
		stop()
		wg.Wait()
	})
}

func TestOpenWithRedisAway(t *testing.T) {
	for kind, change := range clients {
		for how, fault := range faults {
			t.Run(kind+"/"+how, func(t *testing.T) {
				inBubble(t, func(w *world) {
					net := redistest.Network(w, w.mini)
					fault.begin(w, &node{net: net})
					var n *node
					require.LessOrEqual(w, took(func() { n = w.nodeOver(net, net.Client(w, change)) }), time.Second)
					w.origin["users:1"] = "v"
					for range 20 {
						require.LessOrEqual(w, took(func() { n.get("users:1") }), tiered.DefaultBudget)
					}
					n.reads("users:1", "v", fromMemory, "fallback mode from the beginning")
					require.ErrorIs(w, n.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
					fault.end(w, n)
					w.elapse(15 * time.Second)
					require.True(w, n.Stats().LinkUp)
					require.Zero(w, n.Stats().Journal)
					n.reads("users:1", "v", fromOrigin)
					n.reads("users:1", "v", fromMemory)
					require.Equal(w, "V", w.stored("users:1"))
				})
			})
		}
	}
}

// A server that accepts connections and is not Redis, or refuses everything, is no reason to hang.
func TestOpenOverAClosedClient(t *testing.T) {
	inBubble(t, func(w *world) {
		rdb := redistest.Client(w, w.mini)
		require.NoError(w, rdb.Close())
		var n *node
		require.LessOrEqual(w, took(func() { n = w.nodeOver(nil, rdb) }), time.Second)
		w.origin["users:1"] = "v"
		n.reads("users:1", "v", fromOrigin)
		require.ErrorIs(w, n.Invalidate(w.Context(), "users:1"), redis.ErrClosed)
		w.elapse(time.Minute)
	})
}

// The link's connection breaks, and the client, which is patient, reconnects it to a server that is frozen.
func TestAPatientClientDoesNotHoldTheLink(t *testing.T) {
	inBubble(t, func(w *world) {
		net := redistest.Network(w, w.mini)
		n := w.nodeOver(net, net.Client(w, func(o *redis.Options) {
			o.ReadTimeout, o.ContextTimeoutEnabled = time.Hour, false
		}))
		w.elapse(time.Second)
		net.Freeze()
		net.Cut()
		require.ErrorIs(w, n.Invalidate(w.Context(), "users:1"), tiered.ErrDeferred)
		n.exhaust()
		w.elapse(tiered.DefaultMaxStaleness)
		require.False(w, n.Stats().LinkUp)
		require.True(w, n.Stats().Fallback)
		require.LessOrEqual(w, took(func() { require.NoError(w, n.Close()) }), time.Second)
		net.Thaw()
		w.elapse(time.Second)
	})
}
