//go:build unix

package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// elsewhere is a key of a fleet that lives on another master than the link.
func elsewhere(c *redistest.Cluster) (key int) {
	for link := c.Owner("freshet:link"); c.Owner(slotKey(key)) == link; key++ {
	}
	return key
}

// of returns the keys of a fleet that live on n.
func of(c *redistest.Cluster, n *redistest.ClusterNode) (keys []int) {
	for k := range fleetKeys {
		if c.Owner(slotKey(k)) == n {
			keys = append(keys, k)
		}
	}
	return keys
}

// readAll makes all nodes read the newest of keys, and Redis keep it.
func (f *fleet) readAll(keys ...int) {
	f.t.Helper()
	for _, c := range f.caches {
		for _, k := range keys {
			v, err := c.Get(f.t.Context(), k)
			require.NoError(f.t, err)
			require.Equal(f.t, f.db.row(k), v)
		}
	}
	f.until(func() bool {
		for _, s := range f.stores {
			for _, k := range keys {
				if stored(s.Options().Redis, k) != "V" {
					return false
				}
			}
		}
		return true
	}, "Redis has them")
}

// stored is the kind of what Redis has of a key of a fleet.
func stored(rdb redis.UniversalClient, key int) string {
	b := rdb.Get(context.Background(), slotKey(key)).Val()
	return b[:min(len(b), 1)]
}

// recovers waits until all nodes have noticed that something happened, and are in order again.
func (f *fleet) recovers(epochs []uint64) {
	f.t.Helper()
	f.until(func() bool {
		for i, s := range f.stores {
			if st := s.Stats(); !st.LinkUp || st.Journal > 0 || st.Epoch == epochs[i] {
				return false
			}
		}
		return true
	}, "all nodes are in order")
}

func (f *fleet) epochs() (all []uint64) {
	for _, s := range f.stores {
		all = append(all, s.Stats().Epoch)
	}
	return all
}

// replicated waits until the replica r of m has all that m has.
func replicated(t *testing.T, m, r *redistest.ClusterNode) {
	t.Helper()
	require.Eventually(t, func() bool { return r.Info("slave_repl_offset") == m.Info("master_repl_offset") }, patience, pollEvery)
}

// The replica that takes over has never heard of the hold, which its owner puts back.
func TestClusterMutateAcrossAFailover(t *testing.T) {
	c := redistest.StartCluster(t)
	f := newFleet(t, 2, c.URL(), faulty)
	writer, reader := f.caches[0], f.caches[1]
	key := elsewhere(c)
	f.readAll(key)
	master := c.Owner(slotKey(key))
	replica := master.Replica()
	replicated(t, master, replica)
	replica.Forsake()

	commit, committed, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	done := async(func() (string, error) {
		return "", writer.Mutate(t.Context(), key, func(context.Context) error {
			<-commit
			f.db.write(key)
			close(committed)
			<-finish
			return nil
		})
	})
	client := c.Client(t)
	f.until(func() bool { return stored(client, key) == "H" }, "the hold")
	epochs := f.epochs()
	master.Kill()
	replica.AwaitMaster()
	f.until(func() bool { return stored(client, key) == "H" }, "it is put back")
	f.recovers(epochs)

	close(commit)
	<-committed
	for range 50 {
		for _, c := range f.caches {
			v, err := c.Get(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, 1, v, "nobody keeps it while it is being written")
		}
	}
	close(finish)
	require.NoError(t, (<-done).err)
	require.NotEqual(t, "H", stored(client, key))
	f.until(func() bool { _, ok := reader.Peek(t.Context(), key); _, _ = reader.Get(t.Context(), key); return ok }, "it is cached again")
	f.settles()
}

// One row in one slot ends the values of all slots; a failover of that slot's master, which loses the row, does not
// bring them back.
func TestClusterPrefixAcrossAFailover(t *testing.T) {
	c := redistest.StartCluster(t)
	f := newFleet(t, 2, c.URL(), faulty)
	every := make([]int, fleetKeys)
	for k := range every {
		every[k] = k
	}
	writeAll := func() {
		for _, k := range every {
			f.db.write(k)
		}
	}
	news := func(node int) {
		t.Helper()
		got, err := f.caches[node].GetMany(t.Context(), every)
		require.NoError(t, err)
		for k, v := range got {
			require.Equal(t, f.db.row(k), v, "node %d, key %d", node, k)
		}
	}
	f.readAll(every...)
	writeAll()
	require.NoError(t, f.caches[0].InvalidatePrefix(t.Context()))
	news(0)
	f.settles()

	f.readAll(every...)
	master := c.Owner("freshet:prefixes")
	replica := master.Replica()
	replicated(t, master, replica)
	replica.Forsake()
	writeAll()
	require.NoError(t, f.caches[0].InvalidatePrefix(t.Context()))
	epochs := f.epochs()
	master.Kill()
	for end := time.Now(); time.Since(end) < staleFor; {
		news(0)
	}
	replica.AwaitMaster()
	f.recovers(epochs)
	news(0)
	news(1)
	f.join(c.URL())
	news(2)
}

// The replica that takes over has what was invalidated. The node that did so must not read it again.
func TestClusterFailoverThatLostInvalidations(t *testing.T) {
	c := redistest.StartCluster(t)
	f := newFleet(t, 2, c.URL(), faulty)
	master, replica, keys := f.invalidatesUnheard(c)
	epochs := f.epochs()
	master.Kill()
	f.neverReadsOld(0, epochs[0], keys...)
	replica.AwaitMaster()
	f.recovers(epochs)
	f.settles()
}

// invalidatesUnheard has the first node invalidate keys of a master whose replica has them, and hears of nothing any more.
func (f *fleet) invalidatesUnheard(c *redistest.Cluster) (master, replica *redistest.ClusterNode, keys []int) {
	f.t.Helper()
	master = c.Owner(slotKey(elsewhere(c)))
	keys = of(c, master)
	f.readAll(keys...)
	replica = master.Replica()
	replicated(f.t, master, replica)
	replica.Forsake()
	for _, k := range keys {
		f.db.write(k)
	}
	require.NoError(f.t, f.caches[0].Invalidate(f.t.Context(), keys...))
	return master, replica, keys
}

// neverReadsOld requires that a node reads the newest of keys all the time, until it is in order after an epoch; but for
// the time in which it need not have noticed.
func (f *fleet) neverReadsOld(node int, epoch uint64, keys ...int) {
	f.t.Helper()
	began, last, old, all := time.Now(), time.Duration(0), 0, 0
	f.until(func() bool {
		for _, k := range keys {
			v, err := f.caches[node].Get(f.t.Context(), k)
			require.NoError(f.t, err)
			if all++; v != f.db.row(k) {
				old, last = old+1, time.Since(began)
			}
		}
		st := f.stores[node].Stats()
		return st.Epoch != epoch && st.LinkUp && st.Journal == 0
	}, "recovery")
	require.LessOrEqual(f.t, last, f.unnoticed, "%d old ones of %d reads; the last after %v", old, all, last)
}
