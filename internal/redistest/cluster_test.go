//go:build unix

package redistest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
)

const (
	soon  = 20 * time.Second
	often = 10 * time.Millisecond
)

func holds(t *testing.T, rdb redis.Cmdable, key, value string) {
	t.Helper()
	v, err := rdb.Get(t.Context(), key).Result()
	require.NoError(t, err)
	require.Equal(t, value, v)
}

func TestCluster(t *testing.T) {
	began := time.Now()
	c := redistest.StartCluster(t)
	t.Log("started in", time.Since(began))
	rdb, ctx := c.Client(t), t.Context()
	require.Len(t, c.Masters(), 3)
	for i := range 50 {
		require.NoError(t, rdb.Set(ctx, fmt.Sprint("k", i), i, 0).Err())
	}

	first := c.Owner("k1")
	second := first.Replica()
	first.Failover()
	require.Equal(t, second, c.Owner("k1"))
	c.Settle()
	require.Equal(t, first, second.Replica())

	second.Kill()
	first.AwaitMaster()
	second.Restart()
	c.Settle()
	require.Equal(t, second, first.Replica())
	holds(t, rdb, "k1", "1")

	other := c.Owner("k2")
	require.NotEqual(t, first, other)
	steps := 0
	c.MoveSlot(c.Slot("k1"), other, func() {
		steps++
		holds(t, rdb, "k1", "1")
	})
	require.Equal(t, 2, steps)
	require.Equal(t, other, c.Owner("k1"))
	holds(t, rdb, "k1", "1")
	t.Log("all in", time.Since(began))
}

func TestClusterMutedAndParted(t *testing.T) {
	c := redistest.StartCluster(t)
	ctx := t.Context()
	m := c.Masters()
	speaker, hearer := m[0].Client(t), m[1].Client(t).Subscribe(ctx, "news")
	defer func() { require.NoError(t, hearer.Close()) }()
	_, err := hearer.Receive(ctx)
	require.NoError(t, err)
	hears := func() bool {
		require.NoError(t, speaker.Publish(ctx, "news", 1).Err())
		_, err := hearer.ReceiveTimeout(ctx, 100*time.Millisecond)
		return err == nil
	}
	require.Eventually(t, hears, soon, often)
	m[0].Mute(m[1])
	require.False(t, hears())
	m[0].Heal(m[1])
	require.True(t, hears())
	m[0].Part(m[1])
	require.False(t, hears())
	m[0].Heal(m[1])
	require.Eventually(t, hears, soon, often)
	c.Settle()
}

func TestClusterGrowsAndShrinks(t *testing.T) {
	c := redistest.StartCluster(t)
	rdb, ctx := c.Client(t), t.Context()
	n := c.Add()
	old := c.Owner("k1")
	require.NoError(t, rdb.Set(ctx, "k1", 1, 0).Err())
	c.MoveSlot(c.Slot("k1"), n, nil)
	c.Settle()
	require.Equal(t, n, c.Owner("k1"))
	holds(t, rdb, "k1", "1")
	c.MoveSlot(c.Slot("k1"), old, nil)
	n.Remove()
	c.Settle()
	holds(t, rdb, "k1", "1")
	require.Len(t, c.Masters(), 3)
}

// What a replica that has lost its master does not know is gone when it takes its place.
func TestClusterForsake(t *testing.T) {
	c := redistest.StartCluster(t)
	rdb, ctx := c.Client(t), t.Context()
	require.NoError(t, rdb.Set(ctx, "k1", "old", 0).Err())
	first := c.Owner("k1")
	second := first.Replica()
	require.Eventually(t, func() bool { return second.Info("slave_repl_offset") == first.Info("master_repl_offset") }, soon, often)
	second.Forsake()
	require.NoError(t, rdb.Set(ctx, "k1", "new", 0).Err())
	first.Kill()
	second.AwaitMaster()
	require.Equal(t, second, c.Owner("k1"))
	c.Settle()
	holds(t, rdb, "k1", "old")
}
