package tiered_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

func TestRoundTripsOfOneRead(t *testing.T) {
	inBubble(t, func(w *world) {
		w.origin["users:1"] = "v"
		n, tap := w.tapped()
		n.reads("users:1", "v", fromOrigin)
		require.Equal(w, []string{"get", "evalsha", "eval", "evalsha", "eval"}, tap.taken(), "read, lease, fill: scripts are not there yet")
		n.reads("users:1", "v", fromMemory)
		require.Empty(w, tap.taken())
		cold := w.nodeOver(n.net, n.rdb)
		tap.taken()
		cold.reads("users:1", "v", fromRedis)
		require.Equal(w, []string{"get"}, tap.taken())
		require.NoError(w, n.Invalidate(w.Context(), "users:1"))
		tap.taken()
		require.NoError(w, n.Invalidate(w.Context(), "users:1"))
		require.Equal(w, []string{"evalsha"}, tap.taken())
		n.reads("users:1", "v", fromOrigin)
		require.Equal(w, []string{"get", "evalsha", "evalsha"}, tap.taken())
	})
}

func TestRoundTripsOfManyReads(t *testing.T) {
	inBubble(t, func(w *world) {
		n, tap := w.tapped()
		fetches := make([]*tiered.Fetch, 100)
		for i := range fetches {
			fetches[i] = n.fetch(fmt.Sprint("users:", i))
		}
		n.Look(fetches...)
		require.Equal(w, []string{"mget"}, tap.taken())
		n.Acquire(fetches...)
		for _, f := range fetches {
			require.Equal(w, tiered.Granted, f.Outcome)
		}
	})
}

func TestConcurrentReadsShareRoundTrips(t *testing.T) {
	inBubble(t, func(w *world) {
		n, tap := w.tapped(slowly(time.Millisecond))
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				f := n.fetch(fmt.Sprint("users:", i))
				n.Look(f)
				if f.Outcome != tiered.Absent {
					t.Errorf("%v", f.Outcome)
				}
			})
		}
		wg.Wait()
		require.Equal(w, []string{"get", "get", "mget"}, tap.taken())
	})
}

func TestConcurrentInvalidationsShareRoundTrips(t *testing.T) {
	inBubble(t, func(w *world) {
		n, tap := w.tapped(slowly(10 * time.Microsecond))
		require.NoError(w, n.Invalidate(w.Context(), "users:1"), "Redis knows the script")
		tap.taken()
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if err := n.Invalidate(context.Background(), fmt.Sprint("users:", i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(w, tap.taken(), 3)
	})
}

// After an outage Redis is not met by all who have waited.
func TestReadsResumeInARamp(t *testing.T) {
	inBubble(t, func(w *world) {
		n, tap := w.tapped(slowly(time.Millisecond))
		n.net.Down()
		n.exhaust()
		w.elapse(5 * time.Second)
		n.net.Up()
		for !n.Stats().LinkUp {
			w.elapse(10 * time.Millisecond)
		}
		sizes := func() []int {
			tap.measured()
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() { n.Look(n.fetch(fmt.Sprint("users:", i))) })
			}
			wg.Wait()
			return tap.measured()
		}
		require.Equal(w, []int{1, 2, 4, 8, 16, 32, 37}, sizes())
		for range 2 { // up to 128, and 256
			sizes()
		}
		require.LessOrEqual(w, len(sizes()), 3)
	})
}

// Redis that answers just within the budget must not make those wait longer who queue behind it.
func TestNobodyWaitsLongerThanTheBudgetInTheQueue(t *testing.T) {
	inBubble(t, func(w *world) {
		n, _ := w.tapped(slowly(40 * time.Millisecond))
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if d := took(func() { n.Look(n.fetch(fmt.Sprint("users:", i))) }); d > tiered.DefaultBudget {
					t.Errorf("a read waited %v", d)
				}
			})
		}
		wg.Wait()
	})
}

// A server that lost its scripts is told of them once, not once per command: a thousand texts take longer than the
// budget.
func TestManyCommandsAfterScriptFlush(t *testing.T) {
	inBubble(t, func(w *world) {
		n, tap := w.tapped()
		keys := make([]string, 100)
		for i := range keys {
			keys[i] = fmt.Sprint("users:", i)
		}
		require.NoError(w, n.Invalidate(w.Context(), keys...))
		require.NoError(w, w.rdb.ScriptFlush(w.Context()).Err())
		tap.taken()
		require.NoError(w, n.Invalidate(w.Context(), keys...))
		require.LessOrEqual(w, len(tap.taken()), 3)
	})
}

func TestAWriteOfManyIsOnePipeline(t *testing.T) {
	inBubble(t, func(w *world) {
		n, tap := w.tapped()
		fetches := make([]*tiered.Fetch, 100)
		fills := make([]tiered.Fill, 100)
		write := func() {
			for i := range fetches {
				v := strings.Repeat("v", i)
				fetches[i] = n.fetch(fmt.Sprint("users:", i))
				fills[i] = tiered.Fill{Fetch: fetches[i], Value: &v, Life: anHour}
			}
			require.NoError(w, n.Set(fetches...))
			stored, err := n.FillAll(fills...)
			require.NoError(w, err)
			require.NotContains(w, stored, false)
		}
		write()
		tap.taken()
		write()
		require.Len(w, tap.taken(), 2, "leases, fills")
		f := n.fetch("users:99")
		n.Look(f)
		var v string
		require.NoError(w, n.Decode(f, &v))
		require.Equal(w, strings.Repeat("v", 99), v)
	})
}

func TestCallersDoNotCount(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		for range 20 {
			require.NoError(w, n.Invalidate(ctx, "users:1"), "an invalidation is not given up half-way")
			n.Look(n.fetch("users:none")) // redis.Nil
			f := n.fetch("users:2")
			if n.Acquire(f); f.Outcome == tiered.Busy {
				n.Await(ctx, f)
				require.Equal(w, tiered.Alone, f.Outcome)
			}
		}
		require.Zero(w, n.Stats().Breaker)
		require.Zero(w, n.Stats().RedisErrors)
	})
}
