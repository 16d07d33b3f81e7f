package main

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/examples/social/internal/capacity"
	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// TestRestartBeginsWarm: what was read most is read back, hottest first, before the service says that it is ready; then
// it is answered from memory.
func TestRestartBeginsWarm(t *testing.T) {
	p := origin.Population{Users: 100, Seed: 3}
	s := settings{
		redisURL: "redis://" + miniredis.RunT(t).Addr(), warm: 5, users: p.Users,
		capacity: capacity.Settings{Workers: 1, Threads: 1, Timeout: patience},
	}
	b, err := openBackend(t.Context(), s, p)
	require.NoError(t, err)
	defer func() { require.NoError(t, b.close()) }()
	b.budget = patience

	// live runs the service from its start to its end, and use in between. It returns what it has shown.
	live := func(use func(*service.Cached)) string {
		log := slog.New(slog.DiscardHandler)
		store, err := b.openStore(log)
		require.NoError(t, err)
		data, err := service.NewCached(b.db, store)
		require.NoError(t, err)
		server, err := listen(t.Context(), "127.0.0.1:0", data, s, log)
		require.NoError(t, err)
		ready := func() int {
			r, err := http.Get(server.url + "/readyz")
			require.NoError(t, err)
			require.NoError(t, r.Body.Close())
			return r.StatusCode
		}
		require.Equal(t, http.StatusServiceUnavailable, ready())
		var out buffer
		warm(t.Context(), s, data, server, &out, log)
		require.Equal(t, http.StatusOK, ready())
		use(data)
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, server.close(0))
		require.ErrorIs(t, <-server.done, http.ErrServerClosed)
		data.Close()
		require.NoError(t, store.Close())
		return out.String()
	}
	feeds := func(data *service.Cached, users ...int64) {
		for _, user := range users {
			_, err := data.Feed(context.Background(), user)
			require.NoError(t, err)
		}
	}

	hot := []int64{80, 81} // none of those that nobody needs to remember
	first := live(func(data *service.Cached) {
		for range 20 * cache.SampleEvery {
			feeds(data, hot...)
		}
		feeds(data, 82, 83, 84) // as often as chance has it, in no sample
	})
	require.Contains(t, first, "pre-warmed 1/10: following, 5 keys")

	second := live(func(data *service.Cached) {
		queries, before := b.db.Calls(), hits(data)
		feeds(data, hot...)
		require.Equal(t, queries, b.db.Calls(), "the database was asked")
		after := hits(data)
		require.Equal(t, before.redis, after.redis, "Redis was asked")
		require.Greater(t, after.memory, before.memory)
	})
	require.Contains(t, second, "pre-warmed 1/3: following, 2 keys")
	require.Contains(t, second, "pre-warmed 3/3: posts_user, ")
}

type tiers struct{ memory, redis uint64 }

func hits(data *service.Cached) (n tiers) {
	for _, c := range data.Stats().Caches {
		n.memory += c.Stats.MemoryHits
		n.redis += c.Stats.RedisHits
	}
	return n
}
