package main

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// stuck is a service whose feeds come when they are released, whatever their context says.
type stuck struct {
	service.Plain
	asked, release chan struct{}
}

func (s stuck) Feed(context.Context, int64) (service.Feed, error) {
	s.asked <- struct{}{}
	<-s.release
	return service.Feed{}, nil
}

func (stuck) Page() http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
}

// TestDrainIsBounded: what does not end in the time of a request is given up.
func TestDrainIsBounded(t *testing.T) {
	data := stuck{asked: make(chan struct{}, 3), release: make(chan struct{})}
	s := settings{capacity: capacity.Settings{Workers: 1, Threads: 1, Timeout: 50 * time.Millisecond}}
	server, err := listen(t.Context(), "127.0.0.1:0", data, s, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ended := make(chan error, 1)
	get := func(path string) (status int, header http.Header, err error) {
		r, err := http.Get(server.url + path)
		if err != nil {
			return 0, nil, err
		}
		return r.StatusCode, r.Header, r.Body.Close()
	}
	go func() { _, _, err := get("/feed/1"); ended <- err }()
	<-data.asked

	status, header, err := get("/feed/2")
	require.NoError(t, err)
	require.Equal(t, 503, status, "it is full")
	require.Equal(t, "1", header.Get("Retry-After"))
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/cache/stats": 200, "/capacity": 200} {
		status, _, err := get(path)
		require.NoError(t, err)
		require.Equal(t, want, status, path)
	}
	require.ErrorContains(t, server.close(0), "draining: context deadline exceeded")
	require.Error(t, <-ended, "its connection was closed")
	close(data.release)
	require.ErrorIs(t, <-server.done, http.ErrServerClosed)
	http.DefaultClient.CloseIdleConnections()
}

// TestTheLastToBeAnsweredAreToldToo: whoever waited longer than the farewell for an answer hears of the end with the next.
func TestTheLastToBeAnsweredAreToldToo(t *testing.T) {
	data := stuck{asked: make(chan struct{}, 3), release: make(chan struct{})}
	s := settings{capacity: capacity.Settings{Workers: 1, Threads: 1, Timeout: 20 * time.Second}}
	server, err := listen(t.Context(), "127.0.0.1:0", data, s, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	get := func() (status int, err error) {
		r, err := http.Get(server.url + "/feed/1")
		if err != nil {
			return 0, err
		}
		return r.StatusCode, r.Body.Close()
	}
	statuses, closed := make(chan int, 2), make(chan error, 1)
	go func() {
		for range cap(statuses) {
			status, _ := get()
			statuses <- status
		}
	}()
	<-data.asked
	go func() { closed <- server.close(farewell) }()
	begun := time.Now()
	require.Eventually(t, func() bool { return time.Since(begun) > farewell+farewell/5 }, patience, 10*time.Millisecond)
	close(data.release)
	require.Equal(t, 200, <-statuses)
	require.Equal(t, 503, <-statuses)
	require.NoError(t, <-closed)
	require.ErrorIs(t, <-server.done, http.ErrServerClosed)
	http.DefaultClient.CloseIdleConnections()
}
