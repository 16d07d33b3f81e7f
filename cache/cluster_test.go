//go:build unix

package cache_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// slotKey is where a key of a fleet lives.
func slotKey(key int) string { return fmt.Sprint("freshet:v:", key) }

// pipelines counts what a client sends to the nodes of a Cluster.
type pipelines struct{ pipelines, commands, single atomic.Int64 }

// ours tells commands about entries from those about connections.
func ours(cmd redis.Cmder) bool {
	return slices.Contains([]string{"get", "evalsha", "eval"}, cmd.Name())
}

func (p *pipelines) DialHook(next redis.DialHook) redis.DialHook { return next }

func (p *pipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if ours(cmd) {
			p.single.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (p *pipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if ours(cmds[0]) {
			p.pipelines.Add(1)
			p.commands.Add(int64(len(cmds)))
		}
		return next(ctx, cmds)
	}
}

// since returns what was sent since it was last called.
func (p *pipelines) since() (pipelines, commands, single int64) {
	return p.pipelines.Swap(0), p.commands.Swap(0), p.single.Swap(0)
}

func TestClusterBatches(t *testing.T) {
	c := redistest.StartCluster(t)
	f := newFleet(t, 2, c.URL(), patient)
	var sent pipelines
	require.NoError(t, f.stores[1].Options().Redis.(*redis.ClusterClient).ForEachMaster(t.Context(),
		func(_ context.Context, rdb *redis.Client) error { rdb.AddHook(&sent); return nil }))

	const many = 500
	keys := make([]int, many)
	for i := range keys {
		keys[i] = i
	}
	all := func(node int) {
		t.Helper()
		got, err := f.caches[node].GetMany(t.Context(), keys)
		require.NoError(t, err)
		require.Len(t, got, many)
		for k, v := range got {
			require.Equal(t, f.db.row(k), v)
		}
	}
	all(0)
	require.Equal(t, many, f.db.loaded())
	require.EqualValues(t, 1, f.caches[0].Stats().LoaderCalls)
	filled := func() bool { return f.stores[0].Stats().Fills+f.stores[1].Stats().Fills == uint64(f.db.loaded()) }
	f.until(filled, "Redis has all")

	sent.since()
	all(1)
	p, commands, single := sent.since()
	const chunks = 2 // of 256 keys
	require.LessOrEqual(t, p, int64(chunks*len(c.Masters())), "one for each node")
	require.EqualValues(t, many, commands)
	require.Zero(t, single)
	require.Equal(t, many, f.db.loaded(), "the other node finds all in Redis")
	require.EqualValues(t, many, f.caches[1].Stats().RedisHits)

	for _, k := range keys {
		f.db.write(k)
	}
	require.NoError(t, f.caches[1].Invalidate(t.Context(), keys...))
	p, _, single = sent.since()
	require.LessOrEqual(t, p, int64(2*len(c.Masters())), "twice where the script is not known")
	require.Zero(t, single)
	require.Zero(t, f.stores[1].Stats().RedisErrors)
	f.until(func() bool { // of each shard's
		return !slices.ContainsFunc(keys, func(k int) bool { _, ok := f.caches[0].Peek(t.Context(), k); return ok })
	}, "the other node hears")
	all(1)
	f.until(filled, "Redis has all")
	all(0)
	require.Equal(t, 2*many, f.db.loaded())
	require.Zero(t, f.stores[0].Stats().RedisErrors)
}

func TestClusterReshardingUnderTraffic(t *testing.T) {
	c := redistest.StartCluster(t)
	f := newFleet(t, 3, c.URL(), patient)
	stop := f.traffic()
	masters := c.Masters()
	slots := []string{"freshet:link", "freshet:prefixes", "freshet:life"}
	for k := range 12 {
		slots = append(slots, slotKey(k))
	}
	for i, key := range slots { // once each: two moves of a slot, before all have heard of the first, leave it without an owner
		c.MoveSlot(c.Slot(key), masters[i%len(masters)], nil)
		if i%4 == 0 {
			require.NoError(t, f.caches[0].InvalidatePrefix(t.Context()))
		}
	}
	stop()
	for _, s := range f.stores {
		f.until(func() bool { return s.Stats().LinkUp && s.Stats().Journal == 0 }, "order")
		t.Logf("%+v", s.Stats())
	}
	f.serves()
}

// serves requires that memory and Redis are of use again: what was read is not loaded twice, by whatever node.
func (f *fleet) serves() {
	f.t.Helper()
	f.until(func() bool {
		before := f.db.loaded()
		for node := range f.caches {
			for k := range fleetKeys {
				f.read(node, k)
			}
		}
		return f.db.loaded() == before
	}, "nothing is loaded twice")
}

func TestClusterFailoversUnderTraffic(t *testing.T) {
	c := redistest.StartCluster(t)
	f := newFleet(t, 3, c.URL(), faulty)
	stop := f.traffic()
	resumes := func(t *testing.T) {
		t.Helper()
		c.Settle()
		f.until(func() bool {
			for _, s := range f.stores {
				if st := s.Stats(); !st.LinkUp || st.Journal > 0 {
					return false
				}
			}
			return true
		}, "all nodes are in order")
	}
	t.Run("by agreement", func(t *testing.T) {
		for _, m := range c.Masters() {
			m.Failover()
		}
		resumes(t)
	})
	t.Run("killed, where the link is", func(t *testing.T) {
		m := c.Owner("freshet:link")
		r := m.Replica()
		m.Kill()
		r.AwaitMaster()
		m.Restart()
		resumes(t)
	})
	t.Run("killed, elsewhere", func(t *testing.T) {
		m := c.Owner(slotKey(1))
		for k := 2; m == c.Owner("freshet:link"); k++ {
			m = c.Owner(slotKey(k))
		}
		r := m.Replica()
		m.Kill()
		r.AwaitMaster()
		m.Restart()
		resumes(t)
	})
	t.Run("frozen", func(t *testing.T) {
		m := c.Owner(slotKey(3))
		r := m.Replica()
		m.Stop()
		r.AwaitMaster()
		m.Cont()
		resumes(t)
	})
	stop()
	for _, s := range f.stores {
		t.Logf("%+v", s.Stats())
	}
	require.LessOrEqual(t, f.db.most, fleetKeys*len(f.stores), "each node loads a key once at a time")
	f.serves()
}
