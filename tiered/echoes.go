package tiered

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// echoes prove, on a Cluster, that what its masters publish reaches this node: a message travels from the master that
// executes a command to the one that the link hangs on, and a ping does not tell whether that way is open. So each master
// is asked to publish on a channel of this node's own, and only when all that were asked are heard the link is believed.
type echoes struct {
	store   *Store
	channel string

	mu     sync.Mutex
	asking bool
	rounds map[int64]*round // by the instant at which they began
}

// round is one question to all masters.
type round struct {
	asked map[string]bool // nil until all have been asked
	heard map[string]bool
}

const maxRounds = 16

func newEchoes(s *Store) *echoes {
	return &echoes{store: s, channel: s.channel() + ":" + strconv.FormatUint(s.publisher.id, 36), rounds: map[int64]*round{}}
}

// ask begins a round, in the background, unless one is under way. done is told where it ends.
func (e *echoes) ask(done *sync.WaitGroup) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.asking {
		return
	}
	e.asking = true
	at := e.store.clock.Exact()
	if len(e.rounds) >= maxRounds {
		clear(e.rounds)
	}
	e.rounds[at] = &round{heard: map[string]bool{}}
	done.Go(func() {
		asked, err := e.publish(at)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.asking = false
		if r := e.rounds[at]; r != nil && err == nil {
			r.asked = asked
		} else {
			delete(e.rounds, at)
		}
	})
}

func (e *echoes) publish(at int64) (asked map[string]bool, err error) {
	return guard(e.store.remote, probe, func(ctx context.Context) (map[string]bool, error) {
		var mu sync.Mutex
		asked := map[string]bool{}
		cluster := e.store.remote.rdb.(*redis.ClusterClient)
		err := cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
			name := c.Options().Addr
			mu.Lock()
			asked[name] = true
			mu.Unlock()
			return c.Publish(ctx, e.channel, fmt.Sprintf("%d %s", at, name)).Err()
		})
		return asked, err
	})
}

// hear takes an echo, and returns the instant of the newest round that is complete.
func (e *echoes) hear(payload string) (at int64, complete bool) {
	instant, name, _ := strings.Cut(payload, " ")
	began, err := strconv.ParseInt(instant, 10, 64)
	if err != nil {
		return 0, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.rounds[began]; r != nil {
		r.heard[name] = true
	}
	return e.newest()
}

// newest is the newest complete round; older ones are of no use any more.
func (e *echoes) newest() (at int64, complete bool) {
	for began, r := range e.rounds {
		all := len(r.asked) > 0
		for name := range r.asked {
			all = all && r.heard[name]
		}
		if all && began > at {
			at, complete = began, true
		}
	}
	for began := range e.rounds {
		if began < at {
			delete(e.rounds, began)
		}
	}
	return at, complete
}

// check returns what hear would, for rounds that were heard before all were known to be asked.
func (e *echoes) check() (at int64, complete bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.newest()
}
