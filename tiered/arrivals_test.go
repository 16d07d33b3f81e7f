package tiered_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
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

// A new connection whose server does not answer in time who it is, is not used: nobody knows what it is, and the answer may
// still come, in the place of another.
func TestAConnectionThatDoesNotSayWhoItIs(t *testing.T) {
	inBubble(t, func(w *world) {
		net := redistest.Network(w, w.mini)
		n := w.nodeOver(net, net.Client(w, func(o *redis.Options) { o.DisableIdentity = true }))
		require.NoError(w, w.rdb.Set(w.Context(), "k", "v", 0).Err())
		w.mini.Server().SetPreHook(func(_ *server.Peer, cmd string, _ ...string) bool {
			if cmd == "INFO" {
				time.Sleep(n.rdb.Options().ReadTimeout + time.Millisecond)
			}
			return false
		})
		net.Cut()
		for range 10 {
			err := n.rdb.Get(w.Context(), "k").Err()
			var answer redis.Error
			require.Error(w, err)
			require.NotErrorAs(w, err, &answer, "that is the answer to another question")
		}
		w.mini.Server().SetPreHook(nil)
		require.Equal(w, "v", n.rdb.Get(w.Context(), "k").Val())
	})
}

// A replica that new connections reach lags behind what this node has invalidated, though it has the id of its master.
func TestAReplicaThatIsNotAClustersIsNotRead(t *testing.T) {
	inBubble(t, func(w *world) {
		var replica atomic.Bool
		says := func(c *server.Peer, cmd string, _ ...string) bool {
			if cmd == "INFO" {
				role := map[bool]string{false: "master", true: "slave"}[replica.Load()]
				c.WriteBulk("role:" + role + "\r\nmaster_replid:one\r\n")
			}
			return cmd == "INFO"
		}
		w.mini.Server().SetPreHook(says)
		for name, meet := range map[string]func(*node){
			"new connection": func(n *node) {
				other := n.rdb.Subscribe(w.Context(), "other") // on a connection of its own
				_, err := other.Receive(w.Context())
				require.NoError(w, err)
				require.NoError(w, other.Close())
			},
			"open connection": func(*node) { w.elapse(time.Second) }, // until it is asked again
		} {
			replica.Store(false)
			n := w.node()
			w.elapse(2 * time.Second)
			require.True(w, n.Stats().LinkUp, name)
			w.origin["users:1"] = "v"
			n.get("users:1")
			replica.Store(true)
			meet(n)
			for range 5 {
				f := n.fetch("users:1")
				n.Look(f)
				require.Equal(w, tiered.Unseen, f.Outcome, name)
				w.elapse(time.Second)
			}
			replica.Store(false)
			w.elapse(3 * time.Second)
			n.reads("users:1", "v", fromRedis, name)
			require.NoError(w, n.Close())
		}
	})
}
