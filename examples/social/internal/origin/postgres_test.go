//go:build unix

package origin_test

import (
	"cmp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// postgres starts a server that ends with the test, and returns its URL. Where there is none to start the test is skipped;
// in CI it fails instead.
func postgres(t *testing.T) (url string) {
	t.Helper()
	bin := program("initdb")
	if bin == "" && os.Getenv("CI") == "true" {
		t.Fatal("no initdb, which CI must have")
	}
	if bin == "" {
		t.Skip("no initdb on PATH or in /usr/lib/postgresql")
	}
	dir, err := os.MkdirTemp("", "freshet-pg-") //nolint:usetesting // t.TempDir is below a folder of root's, and too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	var as syscall.SysProcAttr
	if os.Getuid() == 0 { // as whom PostgreSQL refuses to run
		as.Credential = stranger(t)
		require.NoError(t, os.Chown(dir, int(as.Credential.Uid), int(as.Credential.Gid)))
	}
	run := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(filepath.Dir(bin), name), args...)
		c.SysProcAttr, c.Dir = &as, dir
		return c
	}
	out, err := run("initdb", "-D", dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync").CombinedOutput()
	require.NoError(t, err, string(out))
	server := run("postgres", "-D", dir+"/data", "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off")
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		require.NoError(t, server.Process.Signal(syscall.SIGINT)) // disconnects whoever is there, and ends
		require.NoError(t, server.Wait())
	})
	url = "postgres://postgres@/postgres?host=" + dir
	require.Eventually(t, func() bool {
		c, err := pgx.Connect(t.Context(), url)
		return err == nil && c.Close(t.Context()) == nil
	}, time.Minute, 20*time.Millisecond)
	return url
}

func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		path, err = filepath.EvalSymlinks(path)
		if err == nil {
			return path
		}
	}
	all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	return cmp.Or(append(all, "")...)
}

func stranger(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}
