// Package guide_test compiles and runs what docs/coming-from.md shows of other libraries, as far as they are modules that
// this one needs anyway, and holds some of what it says of them against them.
package guide_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	rediscache "github.com/go-redis/cache/v9"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/viccon/sturdyc"
)

type User struct {
	ID   int64
	Name string
}

// repository stands for a database.
type repository map[int64]User

func (r repository) UserByID(_ context.Context, id int64) (User, error) {
	fmt.Println("query", id)
	return r[id], nil
}

func (r repository) Rename(_ context.Context, id int64, name string) error {
	r[id] = User{id, name}
	return nil
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func Example_goRedisCache() {
	mini := miniredis.NewMiniRedis()
	check(mini.Start())
	defer mini.Close()
	ctx, repo, id, addr := context.Background(), repository{42: {42, "Ada"}}, int64(42), mini.Addr()

	// snippet: go-redis/cache
	rdb := redis.NewClient(&redis.Options{Addr: addr})
	c := rediscache.New(&rediscache.Options{Redis: rdb, LocalCache: rediscache.NewTinyLFU(10_000, time.Minute)})

	var u User
	err := c.Once(&rediscache.Item{
		Ctx: ctx, Key: fmt.Sprintf("users:%d", id), Value: &u, TTL: time.Hour,
		Do: func(*rediscache.Item) (any, error) { return repo.UserByID(ctx, id) },
	})
	check(err)
	err = repo.Rename(ctx, id, "Grace")
	check(err)
	err = c.Delete(ctx, fmt.Sprintf("users:%d", id))
	check(err)
	// end

	fmt.Println(u.Name, c.Exists(ctx, "users:42"))
	check(rdb.Close())
	// Output:
	// query 42
	// Ada false
}

func Example_sturdyc() {
	ctx, ids := context.Background(), []string{"1", "2", "3"}
	all := map[string]User{"1": {1, "Ada"}, "2": {2, "Grace"}}
	fetchUsers := func(_ context.Context, ids []string) (map[string]User, error) {
		fmt.Println("query", len(ids), "ids")
		found := map[string]User{}
		for _, id := range ids {
			if u, ok := all[id]; ok {
				found[id] = u
			}
		}
		return found, nil
	}
	fetchUser := func(context.Context) (User, error) { return User{}, sturdyc.ErrNotFound }

	// snippet: sturdyc
	c := sturdyc.New[User](10_000, 10, time.Hour, 10,
		sturdyc.WithEarlyRefreshes(40*time.Minute, 50*time.Minute, 55*time.Minute, time.Second),
		sturdyc.WithMissingRecordStorage(),
	)
	found, err := c.GetOrFetchBatch(ctx, ids, c.BatchKeyFn("users"), fetchUsers) // ids are strings
	check(err)
	u, err := c.GetOrFetch(ctx, "users-ID-2", fetchUser)
	check(err)
	_, err = c.GetOrFetch(ctx, "users-ID-3", fetchUser)
	absent := errors.Is(err, sturdyc.ErrMissingRecord)
	// end

	fmt.Println(len(found), u.Name, absent)
	// Output:
	// query 3 ids
	// 2 Grace true
}

// What a load that began before a Delete brings is stored after it.
func TestGoRedisCacheWritesBackWhatWasDeleted(t *testing.T) {
	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	local := func() rediscache.LocalCache { return rediscache.NewTinyLFU(100, time.Minute) }
	one := rediscache.New(&rediscache.Options{Redis: rdb, LocalCache: local()})
	other := rediscache.New(&rediscache.Options{Redis: rdb, LocalCache: local()})

	name := "Ada"
	require.NoError(t, one.Once(&rediscache.Item{Key: "a", Value: new(string), Do: func(*rediscache.Item) (any, error) {
		read := name
		name = "Grace"
		return read, one.Delete(t.Context(), "a")
	}}))
	var got string
	require.NoError(t, other.Get(t.Context(), "a", &got))
	require.Equal(t, "Ada", got)

	require.NoError(t, one.Delete(t.Context(), "a")) // and a Delete leaves the other process's LocalCache alone
	require.NoError(t, other.Get(t.Context(), "a", &got))
	require.Equal(t, "Ada", got)
	require.ErrorIs(t, other.GetSkippingLocalCache(t.Context(), "a", &got), rediscache.ErrCacheMiss)
}

// A batch of which a part cannot be fetched comes with ErrOnlyCachedRecords, which does not say what failed and why.
func TestSturdycReturnsWhatIsCachedOfABatch(t *testing.T) {
	c := sturdyc.New[int](100, 10, time.Hour, 10, sturdyc.WithNoContinuousEvictions(),
		sturdyc.WithEarlyRefreshes(time.Minute, 2*time.Minute, time.Hour, time.Second),
		sturdyc.WithRefreshCoalescing(10, time.Second))
	down := errors.New("down")
	fetch := func(_ context.Context, ids []string) (map[string]int, error) {
		if slices.Contains(ids, "2") {
			return nil, down
		}
		n, err := strconv.Atoi(ids[0])
		return map[string]int{ids[0]: n}, err
	}
	_, err := c.GetOrFetchBatch(t.Context(), []string{"1"}, c.BatchKeyFn("n"), fetch)
	require.NoError(t, err)
	found, err := c.GetOrFetchBatch(t.Context(), []string{"1", "2"}, c.BatchKeyFn("n"), fetch)
	require.ErrorIs(t, err, sturdyc.ErrOnlyCachedRecords)
	require.Equal(t, map[string]int{"1": 1}, found)

	type query struct{ City, Country string }
	require.Equal(t, "q-Oslo-Norway", c.PermutatedKey("q", query{"Oslo", "Norway"}))
}
