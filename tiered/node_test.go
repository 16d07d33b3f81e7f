package tiered_test

import (
	"context"
	"hash/maphash"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// world is a Redis in a bubble and an origin of values, for nodes that share both.
type world struct {
	*testing.T
	mini   *miniredis.Miniredis
	rdb    *redis.Client // over a network that does not fail
	origin map[string]string
}

// inBubble runs f in a synctest bubble with a world of its own.
func inBubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, rdb := redistest.Mini(t)
		f(&world{t, m, rdb, map[string]string{}})
	})
}

// node is a process with a Store, over a network of its own.
type node struct {
	*tiered.Store
	world *world
	net   *redistest.Net
	rdb   *redis.Client
}

// node starts a node; change may set its options.
func (w *world) node(change ...func(*tiered.Options)) *node {
	w.Helper()
	net := redistest.Network(w, w.mini)
	return w.nodeOver(net, net.Client(w), change...)
}

// nodeOver starts a node with a client of its own.
func (w *world) nodeOver(net *redistest.Net, rdb *redis.Client, change ...func(*tiered.Options)) *node {
	w.Helper()
	o := tiered.Options{Redis: rdb, MemoryBytes: 1 << 20, Engine: tiered.Otter}
	for _, f := range change {
		f(&o)
	}
	s, err := tiered.Open(o)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, s.Close()) })
	return &node{s, w, net, rdb}
}

// entry is what a cache keeps in memory.
type entry struct {
	tiered.Entry
	key, value string
}

var (
	seed         = maphash.MakeSeed()
	texts, _     = tiered.CodecFor(reflect.TypeFor[string](), tiered.CBOR)
	anHour       = ttl.Lifetime{Fresh: time.Hour, Stale: time.Hour, Keep: 2 * time.Hour}
	leaseOfTests = 3 * time.Second
)

// Where an answer came from.
const (
	fromMemory = "memory"
	fromRedis  = "redis"
	fromOrigin = "origin"
)

// peek answers from memory alone.
func (n *node) peek(key string) (value string, ok bool) {
	item, ok := n.Lookup(maphash.String(seed, key))
	if !ok {
		return "", false
	}
	e := item.(*entry)
	f := n.Freshness(&e.Entry)
	if f == tiered.Unsettled {
		f = n.Settle(&e.Entry, []byte(key))
	}
	return e.value, f == tiered.Fresh && e.key == key
}

// fetch makes a Fetch with a Stamp of now.
func (n *node) fetch(key string) *tiered.Fetch {
	return &tiered.Fetch{Key: key, Codec: texts, Stamp: n.Stamp(key), Lease: leaseOfTests}
}

// keep keeps a value in memory as f allows.
func (n *node) keep(f *tiered.Fetch, value string, life ttl.Lifetime) {
	if n.Keepable(f) {
		e := &entry{key: f.Key, value: value}
		n.Seal(&e.Entry, f.Stamp, life, n.Instant(), false, int64(len(value))+200)
		n.Keep(maphash.String(seed, f.Key), e)
	}
}

// get is a read as package cache makes it, without flights.
func (n *node) get(key string) (value, from string) {
	if v, ok := n.peek(key); ok {
		return v, fromMemory
	}
	f := n.fetch(key)
	n.Acquire(f)
	if f.Outcome == tiered.Busy {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		n.Await(ctx, f)
	}
	if f.Outcome == tiered.Found && n.Decode(f, &value) == nil {
		n.keep(f, value, f.Life())
		return value, fromRedis
	}
	value = n.world.origin[key]
	n.load(f, value)
	return value, fromOrigin
}

// load ends f with a value.
func (n *node) load(f *tiered.Fetch, value string) {
	n.keep(f, value, anHour)
	n.Fill(tiered.Fill{Fetch: f, Value: &value, Life: anHour})
}

// reads requires what a read answers and where from.
func (n *node) reads(key, value, from string, why ...any) {
	n.world.Helper()
	v, f := n.get(key)
	require.Equal(n.world, [2]string{value, from}, [2]string{v, f}, why...)
}

// stored returns what Redis holds under a key: "" or the kind.
func (w *world) stored(key string) string {
	b, _ := w.rdb.Get(w.Context(), "freshet:"+key).Result()
	return b[:min(len(b), 1)]
}

// elapse lets time pass, and what it brings about happen.
func (w *world) elapse(d time.Duration) {
	redistest.Elapse(d)
	synctest.Wait()
}

// took returns how long f takes on the bubble's clock.
func took(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// exhaust makes reads that fail, until the breaker or the link has noticed that Redis is away.
func (n *node) exhaust() {
	n.world.Helper()
	for range 10 {
		n.Look(n.fetch("exhaust"))
	}
	require.Zero(n.world, took(func() { n.Look(n.fetch("exhaust")) }), "reads still wait for Redis")
}

// For what happens in real time.
const (
	waitFor   = 20 * time.Second
	pollEvery = 5 * time.Millisecond
)
