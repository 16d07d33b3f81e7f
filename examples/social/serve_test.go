package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const patience = time.Minute // for what takes a moment, on a machine that is busy with other things

// process is the program in a process of its own, serving.
type process struct {
	*exec.Cmd
	out, errs buffer
	url       string
}

func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], append([]string{"-serve", "-addr", "127.0.0.1:0", "-users", "100"}, args...)...)}
	p.Env = append([]string{"SOCIAL_TEST_MAIN=1", "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, env...)
	p.Stdout, p.Stderr = &p.out, &p.errs
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		if p.ProcessState == nil {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
		http.DefaultClient.CloseIdleConnections()
	})
	require.Eventually(t, func() bool {
		_, after, ok := strings.Cut(p.out.String(), "serving on ")
		p.url, _, _ = strings.Cut(after, ": ")
		return ok && strings.Contains(after, "/cache/stats ")
	}, patience, 10*time.Millisecond, &p.errs)
	return p
}

// status is the answer's, or 0 if there is none.
func (p *process) status(path string) int {
	r, err := http.Get(p.url + path)
	if err != nil {
		return 0
	}
	_ = r.Body.Close()
	return r.StatusCode
}

func (p *process) become(t *testing.T, path string, status int) {
	t.Helper()
	require.Eventually(t, func() bool { return p.status(path) == status }, patience, 10*time.Millisecond, &p.errs)
}

// hang makes a request that is in flight until its last byte is sent.
func (p *process) hang(t *testing.T) (finish func() (status int)) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, "POST /login HTTP/1.1\r\nHost: social\r\nContent-Length: 2\r\n\r\n{")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		r, err := http.Get(p.url + "/capacity")
		if err != nil {
			return false
		}
		defer func() { _ = r.Body.Close() }()
		var s struct {
			InFlight int `json:"in_flight"`
		}
		return json.NewDecoder(r.Body).Decode(&s) == nil && s.InFlight == 1
	}, patience, 10*time.Millisecond)
	return func() int {
		_, err := io.WriteString(c, "}")
		require.NoError(t, err)
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		_ = r.Body.Close()
		return r.StatusCode
	}
}

// TestServe: it lives at once, is ready when it is warm, and at the first signal finishes what it has begun.
func TestServe(t *testing.T) {
	p := start(t, []string{"DEMO_PASSWORD=open sesame"}, "-origin", "real", "-warm", "50")
	p.become(t, "/livez", 200)
	p.become(t, "/readyz", 200)
	require.Contains(t, p.errs.String(), "pre-warmed 1/10: following, 50 keys")
	require.NotContains(t, p.out.String(), "sesame")
	for _, path := range []string{"/feed/1", "/health", "/cache/stats"} {
		require.Equal(t, 200, p.status(path), path)
	}
	r, err := http.Post(p.url+"/login", "application/json", strings.NewReader(`{"user":1,"password":"open sesame"}`))
	require.NoError(t, err)
	_ = r.Body.Close()
	require.Equal(t, 200, r.StatusCode)
	var out, errs buffer
	addr := []string{"-ready", "-addr", strings.TrimPrefix(p.url, "http://")}
	require.Zero(t, run(t.Context(), addr, none, &out, &errs), &errs)

	finish := p.hang(t)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.become(t, "/readyz", 503)
	require.Equal(t, 200, p.status("/livez"))
	require.Equal(t, 503, p.status("/feed/1"), "nothing new is begun")
	require.Equal(t, 1, run(t.Context(), addr, none, &out, &errs))
	require.Contains(t, errs.String(), "not ready: 503")
	require.Equal(t, 401, finish(), "what was begun is answered")
	require.NoError(t, p.Wait(), &p.errs)
	require.Zero(t, p.status("/livez"))
	require.NotContains(t, p.errs.String(), "sesame")
}

// TestNothingIsLost: clients that keep their connections busy while the service ends are answered, each time: in the end by
// 503, which sends them elsewhere.
func TestNothingIsLost(t *testing.T) {
	p := start(t, nil, "-origin", "real")
	p.become(t, "/readyz", 200)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var clients sync.WaitGroup
	var served atomic.Int64
	for range 16 {
		clients.Go(func() {
			for {
				// A POST, since a client repeats a GET by itself.
				r, err := client.Post(p.url+"/login", "application/json", strings.NewReader(`{"user":1,"password":"a wrong one"}`))
				if errors.Is(err, syscall.ECONNREFUSED) {
					return // it was too slow to be told
				}
				if !assert.NoError(t, err) {
					return
				}
				_, err = io.Copy(io.Discard, r.Body)
				assert.NoError(t, errors.Join(err, r.Body.Close()))
				if r.StatusCode == http.StatusServiceUnavailable {
					assert.Equal(t, "1", r.Header.Get("Retry-After"))
					return
				}
				assert.Equal(t, http.StatusUnauthorized, r.StatusCode)
				served.Add(1)
			}
		})
	}
	require.Eventually(t, func() bool { return served.Load() > 500 }, patience, time.Millisecond)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	clients.Wait()
	require.NoError(t, p.Wait(), &p.errs)
}

// TestSecondSignal: whoever asks twice does not wait. SIGTERM, since a shell's background jobs ignore SIGINT.
func TestSecondSignal(t *testing.T) {
	p := start(t, nil, "-origin", "real")
	require.Contains(t, p.out.String(), `"password":"`)
	p.become(t, "/readyz", 200) // or the first 503 would not tell that the first signal was heard
	p.hang(t)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.become(t, "/readyz", 503)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	var ended *exec.ExitError
	require.ErrorAs(t, p.Wait(), &ended)
	status, ok := ended.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, syscall.SIGTERM, status.Signal())
}

// TestStopWhileWarming: pre-warming, which takes seconds here, ends with the service.
func TestStopWhileWarming(t *testing.T) {
	p := start(t, nil, "-warm", "100", "-warm-rate", "1")
	p.become(t, "/livez", 200)
	require.Equal(t, 503, p.status("/readyz"), "it is not warm")
	require.Equal(t, 200, p.status("/feed/1"), "but answers")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait(), &p.errs)
	require.NotContains(t, p.errs.String(), "ready")
}

// TestNotThere: a service that does not answer is not ready.
func TestNotThere(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, ready(ctx, "127.0.0.1:1"))
}
