//go:build unix

package tiered_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// A shard that joins without data has lost nothing.
func TestClusterShardIsAdded(t *testing.T) {
	w := clusterWorld(t)
	a := w.clusterNode()
	link, other := w.elsewhere()
	here, there := w.keyOn(link), w.keyOn(other)
	w.cached(a, here, "here")
	w.cached(a, there, "there")
	a.polled()
	added := w.Add()
	w.MoveSlot(w.Slot("freshet:"+there), added, nil)
	w.Settle()
	a.polled()
	a.linkUp()
	b := w.clusterNode()
	v, from := b.get(there)
	require.Equal(t, "there", v, "from %s", from)
	w.origin[there] = "new"
	require.NoError(t, a.Invalidate(t.Context(), there))
	b.until(func() bool { v, _ := b.get(there); return v == "new" }, "the other hears")
	require.False(t, w.rootInvalidated(), "nothing was lost")
}

// Nor has anybody lost anything when a shard without slots goes.
func TestClusterShardIsRemoved(t *testing.T) {
	w := clusterWorld(t)
	added := w.Add()
	_, other := w.elsewhere()
	there := w.keyOn(other)
	slot := w.Slot("freshet:" + there)
	w.MoveSlot(slot, added, nil)
	w.Settle()
	a := w.clusterNode()
	w.cached(a, there, "there")
	a.polled()
	w.MoveSlot(slot, other, nil)
	added.Remove()
	w.Settle()
	a.polled()
	a.linkUp()
	w.cached(a, there, "there")
	b := w.clusterNode()
	require.False(t, w.rootInvalidated(), "nothing was lost")
	b.reads(there, "there", fromRedis)
}

// A prefix does not wait for keys that live on a dead shard.
func TestClusterReplayOfAPrefixPassesOverADeadShard(t *testing.T) {
	w := clusterWorld(t, "--cluster-replica-no-failover", "yes", "--cluster-require-full-coverage", "no")
	a := w.clusterNode()
	_, other := w.elsewhere()
	there := w.keyOn(other)
	all := w.Masters()
	for _, m := range all {
		m.Stop()
	}
	require.ErrorIs(t, a.Invalidate(t.Context(), there), tiered.ErrDeferred)
	require.ErrorIs(t, a.InvalidatePrefix(t.Context(), "posts"), tiered.ErrDeferred)
	other.Kill()
	for _, m := range all {
		if m != other {
			m.Cont()
		}
	}
	a.until(func() bool { return a.Stats().Journal == 1 }, "the shard that lives is told")
}
