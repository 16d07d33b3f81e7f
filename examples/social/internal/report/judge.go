package report

import (
	"fmt"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/audit"
	"github.com/freshet-go/freshet/examples/social/internal/load"
)

// Targets, with the cache.
const (
	feedMean  = 60 * time.Millisecond
	feedP50   = time.Millisecond
	feedP95   = 60 * time.Millisecond
	authP99   = 50 * time.Millisecond
	healthP99 = 30 * time.Millisecond
	saved     = 0.90
	savedOf   = 0.80 // of a trace, which has more users than a run can warm
)

// Judge compares the run with the targets.
func (r *Report) Judge() {
	r.Checks, r.Passed = nil, true
	check := func(name, got, want string, ok bool) {
		r.Checks = append(r.Checks, Check{name, got, want, ok})
		r.Passed = r.Passed && ok
	}
	atMost := func(name string, got, want time.Duration, of load.Latencies) {
		check(name, short(got), "<= "+short(want), got <= want && len(of) > 0)
	}
	feed, auth, health := r.After.Latencies[load.Feed], r.After.Latencies[load.Auth], r.After.Latencies[load.Health]
	atMost("feed mean", feed.Mean(), feedMean, feed)
	atMost("feed p50", feed.Quantile(0.50), feedP50, feed)
	atMost("feed p95", feed.Quantile(0.95), feedP95, feed)
	atMost("auth p99", auth.Quantile(0.99), authP99, auth)
	atMost("health p99", health.Quantile(0.99), healthP99, health)
	want := saved
	if r.Trace {
		want = savedOf
	}
	check("database calls per request saved", fmt.Sprintf("%.1f %%", 100*r.Saved()), fmt.Sprintf(">= %.0f %%", 100*want), r.Saved() >= want)

	none := func(name string, n int) { check(name, fmt.Sprint(n), "0", n == 0) }
	none("stale or wrong responses", r.Before.Wrong+r.After.Wrong)
	none("failed requests", r.Before.Failed+r.After.Failed)
	check("requests made in time", fmt.Sprint(r.After.Requests), fmt.Sprint(r.Wanted), r.After.Requests == r.Wanted)
	none("unexplained loads", int(r.Loads()[audit.Unexplained]))
	balance := "balance"
	if !r.balanced() {
		balance = "do not balance"
	}
	check("the caches' books", balance, "balance", r.balanced())
	proof := fmt.Sprintf("%d values equal", r.Compared)
	if r.Unproven != nil {
		proof = r.Unproven.Error()
	}
	check("mirror and database at the end", proof, "equal", r.Unproven == nil && r.Compared > 0)
}

// short writes a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d >= time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.0fms", ms(d))
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.1fms", ms(d))
	default:
		return fmt.Sprintf("%.2fms", ms(d))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
