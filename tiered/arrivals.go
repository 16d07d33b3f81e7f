package tiered

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/redis/go-redis/v9"
)

// arrivals asks the server behind every new connection whose data it serves, before the connection is used: after a
// failover, new connections may reach a master that was not told everything, while the link still hangs on the old one.
// Such a stranger closes the gate.
type arrivals struct {
	link     atomic.Pointer[link] // nil once the Store is closed
	stranger atomic.Pointer[stranger]

	mu     sync.Mutex
	hooked map[weak.Pointer[redis.Client]]struct{} // nodes of a Cluster
}

func newArrivals(l *link) *arrivals {
	a := &arrivals{hooked: map[weak.Pointer[redis.Client]]struct{}{}}
	a.link.Store(l)
	return a
}

// stranger is what was met on a new connection: a data set that this node does not know, or a replica.
type stranger struct {
	id string
	at time.Time
}

// strangerFor is how long the gate waits for a stranger to answer to the Store, too. The client may have gone back to a
// server that is known.
const strangerFor = time.Second

// watch puts a hook on a client, or on those of the nodes of a Cluster: of all that it will meet, and of those that it
// has met if it was used before.
func (a *arrivals) watch(rdb redis.UniversalClient) {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		prompt.AddHook(rdb, &doorman{arrivals: a})
		return
	}
	cluster.OnNewNode(a.hook)
	a.sweep(rdb)
}

// sweep puts hooks on the nodes of a Cluster that have none: a client that was in use may have made some while it was
// being watched for the first time.
func (a *arrivals) sweep(rdb redis.UniversalClient) {
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		met, cancel := context.WithCancel(context.Background())
		cancel() // nobody is asked for more
		_ = cluster.ForEachShard(met, func(_ context.Context, node *redis.Client) error {
			a.hook(node)
			return nil
		})
	}
}

func (a *arrivals) hook(node *redis.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := weak.Make(node)
	if _, done := a.hooked[key]; done {
		return
	}
	maps.DeleteFunc(a.hooked, func(key weak.Pointer[redis.Client], _ struct{}) bool { return key.Value() == nil })
	a.hooked[key] = struct{}{}
	node.AddHook(&doorman{arrivals: a})
}

// meet judges what a server has said of itself, and tells whether it must be asked again if it answers: replicas of a
// Cluster serve no reads, so one that does has been promoted. Until it has synchronized, a replica has an id of its own.
// Elsewhere a replica is read, and so a stranger, though it has its master's id.
func (a *arrivals) meet(l *link, info string) (again bool) {
	d, replica := parseReplication(info)
	known := l.known()
	_, met := known[d.id]
	switch {
	case replica && l.store.remote.cluster:
		return true
	case !replica && (met || d.id == "" || known == nil):
		return false
	}
	a.stranger.Store(&stranger{d.id, time.Now()})
	l.gate.Store(true)
	return false
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
