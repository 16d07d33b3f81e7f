package redistest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freshet-go/freshet/internal/redistest"
)

func TestMain(m *testing.M) {
	logging.Disable() // the client reports every failed dial
	goleak.VerifyTestMain(m)
}

func TestMiniLivesInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := redistest.Mini(t)
		ctx := t.Context()
		require.NoError(t, rdb.Set(ctx, "k", "v", time.Minute).Err())
		require.Equal(t, "v", redistest.Client(t, m).Get(ctx, "k").Val())

		redistest.Elapse(59 * time.Second)
		require.Equal(t, "v", rdb.Get(ctx, "k").Val())
		redistest.Elapse(time.Second)
		require.ErrorIs(t, rdb.Get(ctx, "k").Err(), redis.Nil)

		m.SetError("LOADING of a data set")
		require.ErrorContains(t, rdb.Get(ctx, "k").Err(), "LOADING")
		m.SetError("")
		require.NoError(t, rdb.Ping(ctx).Err())
	})
}

func TestPipelinesLargerThanAnyBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := redistest.Mini(t)
		pipe := rdb.Pipeline()
		for i := range 2_000 {
			pipe.Set(t.Context(), fmt.Sprint(i), make([]byte, 100), 0)
			pipe.Get(t.Context(), fmt.Sprint(i))
		}
		_, err := pipe.Exec(t.Context())
		require.NoError(t, err)
	})
}

func TestDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, other := redistest.Mini(t)
		n := redistest.Network(t, m)
		rdb := n.Client(t)
		require.NoError(t, rdb.Ping(t.Context()).Err())
		n.Down()
		require.Error(t, rdb.Ping(t.Context()).Err(), "its connection was cut")
		require.ErrorContains(t, rdb.Ping(t.Context()).Err(), "refused")
		require.NoError(t, other.Ping(t.Context()).Err(), "another network")
		n.Up()
		require.NoError(t, rdb.Ping(t.Context()).Err())
	})
}

func TestFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, other := redistest.Mini(t)
		n := redistest.Network(t, m)
		rdb := n.Client(t)
		require.NoError(t, rdb.Ping(t.Context()).Err())
		n.Freeze()
		for range 2 { // over the present connection, and over a new one
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			began := time.Now()
			require.Error(t, rdb.Set(ctx, "k", "late", 0).Err())
			require.Equal(t, 50*time.Millisecond, time.Since(began))
			cancel()
		}
		require.ErrorIs(t, other.Get(t.Context(), "k").Err(), redis.Nil)
		n.Thaw()
		synctest.Wait()
		require.Equal(t, "late", other.Get(t.Context(), "k").Val(), "what was sent is executed in the end")
		require.Equal(t, "late", rdb.Get(t.Context(), "k").Val())
	})
}

func TestPubSub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := redistest.Mini(t)
		n := redistest.Network(t, m)
		sub := n.Client(t).Subscribe(t.Context(), "c")
		defer func() { _ = sub.Close() }()
		_, err := sub.ReceiveTimeout(t.Context(), time.Second)
		require.NoError(t, err)

		n.Freeze()
		require.NoError(t, rdb.Publish(t.Context(), "c", "1").Err(), "a frozen subscriber stops no publisher")
		_, err = sub.ReceiveTimeout(t.Context(), time.Second)
		require.Error(t, err)
		n.Thaw()
		got, err := sub.ReceiveTimeout(t.Context(), time.Second)
		require.NoError(t, err)
		require.Equal(t, "1", got.(*redis.Message).Payload)

		n.Cut()
		_, err = sub.ReceiveTimeout(t.Context(), time.Second)
		require.Error(t, err)
	})
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := redistest.Mini(t)
		n := redistest.Network(t, m)
		rdb := n.Client(t)
		require.NoError(t, rdb.Ping(t.Context()).Err())
		n.Silence()
		require.Error(t, rdb.Ping(t.Context()).Err(), "over the present connection")
		require.NoError(t, rdb.Ping(t.Context()).Err(), "over a new one")
		require.Equal(t, 2, n.Dials())
	})
}
