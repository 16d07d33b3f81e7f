package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const patience = 20 * time.Second // for a process to do what takes it milliseconds

// Server is a redis-server in a process of its own, on a free port of the loopback, which keeps nothing on disk.
type Server struct {
	Addr string

	cmd *exec.Cmd
	dir string
}

// StartServer starts a redis-server, which must be on PATH. It ends with ctx, or with Close.
func StartServer(ctx context.Context) (*Server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("lab: install a redis-server: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	s := &Server{Addr: l.Addr().String()}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	if s.dir, err = os.MkdirTemp("", "peers"); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	s.cmd = exec.CommandContext(ctx, path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no")
	if err = s.cmd.Start(); err == nil {
		err = s.await(ctx)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("lab: redis-server: %w", err)
	}
	return s, nil
}

// await polls until the server answers: it is another process.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("does not answer: %w", err)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	var reply [7]byte
	if _, err := conn.Read(reply[:]); err != nil {
		return err
	}
	if reply[0] != '+' {
		return errors.New("an error")
	}
	return nil
}

// Freeze stops the process: it accepts connections, and answers nothing.
func (s *Server) Freeze() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw ends Freeze. What clients have sent meanwhile is executed now.
func (s *Server) Thaw() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

// Kill ends the process as a crash does, frozen or not. Connections are refused from now on.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait() // killed, by us
	}
}

// Close kills the server and removes what it left. It may be called after Kill.
func (s *Server) Close() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
}
