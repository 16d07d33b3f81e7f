package report

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
	"github.com/freshet-go/freshet/examples/social/internal/load"
)

// What the original system needed, and what it expected of its feed. The other latencies are targets of every run.
const (
	neededWorkers  = 3
	neededThreads  = 4
	neededCapacity = 12
	feedExpected   = 20 * time.Millisecond // below the target; faster is better
)

// Verify prints the settings and the judged run as a list of what passed and what failed, and tells whether all passed.
func (r *Report) Verify(w io.Writer, s capacity.Settings) (passed bool, err error) {
	passed = true
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(ok bool, name, expected, measured string) {
		verdict := "PASS"
		if !ok {
			verdict, passed = "FAIL", false
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", verdict, name, expected, measured)
	}
	head := func(name, expected, measured string) { fmt.Fprintf(t, "\t%s\t%s\t%s\n", name, expected, measured) }

	head("SETTINGS", "needed", "set")
	needs := func(name string, needed, set int) { row(set >= needed, name, fmt.Sprint(needed), fmt.Sprint(set)) }
	needs("workers (WEB_CONCURRENCY)", neededWorkers, s.Workers)
	needs("threads (WEB_THREADS)", neededThreads, s.Threads)
	needs("total capacity", neededCapacity, s.Capacity())

	head("LATENCIES", "expected", "measured (without the cache)")
	var listed []string
	latency := func(name, expected string, e int, of func(load.Latencies) time.Duration, limit time.Duration) {
		before, after := r.Before.Latencies[e], r.After.Latencies[e]
		listed = append(listed, name)
		without := "no request"
		if len(before) > 0 {
			without = short(of(before))
		}
		row(len(after) > 0 && of(after) <= limit, name, expected, fmt.Sprintf("%s (%s)", short(of(after)), without))
	}
	p99 := func(l load.Latencies) time.Duration { return l.Quantile(0.99) }
	latency("feed mean", fmt.Sprintf("%d-%d ms", feedExpected.Milliseconds(), feedMean.Milliseconds()), load.Feed, load.Latencies.Mean, feedMean)
	latency("auth p99", fmt.Sprintf("< %d ms", authP99.Milliseconds()), load.Auth, p99, authP99)
	latency("health p99", fmt.Sprintf("< %d ms", healthP99.Milliseconds()), load.Health, p99, healthP99)

	head("RUN", "expected", "measured")
	for _, c := range r.Checks {
		if !slices.Contains(listed, c.Name) {
			row(c.OK, c.Name, c.Want, c.Got)
		}
	}
	if err := t.Flush(); err != nil {
		return false, err
	}
	for _, e := range r.examples() {
		fmt.Fprintf(w, "! %s\n", e)
	}
	verdict := "VERIFIED"
	if !passed {
		verdict = "NOT VERIFIED"
	}
	_, err = fmt.Fprintf(w, "\n%s in %.1f s: %s, %s, %s\n", verdict, r.Took.Seconds(), r.Database, r.Redis, r.Latency)
	return passed, err
}
