//go:build unix

package cache_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/stretchr/testify/require"
)

// What a process of its own is told by TestF4WriterKilled.
const (
	envRedis = "FRESHET_TEST_WRITER_REDIS"
	envRow   = "FRESHET_TEST_WRITER_ROW"

	writeTimeout = 2 * time.Second
)

// rowIn makes a cache of the row that a file holds.
func rowIn(t *testing.T, path, url string, loads func()) (*tiered.Store, *rows) {
	t.Helper()
	rdb, err := tiered.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	store, err := tiered.Open(tiered.Options{Redis: rdb, Budget: 250 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	c, err := cache.New(func(context.Context, string) (string, error) {
		loads()
		row, err := os.ReadFile(path)
		return string(row), err
	}, cache.Options{Store: store, Name: "rows", MutateTimeout: writeTimeout})
	require.NoError(t, err)
	return store, c
}

// writeAndDie is the writer: it is killed between the commit and the invalidation.
func writeAndDie(t *testing.T, path, url string) {
	_, c := rowIn(t, path, url, func() {})
	err := c.Mutate(bg, "k", func(context.Context) error {
		_, _ = os.Stdout.WriteString("marked\n")
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			return err
		}
		if err := os.WriteFile(path+".new", []byte("new"), 0o600); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	})
	t.Fatal("survived:", err)
}

func TestF4WriterKilled(t *testing.T) {
	if url := os.Getenv(envRedis); url != "" {
		writeAndDie(t, os.Getenv(envRow), url)
	}
	s := redistest.Start(t)
	path := filepath.Join(t.TempDir(), "row")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	loads := 0
	store, c := rowIn(t, path, s.URL(), func() { loads++ })
	require.Eventually(t, func() bool { return store.Stats().LinkUp }, patience, pollEvery)
	get(t, c, "k", "old")
	get(t, c, "k", "old")
	require.Equal(t, 1, loads)
	stored := func() string {
		b := s.Client(t).Get(t.Context(), "freshet:rows:k").Val()
		return b[:min(len(b), 1)]
	}
	require.Eventually(t, func() bool { return stored() == "V" }, patience, pollEvery)

	writer := exec.Command(os.Args[0], "-test.run=^TestF4WriterKilled$") //nolint:gosec // it is this test
	writer.Env = append(os.Environ(), envRedis+"="+s.URL(), envRow+"="+path)
	in, err := writer.StdinPipe()
	require.NoError(t, err)
	out, err := writer.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, writer.Start())
	t.Cleanup(func() { _ = writer.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "marked\n", line)
	require.Equal(t, "H", stored())
	require.Eventually(t, func() bool { _, ok := c.Peek(bg, "k"); return !ok }, patience, pollEvery, "memory hears of it")
	for range 3 {
		before := loads
		require.Eventually(t, func() bool { get(t, c, "k", "old"); return loads > before }, patience, pollEvery, "nothing is kept")
	}

	_, err = in.Write([]byte("commit\n"))
	require.NoError(t, err)
	err = writer.Wait()
	require.ErrorContains(t, err, "killed")
	require.Equal(t, "H", stored(), "it outlives its writer")
	reads, before := 0, loads
	require.Eventually(t, func() bool {
		held := stored() == "H"
		get(t, c, "k", "new")
		reads++
		return !held
	}, patience, pollEvery, "the mark expires")
	require.Greater(t, loads, before+reads/2, "but for those who joined one, each read is a load until then")
	get(t, c, "k", "new")
	before = loads
	get(t, c, "k", "new")
	require.Equal(t, before, loads, "and after that it is cached again")
}
