//go:build unix

package tiered_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/key"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// The record of many nodes is one key in one slot, whatever the cache is called.
func TestHotKeysOnACluster(t *testing.T) {
	c := redistest.StartCluster(t)
	open := func() *tiered.Store {
		s, err := tiered.Open(tiered.Options{Redis: c.Client(t), Budget: 2 * time.Second})
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Close() })
		require.Eventually(t, func() bool { return s.Stats().LinkUp }, waitFor, pollEvery)
		return s
	}
	s := open()
	names := []string{"users", "{posts}", "a:b", "%"}
	for _, name := range names {
		k := key.Join(name) + ":x"
		require.NoError(t, s.Register(name, unregisters{s, name}))
		s.Track(name, 1, func(int) ([]tiered.HotKey, float64) { return []tiered.HotKey{{Key: k, Reads: 64}}, 64 })
	}
	require.NoError(t, s.Close())
	next := open()
	for _, name := range names {
		all, err := next.HotKeys(t.Context(), name, 10)
		require.NoError(t, err)
		require.Len(t, all, 1, name)
		require.Equal(t, key.Join(name)+":x", all[0].Key)
	}
}
