package cachetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
)

// Source is a database for tests: rows that change, loads that are counted, slow, or failing. Load and LoadMany are
// loaders for cache.New and cache.NewBatch. All methods may be called concurrently.
//
// A load reads its rows when it begins, and takes as long as it is told after that: the order in which a cache is most
// likely to keep something old.
type Source[K comparable, V any] struct {
	mu    sync.Mutex
	rows  map[K][]version[V] // oldest first
	takes time.Duration
	err   error
	calls []int // keys of each
	loads map[K]int
}

// version is a row as it was; one that does not exist is a version, too.
type version[V any] struct {
	value  V
	exists bool
}

// NewSource makes a Source with the given rows, which may be nil.
func NewSource[K comparable, V any](rows map[K]V) *Source[K, V] {
	s := &Source[K, V]{rows: map[K][]version[V]{}, loads: map[K]int{}}
	for key, value := range rows {
		s.Put(key, value)
	}
	return s
}

// Put writes a row.
func (s *Source[K, V]) Put(key K, value V) { s.add(key, version[V]{value, true}) }

// Delete removes a row.
func (s *Source[K, V]) Delete(key K) { s.add(key, version[V]{}) }

func (s *Source[K, V]) add(key K, v version[V]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[key] = append(s.rows[key], v)
}

// Slow makes loads that begin from now on take d. They obey their context.
func (s *Source[K, V]) Slow(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = d
}

// Fail makes loads that begin from now on fail with err; nil ends that.
func (s *Source[K, V]) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Load loads one row; one that is not there is cache.ErrNotFound.
func (s *Source[K, V]) Load(ctx context.Context, key K) (V, error) {
	var none V
	rows, err := s.LoadMany(ctx, []K{key})
	if err != nil {
		return none, err
	}
	value, ok := rows[key]
	if !ok {
		return none, cache.ErrNotFound
	}
	return value, nil
}

// LoadMany loads the rows that are there.
func (s *Source[K, V]) LoadMany(ctx context.Context, keys []K) (map[K]V, error) {
	rows, takes, err := s.begin(keys)
	if takes > 0 {
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (s *Source[K, V]) begin(keys []K) (map[K]V, time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, len(keys))
	rows := map[K]V{}
	for _, key := range keys {
		s.loads[key]++
		if versions := s.rows[key]; len(versions) > 0 && versions[len(versions)-1].exists {
			rows[key] = versions[len(versions)-1].value
		}
	}
	return rows, s.takes, s.err
}

// Calls returns how often the loader was called.
func (s *Source[K, V]) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// Loads returns how often any of keys was loaded; with none given, any key. A call for three keys is three loads.
func (s *Source[K, V]) Loads(keys ...K) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(keys) == 0 {
		for _, keys := range s.calls {
			n += keys
		}
	}
	for _, key := range keys {
		n += s.loads[key]
	}
	return n
}

// RequireLoads ends the test unless keys were loaded want times in all since the Source was made; see Loads.
func (s *Source[K, V]) RequireLoads(t testing.TB, want int, keys ...K) {
	t.Helper()
	if got := s.Loads(keys...); got != want {
		t.Fatalf("cachetest: %v were loaded %d times, want %d", name(keys), got, want)
	}
}

func name[K any](keys []K) string {
	if len(keys) == 0 {
		return "all keys"
	}
	return fmt.Sprint("keys ", keys)
}

// Version returns how often key's row was written: what is to be seen from now on, where an invalidation has just
// returned, is this version or a later one.
func (s *Source[K, V]) Version(key K) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows[key])
}

// RequireFresh ends the test unless a read of key, which returned value and err, saw the row as it was at version since
// or later. A read that failed, but for cache.ErrNotFound, saw nothing, and passes: whether it may fail is another
// question. Since values are compared (reflect.DeepEqual), let no two versions of a row be equal.
//
//	since := db.Version(key)       // after the write, before the read
//	value, err := users.Get(ctx, key)
//	db.RequireFresh(t, since, key, value, err)
func (s *Source[K, V]) RequireFresh(t testing.TB, since int, key K, value V, err error) {
	t.Helper()
	if fault := s.stale(since, key, value, err); fault != nil {
		t.Fatal(fault)
	}
}

func (s *Source[K, V]) stale(since int, key K, value V, err error) error {
	seen := version[V]{value, true}
	switch {
	case errors.Is(err, cache.ErrNotFound):
		seen = version[V]{}
	case err != nil:
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	versions := s.rows[key]
	if len(versions) == 0 && !seen.exists {
		return nil
	}
	for i := len(versions) - 1; i >= -1; i-- {
		is := version[V]{} // before the first
		if i >= 0 {
			is = versions[i]
		}
		if is.exists != seen.exists || seen.exists && !reflect.DeepEqual(is.value, seen.value) {
			continue
		}
		if i+1 >= since {
			return nil
		}
		return fmt.Errorf("cachetest: key %v: stale: got version %d (%v), want %d or later", key, i+1, show(seen), since)
	}
	return fmt.Errorf("cachetest: key %v: got %v, which the row never was", key, show(seen))
}

func show[V any](v version[V]) string {
	if !v.exists {
		return "no row"
	}
	return fmt.Sprintf("%+v", v.value)
}
