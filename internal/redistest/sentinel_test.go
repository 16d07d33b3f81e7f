//go:build unix

package redistest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
)

func TestSentinel(t *testing.T) {
	began := time.Now()
	s := redistest.StartSentinel(t)
	t.Log("started in", time.Since(began))
	ctx := t.Context()
	require.Contains(t, s.URL(), redistest.MasterName)

	first := s.Master()
	require.Len(t, s.Replicas(), 2)
	require.NoError(t, first.Client(t).Set(ctx, "k", "v", 0).Err())
	require.NoError(t, first.Client(t).Wait(ctx, 2, 200*time.Millisecond).Err())
	second := s.Failover()
	require.NotEqual(t, first, second)
	t.Log("one failover", time.Since(began))
	s.Settle()
	t.Log("settled", time.Since(began))

	second.Kill()
	third := s.AwaitFailover(second)
	t.Log("killed", time.Since(began))
	holds(t, third.Client(t), "k", "v")
	second.Restart()

	s.Settle()
	t.Log("settled", time.Since(began))
	third.Stop()
	fourth := s.AwaitFailover(third)
	t.Log("frozen", time.Since(began))
	third.Cont()
	s.Settle()
	t.Log("settled", time.Since(began))
	holds(t, fourth.Client(t), "k", "v")
}
