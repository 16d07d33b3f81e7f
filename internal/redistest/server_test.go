//go:build unix

package redistest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
)

func TestServer(t *testing.T) {
	s := redistest.Start(t, "--save", "3600", "1000000")
	rdb, ctx := s.Client(t), t.Context()
	require.NoError(t, rdb.Set(ctx, "saved", 1, 0).Err())
	require.NoError(t, rdb.Save(ctx).Err())
	require.NoError(t, rdb.Set(ctx, "lost", 1, 0).Err())

	s.Stop()
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	require.Error(t, rdb.Ping(short).Err())
	s.Cont()
	require.NoError(t, rdb.Ping(ctx).Err())

	s.Kill()
	s.Kill()
	require.Error(t, rdb.Ping(ctx).Err())
	s.Restart()
	require.Equal(t, int64(1), rdb.Exists(ctx, "saved", "lost").Val())
	require.Contains(t, s.URL(), s.Addr())
	require.DirExists(t, s.Dir())
}
