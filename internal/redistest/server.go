//go:build unix

package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const patience = 20 * time.Second // for a real process to do what takes it milliseconds

// Server is a redis-server in a process of its own, on a loopback port, with a directory of its own.
type Server struct {
	t    testing.TB
	path string
	port int
	dir  string
	conf string // a file of the server's own, if it has one
	args []string
	cmd  *exec.Cmd // nil: not running
	log  string
}

// Start starts a redis-server that keeps nothing on disk unless args say so ("--save", "60", "1"). It ends with the
// test. Where there is none on PATH the test is skipped; in CI it fails instead.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := newServer(t, args...)
	s.run()
	return s
}

// Need returns where the redis-server on PATH is. Where there is none the test is skipped; in CI it fails instead.
func Need(t testing.TB) (path string) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redistest: no redis-server on PATH, which CI must have:", err)
		}
		t.Skip("redistest: no redis-server on PATH")
	}
	return path
}

// newServer makes a server that is not running.
func newServer(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, path: Need(t), dir: t.TempDir(), args: args, port: freePort(t)}
	s.log = filepath.Join(s.dir, "log")
	t.Cleanup(s.Kill)
	return s
}

func (s *Server) run() {
	s.t.Helper()
	s.launch()
	s.await()
}

// launch starts the process.
func (s *Server) launch() {
	s.t.Helper()
	args := append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--logfile", s.log,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}, s.args...)
	if s.conf != "" {
		args = append([]string{s.conf}, args...)
	}
	s.cmd = exec.Command(s.path, args...)
	s.cmd.SysProcAttr = diesWithUs()
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		s.t.Fatal("redistest:", err)
	}
}

// await waits until the process answers.
func (s *Server) await() {
	s.t.Helper()
	s.eventually("listen", func() bool {
		c, err := net.Dial("tcp", s.Addr())
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	rdb := s.client()
	defer func() { _ = rdb.Close() }()
	s.eventually("answer", func() bool { return rdb.Ping(context.Background()).Err() == nil })
}

// eventually polls a process, whose time is not the test's.
func (s *Server) eventually(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			log, _ := os.ReadFile(s.log)
			s.t.Fatalf("redistest: redis-server did not %s within %v; its log:\n%s", what, patience, log)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// Addr is the server's address, also while it is not running.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL is the server's address for tiered.Dial.
func (s *Server) URL() string { return fmt.Sprintf("redis://%s", s.Addr()) }

// Dir is where the server's files are.
func (s *Server) Dir() string { return s.dir }

// Client gives a client with the settings of tiered.Dial, but for timeouts that a busy machine keeps. It is closed with
// the test.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	rdb := s.client()
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func (s *Server) client() *redis.Client { return redis.NewClient(s.settings()) }

func (s *Server) settings() *redis.Options {
	const timeout = time.Second
	return &redis.Options{
		Addr:                     s.Addr(),
		ContextTimeoutEnabled:    true,
		DialTimeout:              timeout,
		ReadTimeout:              timeout,
		WriteTimeout:             timeout,
		PoolTimeout:              timeout,
		MaxRetries:               -1,
		DialerRetries:            1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Kill ends the process as a crash does: SIGKILL. A server that is not running stays so.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Stop freezes the process (SIGSTOP): it accepts connections and answers nothing.
func (s *Server) Stop() { s.signal(syscall.SIGSTOP) }

// Cont ends Stop (SIGCONT). What clients have sent meanwhile is executed now.
func (s *Server) Cont() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("redistest: %v: %v", sig, err)
	}
}

// Restart starts a killed server again on its port, with the files of its directory, if it keeps any, and with more
// args, if any.
func (s *Server) Restart(args ...string) {
	s.t.Helper()
	s.Kill()
	s.args = append(s.args, args...)
	s.run()
}
