package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

// A panic is a failure, whatever its value wraps: it once was taken for an absence, and kept.
func TestPanicWithNotFound(t *testing.T) {
	inWorlds(t, func(w *world) {
		calls := 0
		c, err := cache.New(func(context.Context, string) (string, error) {
			if calls++; calls <= 2 {
				panic(fmt.Errorf("row: %w", cache.ErrNotFound))
			}
			return "v", nil
		}, cache.Options{Name: "rows", Store: w.nodes[0], TTL: ttl.Fixed(time.Hour).Negative(time.Hour)})
		require.NoError(w, err)
		for call := range 2 {
			_, err = c.Get(bg, "k")
			var panicked *cache.PanicError
			require.ErrorAs(w, err, &panicked)
			pass(time.Millisecond)
			require.Equal(w, call+1, calls, "the failure was kept")
		}
		require.EqualValues(w, 2, c.Stats().LoadErrors)
		if w.shared() {
			require.Empty(w, w.raw())
		}
		get(w, c, "k", "v")
	})
}

// A BatchError that a loader got from another cache, and wraps, is of that cache's keys: it says nothing of which keys of
// its own failed, even where they are the same. Some once were taken for absent, and kept.
func TestWrappedBatchErrorOfAnotherCache(t *testing.T) {
	for name, none := range map[string]map[int]string{"no map": nil, "an empty map": {}} {
		t.Run(name, func(t *testing.T) {
			inWorlds(t, func(w *world) { testWrappedBatchError(w, none) })
		})
	}
}

func testWrappedBatchError(w *world, none map[int]string) {
	w.Helper()
	down := true
	users, err := cache.NewBatch(func(_ context.Context, ids []int) (map[int]string, error) {
		if down {
			return map[int]string{2: "two"}, &cache.BatchError[int]{Failed: map[int]error{1: errDown}}
		}
		return map[int]string{1: "one", 2: "two"}, nil
	}, cache.Options{Name: "users", Store: w.nodes[0], TTL: ttl.Fixed(time.Hour)})
	require.NoError(w, err)
	profiles, err := cache.NewBatch(func(ctx context.Context, ids []int) (map[int]string, error) {
		us, err := users.GetMany(ctx, ids)
		if err != nil {
			return none, fmt.Errorf("users: %w", err)
		}
		return us, nil
	}, cache.Options{Name: "profiles", Store: w.nodes[0], TTL: ttl.Fixed(time.Hour).Negative(time.Hour)})
	require.NoError(w, err)

	got, err := profiles.GetMany(bg, []int{1, 2})
	require.Empty(w, got)
	var failed *cache.BatchError[int]
	require.ErrorAs(w, err, &failed)
	require.Len(w, failed.Failed, 2)
	for _, err := range failed.Failed {
		require.ErrorIs(w, err, errDown)
		require.NotErrorIs(w, err, cache.ErrNotFound)
	}
	pass(time.Millisecond)
	v, err := profiles.Get(bg, 2)
	require.NoError(w, err, "2 exists, and nothing says otherwise")
	require.Equal(w, "two", v)

	down = false
	v, err = profiles.Get(bg, 1)
	require.NoError(w, err)
	require.Equal(w, "one", v)
}

// A BatchError of other keys, one of which is absent, does not make the key absent that was loaded with it.
func TestWrappedBatchErrorWithAnAbsence(t *testing.T) {
	inWorlds(t, func(w *world) {
		down := true
		feeds, err := cache.New(func(context.Context, string) (string, error) {
			if down {
				failed := map[string]error{"1001": fmt.Errorf("post: %w", cache.ErrNotFound), "1002": errDown}
				return "", fmt.Errorf("posts: %w", &cache.BatchError[string]{Failed: failed})
			}
			return "feed", nil
		}, cache.Options{Name: "feeds", Store: w.nodes[0], TTL: ttl.Fixed(time.Hour).Negative(time.Hour)})
		require.NoError(w, err)
		_, err = feeds.Get(bg, "42")
		require.ErrorIs(w, err, errDown)
		pass(time.Millisecond)
		down = false
		get(w, feeds, "42", "feed")
	})
}

// Refresh asks for a new value, and gets the error where there is none. A Get that joins its load is content with the old
// one: it once got the error, too.
func TestGetJoinsAFailingRefresh(t *testing.T) {
	inWorlds(t, func(w *world) {
		src := newSource("k", "v")
		c := w.open(0, src, cache.Options{TTL: ttl.Fixed(10 * time.Second).StaleIfError(time.Hour)})
		get(w, c, "k", "v")
		pass(20 * time.Second)
		src.fail(errDown)
		src.slow(time.Second)
		refresh := async(func() (string, error) { return c.Refresh(bg, "k") })
		pass(100 * time.Millisecond)
		joined := async(func() (string, error) { return c.Get(bg, "k") })
		failed, served := <-refresh, <-joined
		require.ErrorIs(w, failed.err, errDown)
		require.Empty(w, failed.value)
		require.NoError(w, served.err)
		require.Equal(w, "v", served.value)
		require.Equal(w, 900*time.Millisecond, served.after)
		require.Equal(w, 2, src.loads("k"), "the Get joined")
	})
}
