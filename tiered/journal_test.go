package tiered

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJournalCovers(t *testing.T) {
	j := newJournal(10)
	require.False(t, j.covers("users:1"))
	require.False(t, j.addKeys("users:1", "users:2"))
	j.addPrefix("posts:7")
	for k, want := range map[string]bool{
		"users:1": true, "users:2": true, "users:3": false, "users:1:x": false, "posts:7": true, "posts:7:x": true, "posts:70": false,
	} {
		require.Equal(t, want, j.covers(k), k)
	}
	require.False(t, j.coversPrefix("users:1"), "which is tainted by itself")
	require.True(t, j.coversPrefix("posts:7:x"))
	require.EqualValues(t, 3, j.size.Load())
}

func TestAReplayClearsOnlyTheFailureItWasSentFor(t *testing.T) {
	j := newJournal(10)
	j.addKeys("users:1")
	j.addPrefix("posts")
	keys, prefixes := j.pending()
	j.addKeys("users:1") // fails again, while the replay is under way
	j.addPrefix("posts")
	j.settleKey(keys[0])
	j.settlePrefix(prefixes[0])
	require.True(t, j.covers("users:1"), "the acknowledgement was for the first failure")
	require.True(t, j.covers("posts:1"))
	keys, prefixes = j.pending()
	j.settleKey(keys[0])
	j.settlePrefix(prefixes[0])
	j.settleKey(keys[0]) // twice
	require.False(t, j.covers("users:1"))
	require.False(t, j.covers("posts:1"))
	require.Zero(t, j.size.Load())
}

func TestJournalOverflow(t *testing.T) {
	j := newJournal(3)
	require.False(t, j.addKeys("a", "b", "c"))
	require.False(t, j.addKeys("a", "b", "c"), "the same three")
	keys, _ := j.pending()
	require.True(t, j.addKeys("d", "e"))
	for _, k := range []string{"a", "d", "e", "anything"} {
		require.True(t, j.covers(k), k)
	}
	require.EqualValues(t, 1, j.size.Load())
	require.EqualValues(t, 1, j.overflows.Load())
	for _, k := range keys {
		j.settleKey(k)
	}
	require.True(t, j.covers("a"), "an acknowledgement of before the overflow")

	j = newJournal(3)
	for i := range 4 {
		j.addPrefix(fmt.Sprint(i))
	}
	require.True(t, j.covers("anything"))
	require.EqualValues(t, 1, j.size.Load())
}

func TestJournalWakesItsReplayer(t *testing.T) {
	j := newJournal(3)
	j.addKeys("a")
	j.addKeys("b")
	<-j.wake
	select {
	case <-j.wake:
		require.Fail(t, "woken twice")
	default:
	}
	j.addPrefix("p")
	<-j.wake
}
