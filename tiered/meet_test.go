package tiered

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
)

// A replica of a Cluster serves no reads, and until it has synchronized it has an id of its own, which nobody need wait
// for. When it is promoted, its id changes: new connections tell, and so does the next poll.
func TestMeet(t *testing.T) {
	const known, unknown = "master_replid:one\r\n", "master_replid:two\r\n"
	for _, c := range []struct {
		name, info string
		cluster    bool
		closes     bool
	}{
		{"the master that is known", "role:master\r\n" + known, false, false},
		{"another", "role:master\r\n" + unknown, false, true},
		{"one that does not say who it is", "role:master\r\n", false, false},
		{"a replica", "role:slave\r\n" + known, false, true},
		{"a Cluster's master", "role:master\r\n" + known, true, false},
		{"another of a Cluster", "role:master\r\n" + unknown, true, true},
		{"a Cluster's replica", "role:slave\r\n" + known, true, false},
		{"a Cluster's replica that has not synchronized", "role:slave\r\n" + unknown, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &link{store: &Store{remote: &remote{cluster: c.cluster}}}
			l.arrivals = newArrivals(l)
			l.know(map[string]dataset{"one": {id: "one"}})
			l.arrivals.meet(l, c.info)
			require.Equal(t, c.closes, l.gate.Load())
		})
	}
}

// A program may have asked a Cluster something before it opens a Store on the client.
func TestNodesOfAClusterThatWereMetBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mini, _ := redistest.Mini(t)
		net := redistest.Network(t, mini)
		rdb := redis.NewClusterClient(&redis.ClusterOptions{
			Dialer: net.Dial,
			ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
				return []redis.ClusterSlot{{Start: 0, End: 16383, Nodes: []redis.ClusterNode{{Addr: "redistest"}}}}, nil
			},
		})
		defer func() { require.NoError(t, rdb.Close()) }()
		require.NoError(t, rdb.Ping(t.Context()).Err())

		l := &link{store: &Store{remote: &remote{cluster: true}}}
		l.arrivals = newArrivals(l)
		l.know(map[string]dataset{"one": {id: "one"}})
		l.arrivals.watch(rdb)
		mini.Server().SetPreHook(func(c *server.Peer, cmd string, _ ...string) bool {
			if cmd == "INFO" {
				c.WriteBulk("role:master\r\nmaster_replid:two\r\n")
			}
			return cmd == "INFO"
		})
		net.Cut()
		for range 3 { // the first find that their connections are broken
			_ = rdb.Ping(t.Context())
		}
		require.True(t, l.gate.Load())
	})
}

// A client outlives its Stores, which must not pile up behind its hooks.
func TestAClosedStoreIsFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := redistest.Mini(t)
		open := func() weak.Pointer[fence] {
			s, err := Open(Options{Redis: rdb, MemoryBytes: 1 << 20})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			return weak.Make(s.fence)
		}
		closed := open()
		runtime.GC()
		require.True(t, closed.Value() == nil) // which would be long to show
		require.NoError(t, rdb.Ping(t.Context()).Err())
	})
}

// A replica that is promoted while connections to it are open is asked again before its first answer is used.
func TestAReplicaThatAnswersIsAskedAgain(t *testing.T) {
	for name, read := range map[string]func(context.Context, *redis.Client) error{
		"command": func(ctx context.Context, c *redis.Client) error { return c.Get(ctx, "k").Err() },
		"pipeline": func(ctx context.Context, c *redis.Client) error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error { p.Get(ctx, "k"); p.Get(ctx, "l"); return nil })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mini, _ := redistest.Mini(t)
				role, id, asked := "slave", "one", 0
				mini.Server().SetPreHook(func(c *server.Peer, cmd string, _ ...string) bool {
					switch {
					case cmd == "INFO":
						asked++
						c.WriteBulk("role:" + role + "\r\nmaster_replid:" + id + "\r\n")
					case cmd == "GET" && role == "slave":
						c.WriteError("MOVED 1 127.0.0.1:1")
					default:
						return false
					}
					return true
				})
				l := &link{store: &Store{remote: &remote{cluster: true}}}
				l.arrivals = newArrivals(l)
				l.know(map[string]dataset{"one": {id: "one"}})
				node := redistest.Client(t, mini)
				l.arrivals.hook(node)
				l.arrivals.hook(node) // once is enough
				require.ErrorContains(t, read(t.Context(), node), "MOVED")
				require.Equal(t, 1, asked, "on the new connection")
				require.False(t, l.gate.Load())

				role, id = "master", "two"
				require.ErrorIs(t, read(t.Context(), node), redis.Nil)
				require.True(t, l.gate.Load(), "before the answer was used")
				require.Equal(t, 2, asked)
				require.ErrorIs(t, read(t.Context(), node), redis.Nil)
				require.Equal(t, 2, asked, "a master is not asked again")
			})
		})
	}
}
