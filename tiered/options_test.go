package tiered_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

func TestBadOptionsAreNamed(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{HeartbeatFrequency: time.Hour})
	defer func() { _ = ring.Close() }()
	for want, o := range map[string]tiered.Options{
		"Options.Namespace":     {Namespace: "a{b}"},
		"Options.MemoryBytes":   {MemoryBytes: -1},
		"Options.MaxValueBytes": {MaxValueBytes: -1},
		"Options.MaxKeyBytes":   {MaxKeyBytes: -1},
		"Options.MaxJournal":    {MaxJournal: -1},
		"Options.Budget":        {Budget: -1},
		"Options.FallbackTTL":   {FallbackTTL: -1},
		"Options.MaxTTL":        {MaxTTL: 46 * 24 * time.Hour},
		"Options.MaxStaleness":  {MaxStaleness: 99 * time.Millisecond},
		"Options.Strategies":    {Strategies: ttl.Table{"users": ttl.Fixed(-1)}},
		"Options.Breaker":       {Breaker: breaker.Options{Window: -1}},
		"Options.Redis":         {Redis: ring},
		"a Ring":                {Redis: ring},
	} {
		s, err := tiered.Open(o)
		require.Nil(t, s)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "tiered: ")
	}
}

func TestAllBadOptionsAreNamedAtOnce(t *testing.T) {
	_, err := tiered.Open(tiered.Options{
		Namespace: "{", MemoryBytes: -1, MaxTTL: -1, MaxStaleness: -1, Strategies: ttl.Table{"users": ttl.Fixed(0)},
		Breaker: breaker.Options{Probes: -1},
	})
	for _, want := range []string{"Namespace", "MemoryBytes", "MaxTTL", "MaxStaleness", `"users"`, "Probes"} {
		require.ErrorContains(t, err, want)
	}
}

func TestClientsThatReadReplicasAreRefused(t *testing.T) {
	for _, o := range []redis.ClusterOptions{{ReadOnly: true}, {RouteByLatency: true}, {RouteRandomly: true}} {
		o.Addrs = []string{"127.0.0.1:1"}
		c := redis.NewClusterClient(&o)
		_, err := tiered.Open(tiered.Options{Redis: c})
		require.ErrorContains(t, err, "replicas")
		require.NoError(t, c.Close())
	}
}

func TestDefaults(t *testing.T) {
	s, err := tiered.Open(tiered.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	o := s.Options()
	require.Equal(t, tiered.DefaultNamespace, o.Namespace)
	require.EqualValues(t, tiered.DefaultMemoryBytes, o.MemoryBytes)
	require.Equal(t, tiered.DefaultBudget, o.Budget)
	require.NotNil(t, o.Codec)
	require.NotNil(t, o.Engine)
	require.NotNil(t, o.Logger)
	require.False(t, s.Shared())
}

func TestAnEngineThatFails(t *testing.T) {
	broken := errors.New("no memory left")
	_, err := tiered.Open(tiered.Options{Engine: func(int64) (tiered.Memory, error) { return nil, broken }})
	require.ErrorIs(t, err, broken)
}

func TestWrongPassword(t *testing.T) {
	for name, change := range map[string]func(*redis.Options){
		"none":  func(*redis.Options) {},
		"wrong": func(o *redis.Options) { o.Password = "hunter2" },
		"user":  func(o *redis.Options) { o.Username, o.Password = "somebody", "hunter2" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := redistest.Mini(t)
				m.RequireAuth("right")
				_, err := tiered.Open(tiered.Options{Redis: redistest.Network(t, m).Client(t, change)})
				require.ErrorContains(t, err, "refuses the client")
				require.NotContains(t, err.Error(), "hunter2")
			})
		})
	}
}

// closer counts.
type closer struct{ closed int }

func (c *closer) Close() error { c.closed++; return nil }

func TestRegister(t *testing.T) {
	s, err := tiered.Open(tiered.Options{})
	require.NoError(t, err)
	var users, posts closer
	require.NoError(t, s.Register("users", &users))
	require.ErrorContains(t, s.Register("users", &posts), `"users" is in use`)
	require.NoError(t, s.Register("posts", &posts))
	s.Unregister("posts")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	require.Equal(t, 1, users.closed)
	require.Zero(t, posts.closed)
	require.ErrorIs(t, s.Register("posts", &posts), tiered.ErrClosed)
	var _ io.Closer = s
}

func TestAStoreWithoutRedis(t *testing.T) {
	inBubble(t, func(w *world) {
		s, err := tiered.Open(tiered.Options{Engine: tiered.Otter, MemoryBytes: 1 << 20})
		require.NoError(w, err)
		defer func() { require.NoError(w, s.Close()) }()
		n := &node{Store: s, world: w}
		ctx := context.Background()
		for name, act := range map[string]func() error{
			"Invalidate":       func() error { return s.Invalidate(ctx, "users:1") },
			"InvalidatePrefix": func() error { return s.InvalidatePrefix(ctx, "users") },
			"Expire":           func() error { return s.Expire(ctx, "users:1") },
			"Set":              func() error { return s.Set(n.fetch("users:1")) },
			"Hold, Release":    func() error { return s.Hold("users:1", time.Minute).Release(ctx, 0) },
		} {
			w.origin["users:1"] = name
			n.reads("users:1", name, fromOrigin)
			n.reads("users:1", name, fromMemory)
			w.elapse(20 * time.Second)
			n.reads("users:1", name, fromMemory)
			require.NoError(w, act())
		}
		w.origin["users:1"] = "expired"
		n.reads("users:1", "expired", fromOrigin)
		w.elapse(time.Hour)
		w.origin["users:1"] = "again"
		n.reads("users:1", "again", fromOrigin)
	})
}
