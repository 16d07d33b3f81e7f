package cache_test

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

// noSubscriptions is for a miniredis that refuses to be listened to, and otherwise is in order: it says who it is.
func noSubscriptions(c *server.Peer, cmd string, _ ...string) bool {
	switch cmd {
	case "SUBSCRIBE", "PING": // PING is the link's, once it stands
		c.WriteError("ERR no subscriptions today")
	case "INFO":
		c.WriteBulk("role:master\r\nmaster_replid:one\r\n")
	default:
		return false
	}
	return true
}

// While nothing is heard of others, a load that began long ago may lack what they have invalidated since, like an entry
// in memory: nobody joins it who asks now. Redis is read instead.
func TestF3NobodyJoinsAnOldLoadWhileTheLinkIsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 2)
		src := newSource("k", "old")
		cs := w.openAll(src, cache.Options{LoadTimeout: time.Minute})
		w.mini.Server().SetPreHook(noSubscriptions)
		defer w.mini.Server().SetPreHook(nil)
		pass(5 * time.Second)
		require.False(w, w.nodes[1].Stats().LinkUp)
		require.False(w, w.nodes[1].Stats().Fallback, "Redis answers")

		src.slow(20 * time.Second)
		slow := async(func() (string, error) { return cs[1].Get(bg, "k") })
		pass(500 * time.Millisecond)
		joined := async(func() (string, error) { return cs[1].Get(bg, "k") })
		pass(3 * tiered.DefaultMaxStaleness)
		src.slow(0)
		src.set("k", "new")
		require.NoError(w, cs[0].Invalidate(bg, "k"))
		pass(tiered.DefaultMaxStaleness)
		get(w, cs[1], "k", "new")
		get(w, cs[1], "k", "new")
		require.Equal(w, 2, src.loads("k"), "a young load is joined")
		require.Equal(w, "old", (<-slow).value, "it began before the write")
		require.Equal(w, "old", (<-joined).value, "and so did this one")
		balanced(w, cs[1].Stats(), 4)
	})
}
