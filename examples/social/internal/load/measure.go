package load

import (
	"slices"
	"time"
)

// Endpoints, in the order in which they are shown.
const (
	Feed = iota
	Auth
	Health
	Post
	Write
	Endpoints
)

// Names are the names of the endpoints.
var Names = [Endpoints]string{"feed", "auth", "health", "post", "write"}

// Latencies are the sorted latencies of one endpoint.
type Latencies []time.Duration

// Mean returns the mean, or 0 if there is nothing.
func (l Latencies) Mean() time.Duration {
	if len(l) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range l {
		sum += d
	}
	return sum / time.Duration(len(l))
}

// Quantile returns the smallest latency that a share q of all does not exceed.
func (l Latencies) Quantile(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	i := int(q*float64(len(l))+0.9999999) - 1
	return l[min(max(i, 0), len(l)-1)]
}

// Result is what a phase of the load came to.
type Result struct {
	Latencies [Endpoints]Latencies
	Took      time.Duration
	Requests  int
	Wrong     int      // responses that were stale or wrong
	Failed    int      // requests without a good response
	Examples  []string // of what was wrong or failed
}

func (r *Result) sort() {
	for e := range r.Latencies {
		slices.Sort(r.Latencies[e])
	}
}
