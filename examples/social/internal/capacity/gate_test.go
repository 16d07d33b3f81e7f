package capacity_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
)

// visits are requests to a gate before work that takes a while, in fake time.
type visits struct {
	gate    *capacity.Gate
	handler http.Handler
	wg      sync.WaitGroup
	mu      sync.Mutex
	served  []string
}

func visit(s capacity.Settings, work time.Duration) *visits {
	v := &visits{gate: capacity.New(s)}
	v.handler = v.gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
		select {
		case <-time.After(work):
		case <-r.Context().Done():
			capacity.Refuse(w)
			return
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.served = append(v.served, r.URL.Path)
	}))
	return v
}

// come makes a request, and waits until the gate has decided about it.
func (v *visits) come(ctx context.Context, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.wg.Go(func() {
		defer func() { _ = recover() }() // as net/http does
		v.handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", path, nil))
	})
	synctest.Wait()
	return w
}

func requireRefused(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "1", w.Header().Get("Retry-After"))
	require.Contains(t, w.Body.String(), "try again")
}

// TestCapacity: so many are in flight, so many wait and are served in turn, and the next is refused.
func TestCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visit(capacity.Settings{Workers: 2, Threads: 1, Queue: 3, Timeout: time.Minute}, time.Second)
		for _, path := range strings.Fields("/1 /2 /3 /4 /5") {
			v.come(t.Context(), path)
		}
		require.Equal(t, capacity.Stats{Capacity: 2, InFlight: 2, Waiting: 3}, v.gate.Stats())
		requireRefused(t, v.come(t.Context(), "/6"))
		require.Equal(t, capacity.Stats{Capacity: 2, InFlight: 2, Waiting: 3, Refused: 1}, v.gate.Stats())

		start := time.Now()
		v.wg.Wait()
		require.Equal(t, 3*time.Second, time.Since(start), "two at a time")
		require.ElementsMatch(t, []string{"/1", "/2"}, v.served[:2])
		require.ElementsMatch(t, []string{"/3", "/4"}, v.served[2:4])
		require.Equal(t, "/5", v.served[4])
		require.Equal(t, capacity.Stats{Capacity: 2, Refused: 1}, v.gate.Stats())

		require.Equal(t, http.StatusOK, v.come(t.Context(), "/7").Code, "there is room again")
		v.wg.Wait()
	})
}

// TestTimeout: waiting counts, and who has waited in vain is refused, and never served.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visit(capacity.Settings{Workers: 1, Threads: 1, Queue: 2, Timeout: 5 * time.Second}, 4*time.Second)
		first, second, third := v.come(t.Context(), "/1"), v.come(t.Context(), "/2"), v.come(t.Context(), "/3")
		start := time.Now()
		v.wg.Wait()
		require.Equal(t, 5*time.Second, time.Since(start))
		require.Equal(t, http.StatusOK, first.Code)
		requireRefused(t, second) // after a second of work
		requireRefused(t, third)  // before any
		require.Equal(t, []string{"/1"}, v.served)
		require.Zero(t, v.gate.Stats().InFlight)
	})
}

// TestAway: who goes away while waiting gives its place back.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visit(capacity.Settings{Workers: 1, Threads: 1, Queue: 1, Timeout: time.Minute}, time.Second)
		v.come(t.Context(), "/1")
		ctx, leave := context.WithCancel(t.Context())
		v.come(ctx, "/2")
		leave()
		synctest.Wait()
		require.Zero(t, v.gate.Stats().Waiting)
		v.come(t.Context(), "/3")
		v.wg.Wait()
		require.Equal(t, []string{"/1", "/3"}, v.served)
	})
}

// TestPanic: a handler that panics gives its slot back.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visit(capacity.Settings{Workers: 1, Threads: 1, Timeout: time.Minute}, time.Second)
		v.come(t.Context(), "/panic")
		require.Equal(t, capacity.Stats{Capacity: 1}, v.gate.Stats())
		require.Equal(t, http.StatusOK, v.come(t.Context(), "/1").Code)
		v.wg.Wait()
	})
}

// TestDrain: what was let in is finished, also what waits; what comes is refused.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visit(capacity.Settings{Workers: 1, Threads: 1, Queue: 1, Timeout: time.Minute}, time.Second)
		v.come(t.Context(), "/1")
		v.come(t.Context(), "/2")
		drained := make(chan error, 1)
		go func() { drained <- v.gate.Drain(t.Context()) }()
		synctest.Wait()
		requireRefused(t, v.come(t.Context(), "/3"))
		start := time.Now()
		require.NoError(t, <-drained)
		require.Equal(t, 2*time.Second, time.Since(start))
		require.Equal(t, []string{"/1", "/2"}, v.served)
		v.wg.Wait()
	})
}

func TestDrainEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, visit(capacity.Defaults(), 0).gate.Drain(t.Context()), "nothing to wait for")

		v := visit(capacity.Defaults(), time.Hour)
		v.come(t.Context(), "/1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, v.gate.Drain(ctx), context.DeadlineExceeded)
		v.wg.Wait() // until its own timeout
	})
}
