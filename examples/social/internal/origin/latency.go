package origin

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Latency is the time that a query takes in addition to what the database at hand needs, by the query's name.
type Latency func(query string) time.Duration

// The latencies of the system that the example is modelled on: 25 ms a query, so that a feed of 17 to 31 queries takes
// 400 to 800 ms and an authentication of eight takes 200 ms; and 6 s for the two queries of a health check.
const (
	seedQuery  = 25 * time.Millisecond
	seedSpread = 0.02
	seedHealth = 6 * time.Second
)

// Seeds are the latencies of a remote, busy database.
func Seeds(query string) time.Duration {
	if query == "jobs_stats" {
		return seedHealth - seedQuery
	}
	return time.Duration(float64(seedQuery) * (1 - seedSpread + 2*seedSpread*rand.Float64()))
}

// Real leaves the database as it is.
func Real(string) time.Duration { return 0 }

// ParseLatency returns what -origin names, and what to say about it.
func ParseLatency(name string) (l Latency, label string, err error) {
	switch name {
	case "seeds":
		return Seeds, "simulated: every query waits 25 ms (+-2 %), the health aggregate 5.975 s, as in the original system", nil
	case "real":
		return Real, "as it is: nothing is delayed", nil
	}
	return nil, "", fmt.Errorf("%q: want seeds or real", name)
}

// pass waits for d, or for the end of ctx.
func pass(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
