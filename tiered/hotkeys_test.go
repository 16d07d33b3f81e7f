package tiered_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

const hotUsers = "freshet:%hot-users"

// lived has a node live for a moment, and find hot keys. No node is open afterwards, so that days pass quickly.
func (w *world) lived(limit int, keys ...tiered.HotKey) {
	w.Helper()
	n := w.node()
	n.found(limit, keys...)
	require.NoError(w, n.Close())
}

// remembered requires what a new node reads back.
func (w *world) remembered(want ...string) {
	w.Helper()
	n := w.node()
	n.hot(10, want...)
	require.NoError(w, n.Close())
}

// unregisters is a cache's part in closing.
type unregisters struct {
	store *tiered.Store
	name  string
}

func (u unregisters) Close() error {
	u.store.Unregister(u.name)
	return nil
}

// found has a node find hot keys of the cache users; what it finds may change.
func (n *node) found(limit int, keys ...tiered.HotKey) *[]tiered.HotKey {
	n.world.Helper()
	require.NoError(n.world, n.Register("users", unregisters{n.Store, "users"}))
	n.Track("users", limit, func(m int) ([]tiered.HotKey, float64) { return keys[:min(m, len(keys))], 1000 })
	return &keys
}

// hot requires the hot keys of users, in order.
func (n *node) hot(limit int, want ...string) {
	n.world.Helper()
	all, err := n.HotKeys(n.world.Context(), "users", limit)
	require.NoError(n.world, err)
	var got []string
	for _, h := range all {
		got = append(got, strings.TrimPrefix(h.Key, "users:"))
	}
	require.Equal(n.world, want, got)
}

func read(key string, reads float64) tiered.HotKey {
	return tiered.HotKey{Key: "users:" + key, Reads: reads}
}

func TestHotKeysAreRemembered(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		n.found(3, read("a", 400), read("b", 300), read("c", 200), read("d", 100))
		n.hot(2, "a", "b")
		require.False(t, w.mini.Exists(hotUsers), "that takes its time")
		w.elapse(2 * time.Minute)
		require.True(t, w.mini.Exists(hotUsers))

		next := w.node()
		next.hot(10, "a", "b", "c") // no more than there is room for
		next.hot(1, "a")
		next.hot(0)
		next.hot(-1)
		keys, reads := next.Hottest("users", 10)
		require.Empty(t, keys, "another node has found them")
		require.Zero(t, reads)
		keys, reads = n.Hottest("users", 1)
		require.Equal(t, []tiered.HotKey{read("a", 400)}, keys)
		require.EqualValues(t, 1000, reads)
	})
}

func TestHotKeysExpire(t *testing.T) {
	inBubble(t, func(w *world) {
		w.lived(3, read("a", 400), read("b", 300))
		w.elapse(6 * 24 * time.Hour)
		w.remembered("a", "b")
		w.elapse(25 * time.Hour)
		w.remembered()
		require.False(t, w.mini.Exists(hotUsers))
	})
}

func TestTheLastIsRememberedAtTheEnd(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		keys := n.found(10, read("a", 400))
		*keys = append(*keys, read("b", 1))
		require.NoError(t, n.Close())
		next := w.node()
		next.hot(10, "a", "b")
		n.Unregister("users") // again: nothing happens
	})
}

// A key has the reads of the node where they are most; older ones count less.
func TestHotKeysOfManyNodes(t *testing.T) {
	inBubble(t, func(w *world) {
		one, two := w.node(), w.node()
		one.found(4, read("both", 300), read("one", 200))
		two.found(4, read("both", 300), read("two", 250))
		w.elapse(5 * time.Minute)
		w.remembered("both", "two", "one")
		require.NoError(t, one.Close())
		require.NoError(t, two.Close())
	})
}

func TestHotKeysFade(t *testing.T) {
	inBubble(t, func(w *world) {
		w.lived(4, read("a", 300), read("b", 250), read("c", 200))
		w.elapse(tiered.HotHalfLife)
		w.lived(4, read("new", 151), read("newer", 140), read("cold", 10))
		w.remembered("new", "a", "newer", "b") // there is room for four
		w.elapse(12 * time.Hour)
		w.remembered("new", "a", "newer", "b") // nothing else is known
		w.lived(4, read("today", 2))
		w.remembered("today") // what nobody reads any more makes room
	})
}

// Nothing is written, and nobody waits, where Redis does not answer, or is not known to be the right one.
func TestHotKeysWithoutRedis(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		n.found(4, read("a", 400))
		n.net.Freeze()
		_, err := n.HotKeys(t.Context(), "users", 1)
		require.ErrorContains(t, err, `tiered: hot keys of "users": tiered: no answer from Redis`)
		n.exhaust()
		require.Zero(t, took(func() { _, err = n.HotKeys(t.Context(), "users", 1) }))
		require.Error(t, err)
		keys, _ := n.Hottest("users", 1)
		require.Len(t, keys, 1)
		require.Zero(t, took(func() { n.Unregister("users") }))
		n.net.Thaw()
		w.elapse(time.Minute)
		require.False(t, w.mini.Exists(hotUsers))
		n.hot(1)
	})
}

// Until it is certain that the same Redis answers, it is neither asked nor told.
func TestHotKeysBehindTheGate(t *testing.T) {
	inBubble(t, func(w *world) {
		w.lived(4, read("b", 400))
		n := w.node()
		n.found(4, read("a", 400))
		n.net.Cut()
		synctest.Wait() // the link is lost, and not yet tried again
		_, err := n.HotKeys(t.Context(), "users", 10)
		require.Error(t, err)
		n.Unregister("users")
		w.elapse(time.Second)
		n.hot(10, "b")
	})
}

// Closing waits for Redis as long as a few calls, not for each cache.
func TestClosingDoesNotWaitForARedisThatIsAway(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		for i := range 100 {
			name := fmt.Sprint("c", i)
			require.NoError(t, n.Register(name, unregisters{n.Store, name}))
			n.Track(name, 1, func(int) ([]tiered.HotKey, float64) { return []tiered.HotKey{{Key: name + ":a", Reads: 9}}, 9 })
		}
		n.net.Freeze()
		require.Less(t, took(func() { require.NoError(t, n.Close()) }), time.Second)
	})
}

func TestHotKeysInMemoryOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := tiered.Open(tiered.Options{})
		require.NoError(t, err)
		defer s.Close()
		s.Track("users", 4, func(int) ([]tiered.HotKey, float64) { return []tiered.HotKey{read("a", 4)}, 4 })
		all, err := s.HotKeys(t.Context(), "users", 10)
		require.NoError(t, err)
		require.Equal(t, []tiered.HotKey{read("a", 4)}, all)
		s.Unregister("users")
		all, err = s.HotKeys(t.Context(), "users", 10)
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

// Bytes that are no record are nothing, and are overwritten; so is a key of another type.
func TestCorruptHotKeysAreAMiss(t *testing.T) {
	inBubble(t, func(w *world) {
		n := w.node()
		n.found(4, read("a", 400))
		n.Unregister("users")
		good, err := w.mini.Get(hotUsers)
		require.NoError(t, err)
		others := w.node()
		require.NoError(t, others.Register("others", unregisters{others.Store, "others"}))
		others.Track("others", 1, func(int) ([]tiered.HotKey, float64) { return []tiered.HotKey{{Key: "others:x", Reads: 4}}, 4 })
		others.Unregister("others")
		foreign, err := w.mini.Get("freshet:%hot-others")
		require.NoError(t, err)

		next := w.node()
		flipped := []byte(good)
		flipped[len(flipped)-1] ^= 1
		for i, bad := range []string{"x", good[:len(good)-1], good + "x", string(flipped), foreign, "K\x02" + good[2:]} {
			require.NoError(t, w.mini.Set(hotUsers, bad))
			next.hot(10)
			require.EqualValues(t, i+1, next.Stats().Corrupt)
		}
		w.mini.Del(hotUsers)
		_, err = w.mini.Lpush(hotUsers, "a list")
		require.NoError(t, err)
		next.hot(10)
		next.found(4, read("b", 400))
		next.Unregister("users")
		next.hot(10, "b")
	})
}
