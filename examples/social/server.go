package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
	"github.com/freshet-go/freshet/examples/social/internal/probe"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// server is the service on a socket, behind a gate. It is ready when its probe is told so.
type server struct {
	http    *http.Server
	gate    *capacity.Gate
	probe   *probe.Probe
	timeout time.Duration // of a request
	url     string
	done    chan error
}

func listen(ctx context.Context, addr string, data service.Data, s settings, log *slog.Logger) (*server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	gate, ready := capacity.New(s.capacity), &probe.Probe{}
	app := service.Handler(data, s.password, log)
	mux := http.NewServeMux()
	mux.Handle("/", gate.Middleware(app))
	// What tells how the service fares must be answered when it is full, too.
	mux.Handle("GET /cache/", app)
	mux.HandleFunc("GET /capacity", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(gate.Stats())
	})
	mux.HandleFunc("GET /livez", ready.Livez)
	mux.HandleFunc("GET /readyz", ready.Readyz)
	v := &server{
		http: &http.Server{
			Handler:           ready.Farewell(mux),
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       10 * time.Second,
			WriteTimeout:      s.capacity.Timeout + 10*time.Second, // the gate is first, and tells the caller
			IdleTimeout:       time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
		gate: gate, probe: ready, timeout: s.capacity.Timeout,
		url:  "http://" + l.Addr().String(),
		done: make(chan error, 1),
	}
	go func() { v.done <- v.http.Serve(l) }()
	return v, nil
}

// farewell is how long a service that stops tells whoever comes: as long as Retry-After asks for.
const farewell = time.Second

// close is unready at once, and lets requests under way end, for as long as one may take. Until the last of them has
// ended, and for a while after, since whoever got that answer may be asking again, the socket stays open, to say that the
// service is not ready, and refuse others.
func (s *server) close(after time.Duration) error {
	s.probe.Stopping()
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	err := s.gate.Drain(ctx)
	select {
	case <-time.After(min(after, s.timeout/2)):
	case <-ctx.Done():
	}
	if err = errors.Join(err, s.http.Shutdown(ctx)); err != nil {
		return errors.Join(fmt.Errorf("draining: %w", err), s.http.Close())
	}
	return nil
}
