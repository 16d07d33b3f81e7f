package tiered

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/redis/go-redis/v9"
)

// arrivals is a hook that asks the server behind every new connection whose data it serves, before the connection is
// used: after a failover, new connections may reach a master that was not told everything, while the link still hangs
// on the old one. Such a stranger closes the gate.
type arrivals struct {
	link     *link
	closed   atomic.Bool // a hook cannot be taken off a client
	stranger atomic.Pointer[stranger]
}

// stranger is a data set that was met on a new connection, and that this node does not know.
type stranger struct {
	id string
	at time.Time
}

// strangerFor is how long the gate waits for a stranger to answer to the Store, too. The client may have gone back to a
// server that is known.
const strangerFor = time.Second

// watch puts the hook on a client, and on those of the nodes of a Cluster.
func (a *arrivals) watch(rdb redis.UniversalClient) {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		prompt.AddHook(rdb, a)
		return
	}
	cluster.OnNewNode(func(node *redis.Client) { node.AddHook(a) })
}

// DialHook does nothing.
func (a *arrivals) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook waits for the greeting that is the first command on every connection.
func (a *arrivals) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && cmd.Name() == "hello" && !a.closed.Load() {
			info := redis.NewStringCmd(ctx, "info", "replication")
			if next(ctx, info) == nil {
				a.meet(info.Val())
			}
		}
		return err
	}
}

// ProcessPipelineHook does nothing.
func (a *arrivals) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// meet judges what a server has said of itself.
func (a *arrivals) meet(info string) {
	d, _ := parseReplication(info)
	known := a.link.known()
	if _, ok := known[d.id]; ok || d.id == "" || known == nil {
		return
	}
	a.stranger.Store(&stranger{d.id, time.Now()})
	a.link.gate.Store(true)
}

// missing tells whether a stranger was met that is not among the data sets that answer now.
func (a *arrivals) missing(sets map[string]dataset) bool {
	s := a.stranger.Load()
	if s == nil {
		return false
	}
	_, ok := sets[s.id]
	return !ok && time.Since(s.at) < strangerFor
}
