package cachetest

import (
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9"
)

// Redis is a Redis inside the process. Its methods may be called concurrently.
//
// The methods that fail do so for all nodes; those of a [Node] for that one alone.
type Redis struct {
	mini *miniredis.Miniredis

	mu   sync.Mutex
	nets []*redistest.Net
}

// NewRedis starts a Redis that ends with the test.
func NewRedis(t testing.TB) *Redis {
	t.Helper()
	mini, _ := redistest.Mini(t)
	return &Redis{mini: mini}
}

// Node is one process of many that share a Redis: a Store, and the network between it and Redis, which can fail.
type Node struct {
	Store *tiered.Store
	faults
}

// Node opens a Store over a network of its own; both end with the test. Each change may alter the options.
func (r *Redis) Node(t testing.TB, change ...func(*tiered.Options)) *Node {
	t.Helper()
	network := redistest.Network(t, r.mini)
	r.add(network)
	store := Store(t, append([]func(*tiered.Options){func(o *tiered.Options) { o.Redis = network.Client(t) }}, change...)...)
	return &Node{store, faults{network}}
}

// Client returns a client over a network that fails with the others: for what the program under test does with Redis
// itself, and for looks into it. It is closed with the test.
func (r *Redis) Client(t testing.TB) *redis.Client {
	t.Helper()
	network := redistest.Network(t, r.mini)
	r.add(network)
	return network.Client(t)
}

func (r *Redis) add(network *redistest.Net) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nets = append(r.nets, network)
}

// each changes all networks.
func (r *Redis) each(f func(*redistest.Net)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, network := range r.nets {
		f(network)
	}
}

// Answer makes Redis answer every command with an error, such as "LOADING Redis is loading the dataset in memory"; with
// "", as it should again.
func (r *Redis) Answer(err string) { r.mini.SetError(err) }

// Flush removes everything, as a restart without a snapshot does; connections stay.
func (r *Redis) Flush() { r.mini.FlushAll() }

// Cut breaks all connections; new ones work.
func (r *Redis) Cut() { r.each((*redistest.Net).Cut) }

// Down breaks all connections and refuses new ones, until Up. go-redis logs every dial that fails; its package logging can
// be told not to.
func (r *Redis) Down() { r.each((*redistest.Net).Down) }

// Up ends Down.
func (r *Redis) Up() { r.each((*redistest.Net).Up) }

// Silence keeps the present connections, but delivers nothing over them any more; new ones work. So behaves a firewall
// that has forgotten them.
func (r *Redis) Silence() { r.each((*redistest.Net).Silence) }

// Freeze keeps connections, and takes new ones, but delivers nothing until Thaw. So behaves a stopped process.
func (r *Redis) Freeze() { r.each((*redistest.Net).Freeze) }

// Thaw ends Freeze: what was sent meanwhile is delivered, though who sent it may have given up.
func (r *Redis) Thaw() { r.each((*redistest.Net).Thaw) }

// faults are what can happen to the network of one node.
type faults struct{ net *redistest.Net }

// Cut is Redis.Cut for one node.
func (f faults) Cut() { f.net.Cut() }

// Down is Redis.Down for one node.
func (f faults) Down() { f.net.Down() }

// Up is Redis.Up for one node.
func (f faults) Up() { f.net.Up() }

// Silence is Redis.Silence for one node.
func (f faults) Silence() { f.net.Silence() }

// Freeze is Redis.Freeze for one node.
func (f faults) Freeze() { f.net.Freeze() }

// Thaw is Redis.Thaw for one node.
func (f faults) Thaw() { f.net.Thaw() }
