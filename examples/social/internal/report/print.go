package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/freshet-go/freshet/examples/social/internal/audit"
	"github.com/freshet-go/freshet/examples/social/internal/load"
)

// Print writes the report for people and, if asked to, as one JSON object on a last line.
func (r *Report) Print(w io.Writer, asJSON bool) error {
	var b bytes.Buffer
	r.text(&b)
	if asJSON {
		line, err := json.Marshal(r.view())
		if err != nil {
			return fmt.Errorf("report: %w", err)
		}
		b.Write(append(line, '\n'))
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (r *Report) text(b *bytes.Buffer) {
	line := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	line("%s, %s; %s; %d requests at %.0f/s by %d workers", r.Database, r.Redis, r.Users, r.After.Requests, r.Rate, r.Workers)
	line("DATABASE LATENCY (-origin %s): %s", r.Origin, r.Latency)
	line("Nothing else is simulated. Latencies are the HTTP client's, over loopback.\n")

	r.table(b, func(t io.Writer) {
		row := func(cells ...any) { fmt.Fprintf(t, cellsFormat(len(cells)), cells...) }
		row("endpoint", "requests", "mean", "p50", "p95", "p99", "|", "requests", "mean", "p50", "p95", "p99")
		for e, name := range load.Names {
			x, y := r.Before.Latencies[e], r.After.Latencies[e]
			row(name, len(x), short(x.Mean()), short(x.Quantile(.5)), short(x.Quantile(.95)), short(x.Quantile(.99)), "|",
				len(y), short(y.Mean()), short(y.Quantile(.5)), short(y.Quantile(.95)), short(y.Quantile(.99)))
		}
		row("db calls", r.Before.Calls, fmt.Sprintf("%.2f", r.Before.PerRequest()), "a request", "", "", "|",
			r.After.Calls, fmt.Sprintf("%.2f", r.After.PerRequest()), "a request", "", "")
	}, "without the cache", "with the cache")

	line("\npre-warm: %d hottest users, %d loads, %d database calls (included in the calls with the cache)",
		r.Warm.Users, warmLoads(r.Warm), r.Warm.Calls)
	line("")
	r.table(b, func(t io.Writer) {
		fmt.Fprintf(t, cellsFormat(12), "cache", "asked", "memory", "redis", "joined", "loaded", "|", "cold", "invalid.", "expired", "ahead", "UNEXPL.")
		total := r.Loads()
		for i, c := range r.Tiers() {
			loads := total
			if i < len(r.Stats.Caches) {
				loads = r.Stats.Caches[i].Loads
			}
			part := func(n uint64) string { return fmt.Sprintf("%.2f%%", 100*float64(n)/float64(max(c.Asked, 1))) }
			fmt.Fprintf(t, cellsFormat(12), c.Name, c.Asked, part(c.Memory), part(c.Redis), part(c.Joined), part(c.Loaded), "|",
				loads[audit.Cold], loads[audit.Invalidated], loads[audit.Expired], loads[audit.Refreshed], loads[audit.Unexplained])
		}
	}, "who answered (with the cache)", "why loads were needed (pre-warm included)")
	if n := r.Loads()[audit.Outage]; n > 0 {
		line("%d more loads because Redis did not answer.", n)
	}
	line("")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "check\tgot\ttarget\t\n")
	for _, c := range r.Checks {
		verdict := "ok"
		if !c.OK {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.Name, c.Got, c.Want, verdict)
	}
	_ = t.Flush()
	for _, e := range r.examples() {
		line("! %s", e)
	}
	verdict := "PASSED"
	if !r.Passed {
		verdict = "FAILED"
	}
	line("\n%s in %.1f s", verdict, r.Took.Seconds())
}

// table aligns rows under two headings, the second of which belongs above the bar.
func (r *Report) table(b *bytes.Buffer, rows func(io.Writer), left, right string) {
	var body bytes.Buffer
	t := tabwriter.NewWriter(&body, 0, 0, 2, ' ', tabwriter.AlignRight)
	rows(t)
	_ = t.Flush()
	bar := bytes.IndexByte(body.Bytes(), '|')
	fmt.Fprintf(b, "%*s | %s\n", bar-1, left, right)
	b.Write(body.Bytes())
}

func cellsFormat(n int) string {
	return string(bytes.Repeat([]byte("%v\t"), n)) + "\n"
}

func warmLoads(w Warm) (n uint64) {
	for _, c := range w.Stats.Caches {
		n += c.Loads.Total()
	}
	return n
}

// examples are a few of what went wrong.
func (r *Report) examples() []string {
	all := append(append([]string{}, r.Before.Examples...), r.After.Examples...)
	for _, c := range r.Stats.Caches {
		all = append(all, c.Strange...)
	}
	return all[:min(len(all), 10)]
}
