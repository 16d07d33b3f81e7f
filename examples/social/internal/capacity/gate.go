package capacity

import (
	"context"
	"net/http"
	"sync"
)

// Gate lets as many requests in as Settings say. All methods may be called concurrently.
type Gate struct {
	settings Settings
	slots    chan struct{} // one for each request in flight; who waits for one is served in the order of arrival

	mu       sync.Mutex
	admitted int           // in flight and waiting
	refused  uint64        // since the start
	closed   bool          // Drain was called
	empty    chan struct{} // closed when the last one leaves a closed gate
}

// New makes an open Gate.
func New(s Settings) *Gate {
	return &Gate{settings: s, slots: make(chan struct{}, s.Capacity()), empty: make(chan struct{})}
}

// Middleware lets requests through to next, each under a context that ends after the timeout. A request that finds the
// queue full, or waits in vain, or comes after Drain, is answered by Refuse.
//
// next must obey its context, and answer by Refuse if that has ended: the time is limited by nothing else.
func (g *Gate) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.admit() {
			Refuse(w)
			return
		}
		defer g.leave()
		ctx, cancel := context.WithTimeout(r.Context(), g.settings.Timeout)
		defer cancel()
		select {
		case g.slots <- struct{}{}:
		case <-ctx.Done():
			g.count()
			Refuse(w)
			return
		}
		defer func() { <-g.slots }()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Refuse says that there is no room, or no time, and that the same request may go through in a second.
func Refuse(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Retry-After", "1")
	h.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`{"error":"busy, try again"}` + "\n"))
}

func (g *Gate) admit() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.admitted >= g.settings.Capacity()+g.settings.Queue {
		g.refused++
		return false
	}
	g.admitted++
	return true
}

func (g *Gate) count() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused++
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.admitted--
	if g.closed && g.admitted == 0 {
		close(g.empty)
	}
}

// Drain closes the gate for what comes, and waits until all that had been let in, those who wait for their turn
// included, have left. It returns ctx's error if that ends before. The gate never opens again; Drain is called once.
func (g *Gate) Drain(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	if g.admitted == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats are what a Gate has counted.
type Stats struct {
	Capacity int    `json:"capacity"`
	InFlight int    `json:"in_flight"`
	Waiting  int    `json:"waiting"`
	Refused  uint64 `json:"refused"` // since the start
}

// Stats returns a snapshot.
func (g *Gate) Stats() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	flying := min(len(g.slots), g.admitted)
	return Stats{g.settings.Capacity(), flying, g.admitted - flying, g.refused}
}
