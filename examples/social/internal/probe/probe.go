// Package probe tells load balancers apart what they mix up: whether a process lives, and whether it should get requests.
package probe

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
)

// Probe is the state of a service, which begins as warming. All methods may be called concurrently.
type Probe struct{ state atomic.Int32 }

const (
	warming = iota
	ready
	stopping
)

// Ready says that the service should get requests, unless it is stopping.
func (p *Probe) Ready() { p.state.CompareAndSwap(warming, ready) }

// Stopping says that it should get none from now on.
func (p *Probe) Stopping() { p.state.Store(stopping) }

// Farewell lets requests through to next, and asks whoever comes while the service is stopping to come to another one: the
// connection is closed after the answer. To close those that happen to be idle would lose the requests that are on their way.
func (p *Probe) Farewell(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.state.Load() == stopping {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Livez answers 200 as long as the process can answer: nothing that a restart does not mend makes it fail.
func (p *Probe) Livez(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") }

// Readyz answers 200 while the service is ready, else 503.
func (p *Probe) Readyz(w http.ResponseWriter, _ *http.Request) {
	switch p.state.Load() {
	case ready:
		answer(w, http.StatusOK, "ready")
	case stopping:
		answer(w, http.StatusServiceUnavailable, "stopping")
	default:
		answer(w, http.StatusServiceUnavailable, "warming")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text})
}
