//go:build unix

package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// patience is for a process to do what takes it milliseconds.
const patience = 20 * time.Second

// Server is a redis-server, or a Sentinel, in a process of its own.
type Server struct {
	Port int
	dir  string
	args []string
	cmd  *exec.Cmd
	rdb  *redis.Client
}

// start starts a server with the arguments after its port. config, if not empty, is written to a file first.
func start(dir, config string, args ...string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, dir: filepath.Join(dir, strconv.Itoa(port))}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	if config != "" {
		file := filepath.Join(s.dir, "server.conf")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			return nil, err
		}
		s.args = append(s.args, file)
	}
	s.args = append(s.args, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", s.dir, "--loglevel", "notice",
		"--logfile", filepath.Join(s.dir, "log"))
	s.args = append(s.args, args...)
	s.rdb = redis.NewClient(&redis.Options{
		Addr: s.Addr(), ContextTimeoutEnabled: true, DialTimeout: time.Second, ReadTimeout: 2 * time.Second,
		MaxRetries: -1, DialerRetries: 1, PoolSize: 4,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	if err := s.run(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Ports so low that no outgoing connection takes them while a server is down, nor those of its Cluster bus.
const (
	firstPort = 10000
	lastPort  = 20000
	busAbove  = 10000 // a server's bus above its port
)

func freePort() (int, error) {
	for range 100 {
		port := firstPort + rand.N(lastPort-firstPort)
		if free(port) && free(port+busAbove) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("servers: no free port from %d to %d", firstPort, lastPort)
}

func free(port int) bool {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

func (s *Server) run() error {
	s.cmd = exec.Command("redis-server", s.args...) //nolint:noctx // Close ends it
	s.cmd.SysProcAttr = childAttr()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("servers: %w", err)
	}
	return s.eventually("answer", func(ctx context.Context) bool { return s.rdb.Ping(ctx).Err() == nil })
}

// eventually polls until done.
func (s *Server) eventually(what string, done func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !done(ctx) {
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("servers: %s did not %s within %v; its log ends:\n%s", s.Addr(), what, patience, log[max(0, len(log)-2000):])
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// Addr is the server's address, also while it is not running.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// Client is a client of this server.
func (s *Server) Client() *redis.Client { return s.rdb }

// Do sends a command, and drops the answer.
func (s *Server) Do(args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.rdb.Do(ctx, args...).Err(); err != nil && !errors.Is(err, redis.Nil) {
		return fmt.Errorf("servers: %v of %s: %w", args[0], s.Addr(), err)
	}
	return nil
}

// Kill is SIGKILL.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
	s.cmd = nil
}

// Restart starts a killed server again, with the files that it has.
func (s *Server) Restart() error {
	s.Kill()
	return s.run()
}

// Stop is SIGSTOP, Cont is SIGCONT.
func (s *Server) Stop() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Cont ends a Stop.
func (s *Server) Cont() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

// Forget removes the snapshot, if there is one.
func (s *Server) Forget() { _ = os.Remove(filepath.Join(s.dir, "dump.rdb")) }

// Close ends the server.
func (s *Server) Close() {
	s.Kill()
	_ = s.rdb.Close()
}
