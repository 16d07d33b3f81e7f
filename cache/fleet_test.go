package cache_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/stretchr/testify/require"
)

// In tests of real processes: how long something may take that takes milliseconds, and how often to look.
const (
	patience  = 20 * time.Second
	pollEvery = 5 * time.Millisecond
)

// staleFor is how long other nodes may answer with what was invalidated (F3): MaxStaleness, and an allowance for a busy
// machine.
const staleFor = tiered.DefaultMaxStaleness + time.Second

// versions is a database in which a write makes a key's next version. It remembers when the invalidation of which
// version had returned, and so knows what a read may answer.
type versions struct {
	mu    sync.Mutex
	rows  map[int]int
	told  map[int][]telling
	loads int

	most  int // loads under way at once, at most
	total int // loads under way
}

type telling struct {
	at       time.Time
	version  int
	deferred bool
}

func newVersions() *versions {
	return &versions{rows: map[int]int{}, told: map[int][]telling{}}
}

func (v *versions) load(_ context.Context, keys []int) (map[int]int, error) {
	v.mu.Lock()
	v.loads += len(keys)
	v.total += len(keys)
	v.most = max(v.most, v.total)
	out := make(map[int]int, len(keys))
	for _, k := range keys {
		out[k] = v.rows[k]
	}
	v.mu.Unlock()
	<-time.After(time.Millisecond)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.total -= len(keys)
	return out, nil
}

// write changes a key and returns its version.
func (v *versions) write(key int) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rows[key]++
	return v.rows[key]
}

func (v *versions) row(key int) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.rows[key]
}

func (v *versions) loaded() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.loads
}

// tell says that the invalidation of a version has returned.
func (v *versions) tell(key, version int, deferred bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.told[key] = append(v.told[key], telling{time.Now(), version, deferred})
}

// floor is the oldest version that a read of key at an instant may answer. Its writer has no patience; others hear
// within staleFor, and of what Redis could not be told they know nothing until their memory ends.
func (v *versions) floor(key int, at time.Time, others bool) (version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, t := range v.told[key] {
		due := t.at
		if others {
			due = due.Add(staleFor)
			if t.deferred {
				due = due.Add(tiered.DefaultFallbackTTL)
			}
		}
		if due.Before(at) {
			version = max(version, t.version)
		}
	}
	return version
}

// fleet is some nodes with a cache of the same database each.
type fleet struct {
	t      *testing.T
	db     *versions
	stores []*tiered.Store
	caches []*cache.Cached[int, int]

	budget time.Duration
	// unnoticed is for how long a change of masters may bring back what was invalidated, on all nodes.
	unnoticed time.Duration
	// parted is for how long nodes may follow different masters, and so not hear of each other.
	parted time.Duration

	reads, writes, deferred atomic.Uint64
	late                    atomic.Int64 // how long after an invalidation another node still had the old version
}

// Budgets of fleets on a busy machine: where Redis fails, and where it is only slow.
const (
	faulty  = 250 * time.Millisecond
	patient = 5 * time.Second
)

// newFleet starts n nodes over the Redis at url, each with a client of its own.
func newFleet(t *testing.T, n int, url string, budget time.Duration) *fleet {
	t.Helper()
	f := &fleet{t: t, db: newVersions(), budget: budget}
	for range n {
		f.join(url)
	}
	return f
}

// join starts one more node.
func (f *fleet) join(url string) (*tiered.Store, *cache.Cached[int, int]) {
	f.t.Helper()
	rdb, err := tiered.Dial(url + f.timeouts())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = rdb.Close() })
	store, err := tiered.Open(tiered.Options{Redis: rdb, MemoryBytes: 4 << 20, Budget: f.budget})
	require.NoError(f.t, err)
	f.t.Cleanup(func() { require.NoError(f.t, store.Close()) })
	c, err := cache.NewBatch(f.db.load, cache.Options{Store: store, Name: "v", MaxLoads: 8})
	require.NoError(f.t, err)
	f.stores, f.caches = append(f.stores, store), append(f.caches, c)
	f.until(func() bool { return store.Stats().LinkUp }, "the link comes up")
	return store, c
}

// timeouts are those of the client, as parameters of its URL.
func (f *fleet) timeouts() string {
	s := f.budget.String()
	return "&dial_timeout=" + s + "&read_timeout=" + s + "&write_timeout=" + s + "&pool_timeout=" + s
}

func (f *fleet) until(done func() bool, what string) {
	f.t.Helper()
	require.Eventually(f.t, done, patience, pollEvery, what)
}

const fleetKeys = 240

// traffic reads and writes on all nodes until the returned function is called, which then requires that all nodes have
// the newest of everything, once staleFor has passed. A key is always written by the same node, which must never read
// an older version than it has invalidated (F1); the others must not do so for longer than staleFor (F3). No Get may
// fail (F7).
func (f *fleet) traffic() (stop func()) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	for node := range f.caches {
		done.Go(func() { f.writer(ctx, node) })
		for range 2 {
			done.Go(func() { f.reader(ctx, node) })
		}
	}
	halt := func() { cancel(); done.Wait() }
	f.t.Cleanup(halt)
	return func() {
		f.t.Helper()
		halt()
		f.t.Logf("%d reads, %d writes, %d deferred, %d loads (at most %d at once); at most %v late elsewhere",
			f.reads.Load(), f.writes.Load(), f.deferred.Load(), f.db.loads, f.db.most, time.Duration(f.late.Load()))
		f.settles()
		for _, c := range f.caches {
			balanced(f.t, c.Stats(), -1)
			require.Zero(f.t, c.Stats().Errors)
		}
	}
}

// settles requires that within staleFor all nodes have the newest of everything.
func (f *fleet) settles() {
	f.t.Helper()
	end := time.Now().Add(staleFor)
	for node, c := range f.caches {
		for k := range fleetKeys {
			for {
				began := time.Now()
				v, err := c.Get(context.Background(), k)
				require.NoError(f.t, err)
				if v == f.db.row(k) {
					break
				}
				require.Less(f.t, began, end, "node %d still has version %d of %d instead of %d", node, v, k, f.db.row(k))
				<-time.After(pollEvery)
			}
		}
	}
}

func (f *fleet) writer(ctx context.Context, node int) {
	for ctx.Err() == nil {
		k := rand.N(fleetKeys/len(f.caches))*len(f.caches) + node
		version := f.db.write(k)
		err := f.caches[node].Invalidate(ctx, k)
		f.db.tell(k, version, err != nil)
		f.writes.Add(1)
		if errors.Is(err, tiered.ErrDeferred) {
			f.deferred.Add(1)
		} else if err != nil {
			f.t.Errorf("invalidate: %v", err)
		}
		<-time.After(rand.N(8 * time.Millisecond))
	}
}

func (f *fleet) reader(ctx context.Context, node int) {
	for ctx.Err() == nil && !f.t.Failed() {
		keys := []int{rand.N(fleetKeys)}
		if rand.N(10) == 0 {
			for range 20 {
				keys = append(keys, rand.N(fleetKeys))
			}
		}
		f.read(node, keys...)
		<-time.After(rand.N(time.Millisecond))
	}
}

// read checks what a node answers.
func (f *fleet) read(node int, keys ...int) {
	fallen := f.stores[node].Stats().Fallback
	began := time.Now()
	values, err := map[int]int{}, error(nil)
	if len(keys) == 1 {
		values[keys[0]], err = f.caches[node].Get(context.Background(), keys[0])
	} else {
		values, err = f.caches[node].GetMany(context.Background(), keys)
	}
	if err != nil {
		f.t.Errorf("get after %v: %v", time.Since(began), err)
		return
	}
	began = began.Add(-f.unnoticed)
	fallen = fallen || f.stores[node].Stats().Fallback
	for k, v := range values {
		f.reads.Add(1)
		others := k%len(f.caches) != node
		asOf := began
		if others {
			asOf = asOf.Add(-f.parted)
		}
		if others && fallen { // Redis is away, as far as this node knows
			asOf = asOf.Add(-tiered.DefaultFallbackTTL)
		}
		if floor := f.db.floor(k, asOf, others); v < floor {
			f.t.Errorf("node %d read version %d of %d, node %d has told all of version %d: %+v",
				node, v, k, k%len(f.caches), floor, f.stores[node].Stats())
		}
		if others && !fallen {
			f.lateness(k, v, began)
		}
	}
}

// lateness notes how long ago what v lacks was invalidated.
func (f *fleet) lateness(key, v int, began time.Time) {
	f.db.mu.Lock()
	defer f.db.mu.Unlock()
	for _, t := range f.db.told[key] {
		if t.version > v && !t.deferred {
			if late := int64(began.Sub(t.at)); late > f.late.Load() {
				f.late.Store(late)
			}
			return
		}
	}
}
