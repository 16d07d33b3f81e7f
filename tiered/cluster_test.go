//go:build unix

package tiered_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// clustered is a world around a Cluster, in real time.
type clustered struct {
	*world
	*redistest.Cluster
	rdb *redis.ClusterClient
}

func clusterWorld(t *testing.T, args ...string) *clustered {
	t.Helper()
	c := redistest.StartCluster(t, args...)
	return &clustered{&world{T: t, origin: map[string]string{}}, c, c.Client(t)}
}

// clusterNode starts a node whose link is up.
func (w *clustered) clusterNode() *node {
	w.Helper()
	rdb, err := tiered.Dial(w.URL())
	require.NoError(w, err)
	w.Cleanup(func() { _ = rdb.Close() })
	s, err := tiered.Open(tiered.Options{Redis: rdb, MemoryBytes: 1 << 20, Budget: time.Second})
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, s.Close()) })
	n := &node{s, w.world, nil, nil}
	n.linkUp()
	return n
}

// keyOn returns a key of an entry that lives on m.
func (w *clustered) keyOn(m *redistest.ClusterNode) string {
	w.Helper()
	for i := range 1000 {
		if k := fmt.Sprint("users:", i); w.Owner("freshet:"+k) == m {
			return k
		}
	}
	w.Fatal("no key lives there")
	return ""
}

func (w *clustered) kind(key string) string {
	b := w.rdb.Get(w.Context(), "freshet:"+key).Val()
	return b[:min(len(b), 1)]
}

// cached makes Redis have a value of key.
func (w *clustered) cached(n *node, key, value string) {
	w.Helper()
	w.origin[key] = value
	n.until(func() bool { n.get(key); return w.kind(key) == "V" }, "Redis has it")
	n.reads(key, value, fromMemory)
}

// rootInvalidated tells whether everything was invalidated.
func (w *clustered) rootInvalidated() bool {
	_, err := w.rdb.ZScore(w.Context(), "freshet:prefixes", "").Result()
	return err == nil
}

// polled waits until n has asked all shards who they are, from now on.
func (n *node) polled() {
	n.world.Helper()
	polls := tiered.Polls(n.Store)
	n.until(func() bool { return tiered.Polls(n.Store) >= polls+2 }, "a poll")
}

// recovered waits until n has emptied memory since epoch, and is in order.
func (n *node) recovered(epoch uint64) {
	n.world.Helper()
	n.until(func() bool { st := n.Stats(); return st.Epoch > epoch && st.LinkUp && st.Journal == 0 }, "recovery")
}

// elsewhere returns masters that have neither the link nor the prefixes nor the data sets' id, but for the first.
func (w *clustered) elsewhere() (link, other *redistest.ClusterNode) {
	w.Helper()
	link = w.Owner("freshet:link")
	for _, m := range w.Masters() {
		if m != link && m != w.Owner("freshet:prefixes") {
			return link, m
		}
	}
	w.Fatal("no other master")
	return nil, nil
}

// A failover by agreement loses nothing, so nothing but memory is emptied, however many shards there are.
func TestClusterFailoverOfOneShardKeepsTheOthers(t *testing.T) {
	w := clusterWorld(t)
	a, b := w.clusterNode(), w.clusterNode()
	link, other := w.elsewhere()
	here, there := w.keyOn(link), w.keyOn(other)
	w.cached(a, here, "here")
	w.cached(a, there, "there")
	a.polled()
	b.polled()
	epochA, epochB := a.Stats().Epoch, b.Stats().Epoch
	other.Failover()
	a.recovered(epochA)
	b.recovered(epochB)
	require.False(t, w.rootInvalidated())
	b.reads(here, "here", fromRedis)
	b.reads(there, "there", fromRedis)
	third := w.clusterNode()
	require.False(t, w.rootInvalidated(), "a newcomer finds the data sets that the others know")
	third.reads(there, "there", fromRedis)
}

// A master that restarts without data, or with old data, is not continued by anything: everything is invalidated, once.
func TestClusterShardThatRestartsFromASnapshot(t *testing.T) {
	w := clusterWorld(t, "--cluster-replica-no-failover", "yes")
	a, gone := w.clusterNode(), w.clusterNode()
	_, other := w.elsewhere()
	key := w.keyOn(other)
	w.cached(a, key, "old")
	require.NoError(t, other.Client(t).Save(t.Context()).Err())
	w.origin[key] = "new"
	require.NoError(t, gone.Invalidate(t.Context(), key))
	require.NoError(t, gone.Close()) // nobody is left who could tell it again
	a.polled()
	epoch := a.Stats().Epoch
	other.Kill()
	other.Restart()
	w.Settle()
	require.Equal(t, "V", w.kind(key), "it is back")
	a.recovered(epoch)
	v, from := a.get(key)
	require.Equal(t, "new", v, "from %s", from)
	v, from = w.clusterNode().get(key)
	require.Equal(t, "new", v, "from %s", from)
}

// What one shard cannot be told does not keep the others' keys tainted.
func TestClusterReplayPassesOverADeadShard(t *testing.T) {
	w := clusterWorld(t, "--cluster-replica-no-failover", "yes", "--cluster-require-full-coverage", "no")
	a := w.clusterNode()
	link, other := w.elsewhere()
	here, there := w.keyOn(link), w.keyOn(other)
	w.cached(a, here, "old")
	w.cached(a, there, "old")
	all := w.Masters()
	for _, m := range all {
		m.Stop()
	}
	require.ErrorIs(t, a.Invalidate(t.Context(), here, there), tiered.ErrDeferred)
	w.origin[here], w.origin[there] = "new", "new"
	other.Kill()
	for _, m := range all {
		if m != other {
			m.Cont()
		}
	}
	for _, k := range []string{here, there} {
		v, _ := a.get(k)
		require.Equal(t, "new", v)
	}
	a.until(func() bool { return a.Stats().Journal == 1 }, "the shard that lives is told")
}
