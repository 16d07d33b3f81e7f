package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/latency"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

const (
	stampedeNodes   = 4
	stampedeCallers = 1000
	stampedeLoad    = 20 * time.Millisecond
	stampedeRun     = 30 * time.Millisecond // for the nodes to line up
)

var stampede = Scenario{
	ID: "S6", Title: "A stampede",
	Note: "One cold key, a load of 20 ms, 1,000 callers in four processes, at the same instant.",
	Bouts: func(*Lab) []Bout {
		b := Bout{Name: "Stampede", Case: "nodes=4/callers=1000"}
		for _, lib := range []string{"freshet-ristretto", "go-redis-cache", "sturdyc", "naive", "rueidis-csc"} {
			b.Entrants = append(b.Entrants, Entrant{lib, prepareStampede(lib)})
		}
		b.Targets = []Target{
			atMost("freshet-ristretto", Loads, 1),
			atMost("freshet-ristretto", P99, float64(24*time.Millisecond)),
		}
		return []Bout{b}
	},
}

// herd is a contender in some processes.
type herd struct {
	server *lab.Server
	nodes  []*lab.Node
	fresh  fresh
}

func prepareStampede(lib string) func(context.Context, *Lab) (Trial, error) {
	return func(ctx context.Context, _ *Lab) (Trial, error) {
		s, err := server(ctx)
		if err != nil {
			return Trial{}, err
		}
		h := &herd{server: s}
		for range stampedeNodes {
			n, err := lab.StartNode(ctx)
			if err != nil {
				h.close()
				return Trial{}, err
			}
			h.nodes = append(h.nodes, n)
		}
		if _, err := h.tell(nodeRequest{Lib: lib, Redis: s.Addr, Load: stampedeLoad}); err != nil {
			h.close()
			return Trial{}, err
		}
		return Trial{Measure: h.run, Close: h.close}, nil
	}
}

// tell gives all nodes the same to do, and waits for them.
func (h *herd) tell(r nodeRequest) ([]nodeAnswer, error) {
	var errs []error
	for _, n := range h.nodes {
		errs = append(errs, n.Send(r))
	}
	answers := make([]nodeAnswer, len(h.nodes))
	for i, n := range h.nodes {
		if errs[i] == nil {
			errs = append(errs, n.Receive(&answers[i]), answers[i].err())
		}
	}
	return answers, errors.Join(errs...)
}

func (h *herd) run(context.Context) (Sample, error) {
	answers, err := h.tell(nodeRequest{
		Key: h.fresh.key(), Callers: stampedeCallers / stampedeNodes, At: time.Now().Add(stampedeRun).UnixNano(),
	})
	if err != nil {
		return nil, fmt.Errorf("stampede: %w", err)
	}
	var times latency.Histogram
	loads := 0.0
	for _, a := range answers {
		loads += float64(a.Loads)
		for _, d := range a.Latencies {
			times.Add(d)
		}
	}
	return Sample{Loads: loads, P50: float64(times.Quantile(0.5)), P99: float64(times.Quantile(0.99))}, nil
}

func (h *herd) close() {
	for _, n := range h.nodes {
		_ = n.Close()
	}
	h.server.Close()
}
