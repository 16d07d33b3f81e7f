//go:build unix

package tiered_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// realWorld starts a redis-server and a world around it, in real time.
func realWorld(t *testing.T, args ...string) (*world, *redistest.Server) {
	t.Helper()
	s := redistest.Start(t, args...)
	return &world{T: t, rdb: s.Client(t), origin: map[string]string{}}, s
}

// realNode starts a node of w, whose link is up.
func (w *world) realNode(s *redistest.Server) *node {
	w.Helper()
	n := w.nodeOver(nil, s.Client(w), func(o *tiered.Options) { o.Budget = time.Second }) // for busy machines
	n.linkUp()
	return n
}

func (n *node) linkUp() {
	n.world.Helper()
	n.until(func() bool { return n.Stats().LinkUp }, "the link comes up")
}

func (n *node) until(done func() bool, what string) {
	n.world.Helper()
	require.Eventually(n.world, done, waitFor, pollEvery, what)
}

// alwaysReads requires value of every read, until done.
func (n *node) alwaysReads(key, value string, done func() bool, what string) {
	n.world.Helper()
	n.until(func() bool {
		v, from := n.get(key)
		require.Equal(n.world, value, v, "from %s", from)
		return done()
	}, what)
}

func (w *world) info(field string) (value string) {
	for line := range strings.Lines(w.rdb.Info(w.Context(), "replication").Val()) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), field+":"); ok {
			value = v
		}
	}
	return value
}

// oldAndNew gives key "users:1" an old value everywhere, and the origin a newer one.
func (w *world) oldAndNew(nodes ...*node) {
	w.Helper()
	w.origin["users:1"] = "old"
	for _, n := range nodes {
		n.until(func() bool { _, from := n.get("users:1"); return from == fromMemory }, "it is in memory")
	}
	require.Equal(w, "V", w.stored("users:1"))
	w.origin["users:1"] = "new"
}

func TestRealKillAndRestart(t *testing.T) {
	w, s := realWorld(t)
	a, b := w.realNode(s), w.realNode(s)
	w.oldAndNew(a, b)
	epoch := b.Stats().Epoch
	s.Kill()
	require.ErrorIs(t, a.Invalidate(t.Context(), "users:1"), tiered.ErrDeferred)
	a.alwaysReads("users:1", "new", func() bool { return !a.Stats().LinkUp }, "the link is lost")
	s.Restart()
	a.alwaysReads("users:1", "new", func() bool { return a.Stats().LinkUp && a.Stats().Journal == 0 }, "recovery")
	b.linkUp()
	require.Greater(t, b.Stats().Epoch, epoch)
	v, _ := b.get("users:1")
	require.Equal(t, "new", v)
}

func TestRealRestartFromAnOldSnapshot(t *testing.T) {
	w, s := realWorld(t, "--save", "3600", "1000000")
	a, b := w.realNode(s), w.realNode(s)
	w.oldAndNew(a, b)
	require.NoError(t, w.rdb.Save(t.Context()).Err())
	require.NoError(t, a.Invalidate(t.Context(), "users:1"))
	s.Kill()
	s.Restart()
	require.Equal(t, "V", w.stored("users:1"), "it is back")
	a.alwaysReads("users:1", "new", func() bool { return a.Stats().LinkUp && a.Stats().LinkOutages > 0 }, "recovery")
	b.until(func() bool { return b.Stats().LinkUp && b.Stats().LinkOutages > 0 }, "recovery")
	v, _ := b.get("users:1")
	require.Equal(t, "new", v, "a told everybody")
}

// A master that has replicas notes its replication id in the snapshot, and says after a restart that it continues it:
// however old the snapshot is.
func TestRealRestartOfAMasterWithReplicasFromAnOldSnapshot(t *testing.T) {
	w, s := realWorld(t, "--save", "3600", "1000000")
	replica := redistest.Start(t)
	host, port, _ := strings.Cut(s.Addr(), ":")
	require.NoError(t, replica.Client(t).ReplicaOf(t.Context(), host, port).Err())
	require.Eventually(t, func() bool { return strings.Contains(w.info("slave0"), "state=online") }, waitFor, pollEvery)

	a, gone := w.realNode(s), w.realNode(s)
	w.oldAndNew(gone)
	require.NoError(t, w.rdb.Save(t.Context()).Err())
	require.NoError(t, gone.Invalidate(t.Context(), "users:1"))
	require.NoError(t, gone.Close()) // nobody is left who could tell it again
	polls := tiered.Polls(a.Store)
	a.until(func() bool { return tiered.Polls(a.Store) > polls+1 }, "a knows how far the master was")
	id := w.info("master_replid")
	s.Kill()
	s.Restart()
	require.Equal(t, "V", w.stored("users:1"), "it is back")
	require.Equal(t, id, w.info("master_replid2"), "and claims continuity")
	a.until(func() bool { return a.Stats().LinkUp && a.Stats().LinkOutages > 0 }, "recovery")
	v, from := a.get("users:1")
	require.Equal(t, "new", v, "from %s", from)
}

func TestRealStopAndCont(t *testing.T) {
	w, s := realWorld(t)
	a, b := w.realNode(s), w.realNode(s)
	w.oldAndNew(a, b)
	s.Stop()
	require.ErrorIs(t, a.Invalidate(t.Context(), "users:1"), tiered.ErrDeferred)
	a.alwaysReads("users:1", "new", func() bool { return !a.Stats().LinkUp }, "the link is lost")
	b.until(func() bool { return !b.Stats().LinkUp }, "the link is lost")
	s.Cont()
	a.alwaysReads("users:1", "new", func() bool { return a.Stats().LinkUp && a.Stats().Journal == 0 }, "recovery")
	b.until(func() bool { v, _ := b.get("users:1"); return v == "new" }, "b hears")
	a.until(func() bool { return a.Stats().Breaker == breaker.Closed }, "the breaker closes")
	b.alwaysReads("users:1", "new", b.fresh, "Redis serves again")
}

// fresh tells whether the last read left the key in memory, as only a store in order does.
func (n *node) fresh() bool { _, ok := n.peek("users:1"); return ok && n.Stats().LinkUp }

func TestRealLinkKilled(t *testing.T) {
	w, s := realWorld(t)
	a, b := w.realNode(s), w.realNode(s)
	for range 5 {
		w.oldAndNew(a, b)
		outages, epoch := b.Stats().LinkOutages, b.Stats().Epoch
		require.NoError(t, w.rdb.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err())
		require.NoError(t, a.Invalidate(t.Context(), "users:1"))
		b.until(func() bool { return b.Stats().LinkOutages > outages && b.Stats().LinkUp }, "b is back")
		require.Greater(t, b.Stats().Epoch, epoch)
		v, from := b.get("users:1")
		require.Equal(t, "new", v, "from %s", from)
		a.linkUp()
		require.NoError(t, a.Invalidate(t.Context(), "users:1"))
	}
}

func TestRealFlushAll(t *testing.T) {
	w, s := realWorld(t)
	a, b := w.realNode(s), w.realNode(s)
	require.NoError(t, a.InvalidatePrefix(t.Context(), "posts"))
	w.oldAndNew(a, b)
	require.NoError(t, w.rdb.FlushAll(t.Context()).Err())
	w.origin["users:1"] = "old" // nobody has invalidated it
	a.alwaysReads("users:1", "old", a.fresh, "the link notices nothing")
	w.origin["users:1"] = "new"
	require.NoError(t, b.InvalidatePrefix(t.Context(), "users"))
	b.reads("users:1", "new", fromOrigin)
	a.until(func() bool { v, _ := a.get("users:1"); return v == "new" }, "a hears")
}

func TestRealScriptFlush(t *testing.T) {
	w, s := realWorld(t)
	a := w.realNode(s)
	ctx := context.Background()
	for i := range 20 {
		require.NoError(t, w.rdb.ScriptFlush(ctx).Err())
		k := fmt.Sprint("users:", i)
		w.origin[k] = "v"
		a.reads(k, "v", fromOrigin)
		require.NoError(t, w.rdb.ScriptFlush(ctx).Err())
		require.NoError(t, a.Invalidate(ctx, k, "users:a", "users:b"))
		require.NoError(t, w.rdb.ScriptFlush(ctx).Err())
		require.NoError(t, a.InvalidatePrefix(ctx, "users"))
		require.NoError(t, w.rdb.ScriptFlush(ctx).Err())
		require.NoError(t, a.Set(a.fetch("users:a"), a.fetch("users:b")))
	}
	require.Zero(t, a.Stats().Deferred)
	require.Zero(t, a.Stats().RedisErrors)
}

func TestRealOutOfMemory(t *testing.T) {
	w, s := realWorld(t, "--maxmemory-policy", "noeviction")
	a, b := w.realNode(s), w.realNode(s)
	w.oldAndNew(a, b)
	ctx := context.Background()
	require.NoError(t, w.rdb.ConfigSet(ctx, "maxmemory", "1").Err())
	require.ErrorContains(t, w.rdb.Set(ctx, "junk", 1, 0).Err(), "OOM")
	require.NoError(t, a.Invalidate(ctx, "users:1"), "removing needs no memory")
	b.until(func() bool { v, _ := b.get("users:1"); return v == "new" }, "b hears")
	for range 20 {
		v, _ := a.get("users:1")
		require.Equal(t, "new", v)
	}
	require.NoError(t, a.InvalidatePrefix(ctx, "posts"), "once the script has removed what is old, it may write")

	w.origin["users:1"] = "newest"
	require.ErrorIs(t, a.Set(a.fetch("users:1")), tiered.ErrDeferred, "a lease needs memory")
	a.alwaysReads("users:1", "newest", func() bool { return a.Stats().Journal == 0 }, "the replay, which needs none")
	b.until(func() bool { v, _ := b.get("users:1"); return v == "newest" }, "b hears in the end")
	require.Equal(t, breaker.Closed, a.Stats().Breaker)
	require.Empty(t, w.stored("users:1"))

	require.NoError(t, w.rdb.ConfigSet(ctx, "maxmemory", "0").Err())
	a.until(func() bool { _, from := a.get("users:2"); return from != fromOrigin }, "values are stored again")
}

func TestRealDemotedMaster(t *testing.T) {
	w, s := realWorld(t)
	other := redistest.Start(t)
	a := w.realNode(s)
	w.oldAndNew(a)
	host, port, _ := strings.Cut(other.Addr(), ":")
	require.NoError(t, w.rdb.ReplicaOf(t.Context(), host, port).Err())
	require.ErrorIs(t, a.Invalidate(t.Context(), "users:1"), tiered.ErrDeferred, "READONLY")
	v, _ := a.get("users:1")
	require.Equal(t, "new", v)
	require.NoError(t, w.rdb.ReplicaOf(t.Context(), "NO", "ONE").Err())
	a.alwaysReads("users:1", "new", func() bool { return a.Stats().Journal == 0 && a.fresh() }, "recovery")
}

func TestRealPassword(t *testing.T) {
	w, s := realWorld(t)
	require.NoError(t, w.rdb.ConfigSet(t.Context(), "requirepass", "hunter2").Err())
	for url, want := range map[string]string{
		s.URL(): "refuses the client",
		strings.Replace(s.URL(), "//", "//:wrong@", 1):     "refuses the client",
		strings.Replace(s.URL(), "//", "//user:wrong@", 1): "refuses the client",
		strings.Replace(s.URL(), "//", "//:hunter2@", 1):   "",
		strings.Replace(s.URL(), "//", "//nobody:pw@", 1):  "refuses the client",
	} {
		rdb, err := tiered.Dial(url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = rdb.Close() })
		store, err := tiered.Open(tiered.Options{Redis: rdb})
		if want != "" {
			require.ErrorContains(t, err, want, url)
			require.NotContains(t, err.Error(), "wrong@")
			continue
		}
		require.NoError(t, err)
		require.NoError(t, store.Invalidate(t.Context(), "users:1"))
		require.NoError(t, store.Close())
	}
}

func TestRealPasswordThatIsChangedLater(t *testing.T) {
	w, s := realWorld(t)
	a := w.realNode(s)
	w.oldAndNew(a)
	ctx := t.Context()
	require.NoError(t, w.rdb.ConfigSet(ctx, "requirepass", "hunter2").Err())
	key := s.Client(t).Conn()
	defer func() { _ = key.Close() }()
	require.NoError(t, key.Auth(ctx, "hunter2").Err())
	for _, kind := range []string{"normal", "pubsub"} {
		require.NoError(t, key.Do(ctx, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes").Err())
	}
	require.ErrorIs(t, a.Invalidate(ctx, "users:1"), tiered.ErrDeferred)
	a.alwaysReads("users:1", "new", func() bool { return !a.Stats().LinkUp }, "the link is refused")
	require.NoError(t, key.ConfigSet(ctx, "requirepass", "").Err())
	a.alwaysReads("users:1", "new", func() bool { return a.Stats().Journal == 0 && a.fresh() }, "recovery")
}
