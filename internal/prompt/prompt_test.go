package prompt

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func count() (n int) {
	known.Range(func(any, any) bool { n++; return true })
	return n
}

func TestMarksAreForgottenWithTheirClients(t *testing.T) {
	c := redis.NewClient(&redis.Options{})
	require.Nil(t, Of(c))
	require.False(t, Of(c).Kept())
	require.Same(t, c, Mark(Mark(c)))
	require.True(t, Of(c).Kept())
	require.Nil(t, Of(c.WithTimeout(time.Hour)), "it is another client")
	require.Equal(t, 1, count())
	require.NoError(t, c.Close())
	c = nil //nolint:ineffassign,wastedassign // nothing holds it any more
	require.Eventually(t, func() bool {
		runtime.GC()
		return count() == 0
	}, 20*time.Second, time.Millisecond)
}

// What stands for a hook's code are the functions that it wraps others in.
type (
	commands struct{ none }
	dials    struct{ none }
	batches  struct{ none }
)

func (commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, cmd) }
}

func (dials) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (batches) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return next(ctx, cmds) }
}

func TestAHookOfSomebodyElseEndsThePromise(t *testing.T) {
	for name, strange := range map[string]redis.Hook{"commands": commands{}, "dials": dials{}, "pipelines": batches{}} {
		for _, first := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				c := Mark(redis.NewClient(&redis.Options{}))
				defer func() { require.NoError(t, c.Close()) }()
				if first {
					c.AddHook(strange)
				}
				AddHook(c, ours{})
				AddHook(c, ours{})
				_ = c.Conn() // wraps anew
				_ = c.WithTimeout(time.Second)
				_ = c.Watch(t.Context(), func(*redis.Tx) error { return nil })
				if !first {
					require.True(t, Of(c).Kept())
					c.AddHook(strange)
				}
				require.False(t, Of(c).Kept())
			})
		}
	}
}

type ours struct{ none }

func (ours) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return next(ctx, cmd) }
}
