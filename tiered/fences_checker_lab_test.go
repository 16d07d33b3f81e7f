package tiered_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

const (
	labStaleness = time.Second
	labFallback  = 5 * time.Second
	labLoadLimit = 2 * time.Second
	labMutation  = 10 * time.Second // the longest write of a Mutate
	labRecovery  = 5 * time.Second  // to when the promises to others hold again after a failover
	labPolicy    = time.Hour
)

var errLab = errors.New("the database is down")

// lab is some nodes with a cache each, over one Redis that can fail over to copies of itself, and the history that
// they make. It lives in a bubble.
type lab struct {
	*testing.T
	*history
	policy  ttl.Policy
	master  atomic.Pointer[miniredis.Miniredis]
	masters atomic.Int64  // so far
	raw     *redis.Client // of the master, over a network that does not fail
	members []*member
	work    sync.WaitGroup
}

// inLab runs f in a bubble with a lab of n nodes, and judges in the end, when all is well again.
func inLab(t *testing.T, n int, policy ttl.Policy, f func(l *lab)) (violations []string, trace string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(2 * time.Second) }) // for a client that dials again and again, to see that it is closed
		l := &lab{T: t, policy: policy}
		l.history = newHistory(labKey{1, 1}, labKey{1, 2}, labKey{2, 1}, labKey{2, 2})
		l.promote(nil)
		for range n {
			l.join()
		}
		defer l.close()
		f(l)
		l.settle()
		violations, trace = l.found()
	})
	return violations, trace
}

// pass lets time pass, and what is due in it happen.
func (l *lab) pass(d time.Duration) {
	redistest.Elapse(d)
	synctest.Wait()
}

// meanwhile runs f beside the script, which waits for it in the end.
func (l *lab) meanwhile(f func()) { l.work.Go(f) }

// slow makes the next load of key take so long.
func (l *lab) slow(key labKey, takes time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows[key].loads = append(l.rows[key].loads, labLoad{takes: takes})
}

// load is the loader of all nodes.
func (l *lab) load(ctx context.Context, key labKey) (string, error) {
	version, do := l.history.load(key)
	l.note("load of %v sees version %d", key, version)
	if do.takes > 0 {
		select {
		case <-time.After(do.takes):
		case <-ctx.Done():
			l.loadFailed(key)
			return "", ctx.Err()
		}
	}
	if do.fails {
		l.loadFailed(key)
		return "", errLab
	}
	return fmt.Sprint(version), nil
}

// replica is what a replica has of the master's data, and since when.
type replica struct {
	at      time.Time
	texts   map[string]string
	lives   map[string]time.Duration
	scores  map[string]float64
	zsetKey string
}

// replicate copies the master's data as they are now, with what fills are still under way.
func (l *lab) replicate() *replica {
	time.Sleep(time.Millisecond)
	r := &replica{at: time.Now(), texts: map[string]string{}, lives: map[string]time.Duration{}, scores: map[string]float64{}, zsetKey: "freshet:prefixes"}
	mini := l.master.Load()
	for _, k := range mini.Keys() {
		if mini.Type(k) == "string" {
			r.lives[k] = l.raw.PTTL(context.Background(), k).Val()
			r.texts[k], _ = mini.Get(k)
		}
	}
	for _, z := range l.raw.ZRangeWithScores(context.Background(), r.zsetKey, 0, -1).Val() { // a copy, unlike mini's
		r.scores[z.Member.(string)] = z.Score
	}
	return r
}

// promote makes a new master of a replica, nil for an empty one. It knows the scripts.
func (l *lab) promote(r *replica) {
	mini, raw := redistest.Mini(l.T)
	l.raw = raw
	for name := range tiered.Scripts() {
		require.NoError(l, l.raw.ScriptLoad(context.Background(), tiered.Source(name)).Err())
	}
	defer func() {
		l.master.Store(mini)
		l.masters.Add(1)
		for _, m := range l.members {
			m.net.Store(redistest.Network(l, mini))
		}
	}()
	if r == nil {
		return
	}
	gone := time.Since(r.at)
	for k, v := range r.texts {
		life := r.lives[k] - gone
		if r.lives[k] > 0 && life <= 0 {
			continue
		}
		require.NoError(l, mini.Set(k, v))
		if r.lives[k] > 0 {
			mini.SetTTL(k, life)
		}
	}
	for member, score := range r.scores {
		_, err := mini.ZAdd(r.zsetKey, score, member)
		require.NoError(l, err)
	}
}

// failover loses the master: a replica takes over, and nobody reaches the old one any more.
func (l *lab) failover(r *replica) {
	l.note("failover to a replica of %v ago", time.Since(r.at))
	var old []*redistest.Net
	for _, m := range l.members {
		old = append(old, m.net.Load())
	}
	l.promote(r)
	l.history.failover(time.Now().Add(labRecovery), func(node int) bool { return l.members[node].dead.Load() })
	for _, m := range l.members {
		if m.away.Load() || m.dead.Load() {
			m.net.Load().Down()
		}
	}
	for _, n := range old {
		n.Thaw()
		n.Down()
	}
}

// settle heals everything, lets time pass, and reads everything on every node, and on one that has just started.
func (l *lab) settle() {
	l.work.Wait()
	for _, m := range l.members {
		m.clear()
		if !m.dead.Load() {
			m.up()
		}
	}
	l.pass(20 * time.Second)
	l.history.settle(func(node int) bool { return l.members[node].dead.Load() })
	l.join()
	for range 2 {
		for _, m := range l.members {
			for key := range l.rows {
				if !m.dead.Load() {
					m.peek(key)
					m.get(key)
				}
			}
		}
		l.pass(2 * time.Second)
	}
}

// close ends the nodes, while there is a master that they can dial.
func (l *lab) close() {
	for _, m := range l.members {
		require.NoError(l, m.store.Close())
	}
}

// join starts one more node.
func (l *lab) join() *member {
	l.Helper()
	m := &member{lab: l, node: len(l.members)}
	m.net.Store(redistest.Network(l, l.master.Load()))
	rdb := m.net.Load().Client(l, func(o *redis.Options) {
		o.Dialer = m.dial
		o.ConnMaxIdleTime = time.Millisecond // over sockets, the client sees which idle connections are broken
	})
	prompt.AddHook(rdb, m) // so that callers make their own round trips, too
	store, err := tiered.Open(tiered.Options{
		Redis: rdb, MemoryBytes: 1 << 20, Engine: tiered.Otter, MaxStaleness: labStaleness, FallbackTTL: labFallback,
	})
	require.NoError(l, err)
	m.store = store
	l.members = append(l.members, m)
	m.cache, err = cache.New(l.load, cache.Options{
		Store: store, Name: "rows", TTL: l.policy, LoadTimeout: labLoadLimit, MutateTimeout: labMutation,
	})
	require.NoError(l, err)
	synctest.Wait()
	require.True(l, store.Stats().LinkUp)
	return m
}

// infoOf is what Redis says of its replication.
func (l *lab) infoOf(master int64) string {
	return fmt.Sprintf("# Replication\r\nrole:master\r\nmaster_replid:m%d\r\nmaster_replid2:m%d\r\n", master, master-1)
}

// keyOf is the row that a key in Redis is of.
func keyOf(redisKey string) (key labKey, ok bool) {
	n, err := fmt.Sscanf(strings.TrimPrefix(redisKey, "freshet:rows:"), "%d:%d", &key.Group, &key.Item)
	return key, err == nil && n == 2
}

var errLost = fmt.Errorf("the command was lost: %w", io.ErrUnexpectedEOF)
