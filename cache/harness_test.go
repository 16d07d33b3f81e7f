package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

var errDown = errors.New("the database is down")

// ctx of calls for which it does not matter.
var bg = context.Background()

// pass lets fake time pass, and what is due in it happen.
func pass(d time.Duration) {
	redistest.Elapse(d)
	synctest.Wait()
}

// world is some nodes, each with a Store of its own, over one miniredis or over none.
type world struct {
	*testing.T
	mini  *miniredis.Miniredis // nil: memory only
	nets  []*redistest.Net     // of each node
	nodes []*tiered.Store
}

// newWorld makes a world of n nodes; memory only if n is 0. Call it in a bubble.
func newWorld(t *testing.T, n int, change ...func(*tiered.Options)) *world {
	t.Helper()
	w := &world{T: t}
	t.Cleanup(func() { pass(time.Minute) }) // for loads that ignore their context
	if n > 0 {
		w.mini, _ = redistest.Mini(t)
	}
	for range max(n, 1) {
		o := tiered.Options{MemoryBytes: 1 << 20}
		if n > 0 {
			network := redistest.Network(t, w.mini)
			w.nets = append(w.nets, network)
			o.Redis = network.Client(t)
		}
		for _, f := range change {
			f(&o)
		}
		store, err := tiered.Open(o)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, store.Close()) })
		w.nodes = append(w.nodes, store)
	}
	synctest.Wait()
	return w
}

// shared tells whether there is a Redis.
func (w *world) shared() bool { return w.mini != nil }

// last is the node that is farthest from the first.
func (w *world) last() int { return len(w.nodes) - 1 }

// inWorlds runs f in a bubble for memory alone, for one node, and for two.
func inWorlds(t *testing.T, f func(w *world)) {
	t.Helper()
	inSomeWorlds(t, []int{0, 1, 2}, f)
}

func inSomeWorlds(t *testing.T, sizes []int, f func(w *world)) {
	t.Helper()
	names := []string{"memory", "one node", "two nodes", "three nodes"}
	for _, n := range sizes {
		t.Run(names[n], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(newWorld(t, n)) })
		})
	}
}

// bubble runs f in a bubble.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

type rows = cache.Cached[string, string]

// open makes a cache called "rows" of src on a node. The policy of zero options is ten seconds.
func (w *world) open(node int, src *source, o cache.Options) *rows {
	w.Helper()
	return openOn(w.T, w.nodes[node], src, o)
}

func openOn(t *testing.T, store *tiered.Store, src *source, o cache.Options) *rows {
	t.Helper()
	o.Store = store
	if o.Name == "" {
		o.Name = "rows"
	}
	if o.TTL.IsZero() {
		o.TTL = ttl.Fixed(10 * time.Second)
	}
	c, err := cache.New(src.load, o)
	require.NoError(t, err)
	return c
}

// openAll makes one cache per node.
func (w *world) openAll(src *source, o cache.Options) []*rows {
	w.Helper()
	var all []*rows
	for i := range w.nodes {
		all = append(all, w.open(i, src, o))
	}
	return all
}

// source is the database. A load reads its row when it begins, and takes as long as it is told: the most dangerous one.
type source struct {
	mu    sync.Mutex
	rows  map[string]string
	takes time.Duration
	deaf  bool // loads ignore their context
	err   error
	calls []string
}

func newSource(rows ...string) *source {
	s := &source{rows: map[string]string{}}
	for i := 0; i < len(rows); i += 2 {
		s.rows[rows[i]] = rows[i+1]
	}
	return s
}

func (s *source) set(key, row string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[key] = row
}

func (s *source) change(f func(*source)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *source) slow(d time.Duration) { s.change(func(s *source) { s.takes = d }) }
func (s *source) fail(err error)       { s.change(func(s *source) { s.err = err }) }

// loads is how often key was loaded; all keys if it is empty.
func (s *source) loads(key string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.calls {
		if key == "" || k == key {
			n++
		}
	}
	return n
}

func (s *source) load(ctx context.Context, key string) (string, error) {
	s.mu.Lock()
	row, ok := s.rows[key]
	takes, deaf, err := s.takes, s.deaf, s.err
	s.calls = append(s.calls, key)
	s.mu.Unlock()
	if takes > 0 {
		if deaf {
			ctx = context.WithoutCancel(ctx)
		}
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if err != nil {
		return "", err
	}
	if !ok {
		return "", cache.ErrNotFound
	}
	return row, nil
}

// answer is what a call in the background came to.
type answer struct {
	value string
	err   error
	after time.Duration
}

// async calls f in the background.
func async(f func() (string, error)) <-chan answer {
	ch := make(chan answer, 1)
	start := time.Now()
	go func() {
		done := false
		defer func() {
			if !done {
				ch <- answer{err: errors.New("the caller panicked")}
			}
		}()
		v, err := f()
		done = true
		ch <- answer{v, err, time.Since(start)}
	}()
	return ch
}

// get expects key to have the value want.
func get(t testing.TB, c *rows, key, want string) {
	t.Helper()
	v, err := c.Get(bg, key)
	require.NoError(t, err)
	require.Equal(t, want, v)
}

// missing expects key not to be found.
func missing(t testing.TB, c *rows, key string) {
	t.Helper()
	v, err := c.Get(bg, key)
	require.ErrorIs(t, err, cache.ErrNotFound)
	require.Empty(t, v)
}

// balanced expects the books to balance, for so many keys asked for (if not negative).
func balanced(t testing.TB, s cache.Stats, requests int) {
	t.Helper()
	require.Equal(t, s.Requests, s.MemoryHits+s.RedisHits+s.Loads+s.Joined+s.Negative+s.Stale+s.Errors, "%+v", s)
	if requests >= 0 {
		require.EqualValues(t, requests, s.Requests, "%+v", s)
	}
}

// raw returns the entries in Redis by key, without what the Store keeps for itself.
func (w *world) raw() map[string]string {
	w.Helper()
	out := map[string]string{}
	for _, k := range w.mini.Keys() {
		if strings.Count(k, ":") < 2 {
			continue
		}
		v, err := w.mini.Get(k)
		if err != nil {
			v = fmt.Sprint("error: ", err)
		}
		out[k] = v
	}
	return out
}

func sorted[M ~map[K]V, K ~string, V any](m M) []K { return slices.Sorted(maps.Keys(m)) }
