package tiered

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// arrivals is a hook that asks the server behind every new connection whose data it serves, before the connection is
// used: after a failover, new connections may reach a master that was not told everything, while the link still hangs
// on the old one. Such a stranger closes the gate.
//
// A hook cannot be taken off a client. That of a closed Store does nothing, and holds nothing.
type arrivals struct {
	link     atomic.Pointer[link] // nil once the Store is closed
	stranger atomic.Pointer[stranger]
}

// stranger is what was met on a new connection: a data set that this node does not know, or a replica.
type stranger struct {
	id string
	at time.Time
}

// strangerFor is how long the gate waits for a stranger to answer to the Store, too. The client may have gone back to a
// server that is known.
const strangerFor = time.Second

// watch puts the hook on a client, and on those of the nodes of a Cluster: of all that it will meet, and of those that it
// has met if it was used before.
func (a *arrivals) watch(rdb redis.UniversalClient) {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		rdb.AddHook(a)
		return
	}
	cluster.OnNewNode(func(node *redis.Client) { node.AddHook(a) })
	met, cancel := context.WithCancel(context.Background())
	cancel() // nobody is asked for more
	_ = cluster.ForEachShard(met, func(_ context.Context, node *redis.Client) error { node.AddHook(a); return nil })
}

// DialHook dials only for contexts that are not over: whoever gave one that is over wants no connection.
func (a *arrivals) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return next(ctx, network, addr)
	}
}

// ProcessHook waits for the greeting that is the first command on every connection. A connection on which the question is
// not answered must not be used: the client would take an answer that is late for that to its next command.
func (a *arrivals) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		l := a.link.Load()
		if err != nil || cmd.Name() != "hello" || l == nil {
			return err
		}
		info := redis.NewStringCmd(ctx, "info", "replication")
		err = next(ctx, info)
		var refusal redis.Error
		switch {
		case err == nil:
			a.meet(l, info.Val())
		case !errors.As(err, &refusal):
			return err
		}
		return nil
	}
}

// ProcessPipelineHook does nothing.
func (a *arrivals) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// meet judges what a server has said of itself. Replicas of a Cluster are passed over: they serve no reads, and one that has
// not synchronized yet has an id of its own. One that is promoted while connections to it are open is found by a poll.
// Elsewhere a replica is read, and so a stranger, though it has its master's id.
func (a *arrivals) meet(l *link, info string) {
	d, replica := parseReplication(info)
	known := l.known()
	_, met := known[d.id]
	switch {
	case replica && l.store.remote.cluster:
		return
	case !replica && (met || d.id == "" || known == nil):
		return
	}
	a.stranger.Store(&stranger{d.id, time.Now()})
	l.gate.Store(true)
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
