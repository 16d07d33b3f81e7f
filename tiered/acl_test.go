//go:build unix

package tiered_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// documentedACL is the command of SECURITY.md, in words.
func documentedACL(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../SECURITY.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```acl\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, block, "SECURITY.md has no block of acl")
	return strings.Fields(string(block[1]))
}

// documentedUser makes the user of SECURITY.md, with what a Cluster needs besides, and returns where it dials.
func documentedUser(t *testing.T, s *redistest.Server, scheme string, besides ...string) string {
	t.Helper()
	words := append(documentedACL(t), besides...)
	args := make([]any, len(words))
	for i, word := range words {
		args[i] = word
	}
	admin := s.Client(t)
	require.NoError(t, admin.Do(t.Context(), args...).Err())
	require.NoError(t, admin.Do(t.Context(), "ACL", "LOG", "RESET").Err())
	user, password := words[2], strings.TrimPrefix(words[4], ">")
	return (&url.URL{Scheme: scheme, User: url.UserPassword(user, password), Host: s.Addr()}).String()
}

// everything does all that a cache does, on two nodes.
func everything(t *testing.T, dial string) {
	t.Helper()
	ctx := t.Context()
	version := 0
	open := func() (*tiered.Store, *cache.Cached[int, string], *cache.Cached[int, string]) {
		rdb, err := tiered.Dial(dial)
		require.NoError(t, err)
		t.Cleanup(func() { _ = rdb.Close() })
		store, err := tiered.Open(tiered.Options{Redis: rdb, Budget: time.Second}) // for busy machines
		require.NoError(t, err)
		t.Cleanup(func() { _ = store.Close() })
		require.Eventually(t, func() bool { return store.Stats().LinkUp }, waitFor, pollEvery)
		long := ttl.Fixed(time.Minute).StaleIfError(time.Hour)
		load := func(_ context.Context, id int) (string, error) { return fmt.Sprint(id, " v", version), nil }
		one := cache.Must(cache.New(load, cache.Options{Store: store, Name: "one", TTL: long}))
		many := cache.Must(cache.NewBatch(func(ctx context.Context, ids []int) (map[int]string, error) {
			found := map[int]string{}
			for _, id := range ids {
				found[id], _ = load(ctx, id)
			}
			return found, nil
		}, cache.Options{Store: store, Name: "many", TTL: long}))
		return store, one, many
	}
	store, one, many := open()
	_, otherOne, otherMany := open()
	get := func(c *cache.Cached[int, string], id int, want string) {
		t.Helper()
		got, err := c.Get(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	getMany := func(c *cache.Cached[int, string], want string) {
		t.Helper()
		got, err := c.GetMany(ctx, []int{1, 2, 3})
		require.NoError(t, err)
		require.Equal(t, map[int]string{1: "1 " + want, 2: "2 " + want, 3: "3 " + want}, got)
	}
	drops := func(c *cache.Cached[int, string], id int, want string) { // as soon as the message arrives
		t.Helper()
		require.Eventually(t, func() bool { got, err := c.Get(ctx, id); return err == nil && got == want }, waitFor, pollEvery)
	}

	get(one, 1, "1 v0")
	require.Eventually(t, func() bool { return store.Stats().Fills > 0 }, waitFor, pollEvery)
	get(otherOne, 1, "1 v0")
	require.Equal(t, uint64(1), otherOne.Stats().RedisHits)
	getMany(many, "v0")
	getMany(otherMany, "v0")

	version = 1
	require.NoError(t, one.Invalidate(ctx, 1))
	get(one, 1, "1 v1")
	drops(otherOne, 1, "1 v1")
	require.NoError(t, one.Set(ctx, 1, "set"))
	get(one, 1, "set")
	drops(otherOne, 1, "set")
	require.NoError(t, one.Mutate(ctx, 1, func(context.Context) error { version = 2; return nil }))
	get(one, 1, "1 v2")
	drops(otherOne, 1, "1 v2")
	require.NoError(t, one.Mutate(ctx, 1, func(ctx context.Context) error { // two at once
		return one.Mutate(ctx, 1, func(context.Context) error { return nil })
	}))
	fills := store.Stats().Fills
	get(one, 1, "1 v2")
	require.Eventually(t, func() bool { return store.Stats().Fills > fills }, waitFor, pollEvery)
	version = 3
	require.NoError(t, one.Expire(ctx, 1))
	get(one, 1, "1 v3")
	version = 4
	got, err := one.Refresh(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "1 v4", got)
	require.NoError(t, many.InvalidatePrefix(ctx))
	getMany(many, "v4")
	drops(otherMany, 2, "2 v4")
	require.NoError(t, many.SetMany(ctx, map[int]string{1: "a", 2: "b"}))
	get(many, 1, "a")
	drops(otherMany, 2, "b")

	failing := cache.Must(cache.New(func(context.Context, int) (string, error) { return "", os.ErrInvalid }, cache.Options{Store: store, Name: "failing"}))
	_, err = failing.Get(ctx, 1) // gives its lease back
	require.ErrorIs(t, err, os.ErrInvalid)

	for range 100 * cache.SampleEvery {
		get(one, 7, "7 v4")
	}
	require.NoError(t, one.Close()) // has Redis remember what was hot
	hot, err := otherOne.HotKeys(ctx, 10)
	require.NoError(t, err)
	require.NotEmpty(t, hot)
	require.Equal(t, 7, hot[0], "the sample may have one of the few reads of another key, too")
	stats := store.Stats()
	require.Zero(t, stats.RedisErrors)
	require.Zero(t, stats.Deferred)
	require.Zero(t, stats.HoldsFailed)
}

// refusals are what the server has refused the user, but for names that clients of newer servers say of themselves.
func refusals(t *testing.T, admin redis.UniversalClient) (all []string) {
	t.Helper()
	log, err := admin.Do(t.Context(), "ACL", "LOG").Slice()
	require.NoError(t, err)
	for _, entry := range log {
		if text := fmt.Sprint(entry); !strings.Contains(text, "client|setinfo") {
			all = append(all, text)
		}
	}
	return all
}

func TestTheDocumentedUserNeedsNoMore(t *testing.T) {
	s := redistest.Start(t)
	everything(t, documentedUser(t, s, "redis"))
	require.Empty(t, refusals(t, s.Client(t)))
}

// A cluster of one node, which asks a client for all that a larger one does.
func TestTheDocumentedUserOnACluster(t *testing.T) {
	s := redistest.StartClusterOfOne(t)
	admin := s.Client(t)
	text, err := os.ReadFile("../SECURITY.md")
	require.NoError(t, err)
	besides := regexp.MustCompile("A Cluster needs `([^`]+)`").FindSubmatch(text)
	require.NotNil(t, besides)
	everything(t, documentedUser(t, s, "redis+cluster", strings.Fields(string(besides[1]))...))
	require.Empty(t, refusals(t, admin))
}

// Every command of the list is called by everything, scripts included, and nothing else is allowed.
func TestTheDocumentedUserHasNoMore(t *testing.T) {
	s := redistest.Start(t)
	admin := s.Client(t)
	dial := documentedUser(t, s, "redis")
	require.NoError(t, admin.ConfigResetStat(t.Context()).Err())
	everything(t, dial)
	for _, word := range documentedACL(t) {
		if name, ok := strings.CutPrefix(word, "+"); ok {
			require.Eventually(t, func() bool { // leases are given back by and by
				return strings.Contains(admin.Info(t.Context(), "commandstats").Val(), "cmdstat_"+name+":")
			}, waitFor, pollEvery, "%s is allowed, and nothing needs it", name)
		}
	}

	rdb, err := tiered.Dial(dial)
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	for _, forbidden := range []string{
		"FLUSHALL", "FLUSHDB", "KEYS *", "SCAN 0", "CONFIG GET *", "ACL LIST", "ACL WHOAMI", "SCRIPT FLUSH", "SHUTDOWN",
		"CLIENT LIST", "MONITOR", "SAVE", "REPLICAOF NO ONE", "EXPIRE freshet:one:1 1", "HSET freshet:x a b", "RENAME freshet:a freshet:b",
		"GET other", "SET other x", "DEL other", "GET freshet2:one:1", "MGET freshet:a other", "ZADD other 1 a",
		"PUBLISH other x", "SUBSCRIBE other", "PSUBSCRIBE *", "PSUBSCRIBE freshet:link", "SSUBSCRIBE freshet:link",
		"EVAL return(redis.call('GET','other')) 0", "EVAL return(redis.call('FLUSHALL')) 0", "EVAL return(redis.call('GET',KEYS[1])) 1 other",
		"FCALL f 0", "FUNCTION LIST", "MIGRATE a 1 k 0 1", "OBJECT ENCODING freshet:one:1", "DUMP freshet:one:1",
	} {
		words := strings.Fields(forbidden)
		args := make([]any, len(words))
		for i, word := range words {
			args[i] = word
		}
		err := rdb.Do(t.Context(), args...).Err()
		require.Error(t, err, forbidden)
		require.True(t, slices.ContainsFunc([]string{"NOPERM", "ACL failure", "don't have permissions", "can't access", "can't run"}, func(s string) bool {
			return strings.Contains(err.Error(), s)
		}), "%s: %v", forbidden, err)
	}
}
