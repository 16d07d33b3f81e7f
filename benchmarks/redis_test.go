package benchmarks

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is a Redis of one benchmark's own, which it may stop.
type server struct {
	client redis.UniversalClient
	stop   func()
}

// startRedis starts redis-server on a free port if it is installed, and miniredis in this process if not.
func startRedis(tb testing.TB) server {
	tb.Helper()
	address, stop := startProcess(tb)
	client, err := tiered.Dial("redis://" + address)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = client.Close() })
	require.Eventually(tb, func() bool { return client.Ping(tb.Context()).Err() == nil }, 10*time.Second, 5*time.Millisecond)
	return server{client, stop}
}

func startProcess(tb testing.TB) (address string, stop func()) {
	tb.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		mini := miniredis.NewMiniRedis()
		require.NoError(tb, mini.Start())
		tb.Cleanup(mini.Close)
		return mini.Addr(), mini.Close
	}
	address = freeAddress(tb)
	_, port, err := net.SplitHostPort(address)
	require.NoError(tb, err)
	ctx, kill := context.WithCancel(tb.Context())
	cmd := exec.CommandContext(ctx, path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", tb.TempDir())
	require.NoError(tb, cmd.Start())
	stop = func() {
		kill()
		_ = cmd.Wait() // killed, by us
	}
	tb.Cleanup(stop)
	return address, stop
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	require.NoError(tb, l.Close())
	return l.Addr().String()
}

func redisVersion() string {
	out, err := exec.CommandContext(context.Background(), "redis-server", "--version").Output()
	if err != nil {
		return "miniredis, in this process: no redis-server on PATH"
	}
	for word := range strings.FieldsSeq(string(out)) {
		if version, ok := strings.CutPrefix(word, "v="); ok {
			return "redis-server " + version + ", over loopback"
		}
	}
	return "redis-server, over loopback"
}
