package tiered_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// A failover that the link does not notice, since its own connection to the old master stands: new connections reach a
// master that has lost the last invalidation. It must not be read before it was told.
func TestRealFailoverThatTheLinkDoesNotNotice(t *testing.T) {
	for name, cut := range map[string][]string{"data connections": {"normal"}, "all connections": {"pubsub", "normal"}} {
		t.Run(name, func(t *testing.T) {
			old, next := redistest.Start(t), redistest.Start(t)
			var master atomic.Pointer[redistest.Server]
			master.Store(old)
			before, after := old.Client(t), next.Client(t)
			const timeout = time.Second
			rdb := redis.NewClient(&redis.Options{
				Addr: "master", ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
				DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout,
				Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", master.Load().Addr())
				},
				MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
			})
			t.Cleanup(func() { _ = rdb.Close() })
			s, err := tiered.Open(tiered.Options{Redis: rdb, MemoryBytes: 1 << 20, Engine: tiered.Otter, Budget: timeout})
			require.NoError(t, err)
			defer func() { require.NoError(t, s.Close()) }()
			w := &world{T: t, origin: map[string]string{"users:1": "old"}}
			n := &node{Store: s, world: w, rdb: rdb}
			n.reads("users:1", "old", fromOrigin)

			record := ""
			n.until(func() bool {
				record, err = before.Get(t.Context(), "freshet:users:1").Result()
				return err == nil && record[0] == 'V'
			}, "Redis has it")
			require.NoError(t, after.Set(t.Context(), "freshet:users:1", record, time.Hour).Err())
			w.origin["users:1"] = "new"
			require.NoError(t, n.Invalidate(t.Context(), "users:1")) // acknowledged by the one, lost by the other
			master.Store(next)
			for _, kind := range cut {
				require.NoError(t, before.ClientKillByFilter(t.Context(), "TYPE", kind, "SKIPME", "yes").Err())
			}
			redis := 0
			for end := time.Now().Add(20 * time.Second); redis == 0 && time.Now().Before(end); {
				v, from := n.get("users:1")
				require.Equal(t, "new", v, "from %s", from)
				require.NoError(t, after.Ping(t.Context()).Err()) // the pace
				if exists, err := after.Exists(t.Context(), "freshet:users:1").Result(); err == nil && exists == 1 {
					if now, _ := after.Get(t.Context(), "freshet:users:1").Result(); now != record {
						redis++
					}
				}
			}
			require.NotZero(t, redis, "the new master is in use again")
		})
	}
}
