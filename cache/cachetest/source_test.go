package cachetest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

var bg = context.Background()

func TestSourceCountsLoads(t *testing.T) {
	db := cachetest.NewSource(map[int]string{1: "a", 2: "b"})
	row, err := db.Load(bg, 1)
	require.NoError(t, err)
	require.Equal(t, "a", row)
	_, err = db.Load(bg, 3)
	require.ErrorIs(t, err, cache.ErrNotFound)
	rows, err := db.LoadMany(bg, []int{1, 2, 3})
	require.NoError(t, err)
	require.Equal(t, map[int]string{1: "a", 2: "b"}, rows)
	require.Equal(t, 3, db.Calls())
	db.RequireLoads(t, 5)
	db.RequireLoads(t, 2, 1)
	db.RequireLoads(t, 3, 2, 3)

	down := errors.New("down")
	db.Fail(down)
	_, err = db.Load(bg, 1)
	require.ErrorIs(t, err, down)
}

func TestSourceReadsWhenALoadBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := cachetest.NewSource(map[int]string{1: "a"})
		db.Slow(time.Second)
		go func() {
			time.Sleep(time.Millisecond)
			db.Put(1, "b")
		}()
		row, err := db.Load(bg, 1)
		require.NoError(t, err)
		require.Equal(t, "a", row)

		ctx, cancel := context.WithTimeout(bg, time.Millisecond)
		defer cancel()
		_, err = db.Load(ctx, 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestSourceTellsStaleFromFresh(t *testing.T) {
	db := cachetest.NewSource(map[int]string{1: "a"})
	require.NoError(t, db.Stale(0, 2, "", cache.ErrNotFound), "never was")
	require.ErrorContains(t, db.Stale(0, 2, "a", nil), "never was")
	require.NoError(t, db.Stale(0, 1, "", cache.ErrNotFound), "before the first version")
	require.Error(t, db.Stale(1, 1, "", cache.ErrNotFound))
	db.Put(1, "b")
	db.Delete(1)
	require.Equal(t, 3, db.Version(1))
	require.NoError(t, db.Stale(1, 1, "a", nil))
	require.NoError(t, db.Stale(2, 1, "b", nil))
	require.ErrorContains(t, db.Stale(3, 1, "b", nil), "stale: got version 2 (b), want 3 or later")
	require.NoError(t, db.Stale(3, 1, "", cache.ErrNotFound))
	require.NoError(t, db.Stale(3, 1, "", errors.New("anything")))
	db.RequireFresh(t, 3, 1, "", cache.ErrNotFound)
}

// Two nodes, every fault, and never an old value after an invalidation on the same node.
func TestRedisFails(t *testing.T) {
	type fault struct {
		begin, end func(*cachetest.Redis, *cachetest.Node)
	}
	for name, f := range map[string]fault{
		"cut":    {func(_ *cachetest.Redis, n *cachetest.Node) { n.Cut() }, func(*cachetest.Redis, *cachetest.Node) {}},
		"down":   {func(_ *cachetest.Redis, n *cachetest.Node) { n.Down() }, func(_ *cachetest.Redis, n *cachetest.Node) { n.Up() }},
		"silent": {func(_ *cachetest.Redis, n *cachetest.Node) { n.Silence() }, func(*cachetest.Redis, *cachetest.Node) {}},
		"frozen": {func(_ *cachetest.Redis, n *cachetest.Node) { n.Freeze() }, func(_ *cachetest.Redis, n *cachetest.Node) { n.Thaw() }},
		"all":    {func(r *cachetest.Redis, _ *cachetest.Node) { r.Down() }, func(r *cachetest.Redis, _ *cachetest.Node) { r.Up() }},
		"all cut, silent and frozen": {func(r *cachetest.Redis, _ *cachetest.Node) {
			r.Cut()
			r.Silence()
			r.Freeze()
		}, func(r *cachetest.Redis, _ *cachetest.Node) { r.Thaw() }},
		"loading": {
			func(r *cachetest.Redis, _ *cachetest.Node) {
				r.Answer("LOADING Redis is loading the dataset in memory")
			},
			func(r *cachetest.Redis, _ *cachetest.Node) { r.Answer("") },
		},
		"flushed": {func(r *cachetest.Redis, _ *cachetest.Node) { r.Flush() }, func(*cachetest.Redis, *cachetest.Node) {}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := cachetest.NewSource(map[int]string{1: "a"})
				r := cachetest.NewRedis(t)
				require.NoError(t, r.Client(t).Ping(bg).Err())
				nodes := []*cachetest.Node{r.Node(t), r.Node(t, func(o *tiered.Options) { o.Engine = tiered.Otter })}
				var rows []*cache.Cached[int, string]
				for _, n := range nodes {
					c, err := cache.New(db.Load, cache.Options{Store: n.Store, Name: "rows", TTL: ttl.Fixed(time.Hour)})
					require.NoError(t, err)
					rows = append(rows, c)
				}
				read := func(node, since int) {
					t.Helper()
					value, err := rows[node].Get(bg, 1)
					require.NoError(t, err)
					db.RequireFresh(t, since, 1, value, err)
				}
				read(0, 1)
				cachetest.Pass(time.Second)
				read(1, 1)
				db.RequireLoads(t, 1, 1)

				f.begin(r, nodes[0])
				db.Put(1, "b")
				err := rows[0].Invalidate(bg, 1)
				read(0, 2)
				if err != nil {
					require.ErrorIs(t, err, tiered.ErrDeferred)
				}
				f.end(r, nodes[0])
				cachetest.Pass(time.Minute) // the breaker closes, and the journal is replayed
				read(1, 2)
				for _, n := range nodes {
					s := n.Store.Stats()
					require.True(t, s.LinkUp)
					require.Equal(t, breaker.Closed, s.Breaker)
					require.Zero(t, s.Journal)
				}
			})
		})
	}
}
