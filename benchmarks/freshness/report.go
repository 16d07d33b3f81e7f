//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/plan"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
)

// maxFindings is how many violations are told with their histories.
const maxFindings = 20

// finding is a violation with the last events of its key on all nodes.
type finding struct {
	violation
	history []table.Event
}

func (f finding) String() string {
	return fmt.Sprintf("%s of key %d on node %d: version %d, at least %d was promised; %s", f.What, f.Key, f.Node, f.Got, f.Least, f.Then)
}

// result is what a run came to. Its JSON is the last line of the output.
type result struct {
	Seed          uint64             `json:"seed"`
	Plan          string             `json:"plan"` // a digest: equal seeds and settings have equal plans
	Topology      string             `json:"topology"`
	Engine        string             `json:"engine"`
	Nodes         int                `json:"nodes"`
	Keys          int                `json:"keys"`
	Seconds       float64            `json:"seconds"`
	Judged        uint64             `json:"reads_judged"`
	Reads         map[string]uint64  `json:"reads"`
	Invalidations map[string]uint64  `json:"invalidations"`
	Loads         uint64             `json:"loads"`
	OwnErrors     uint64             `json:"own_errors"`
	Faults        map[string]int     `json:"faults"`
	Messages      map[string]uint64  `json:"messages"`
	WorstMillis   map[string]float64 `json:"worst_remote_staleness_ms"`
	SlowestMillis float64            `json:"slowest_read_ms"`
	Cold          map[string]float64 `json:"loads_per_cold_key"`
	Excused       uint64             `json:"excused"`
	Starved       uint64             `json:"probes_unanswered"`
	Rest          []resting          `json:"at_rest"`
	Violations    int                `json:"violations"`

	findings []finding
	injected []injection
	began    int64
	skew     time.Duration
}

// resting is what a node occupied at rest.
type resting struct {
	Incarnation int  `json:"incarnation"`
	Before      rest `json:"before"`
	After       rest `json:"after"`
}

func (k *coordinator) result() *result {
	k.mu.Lock()
	defer k.mu.Unlock()
	t, c := k.table, k.config
	ms := func(ns uint64) float64 { return float64(ns/1000) / 1000 }
	r := &result{
		Seed: c.Seed, Plan: fmt.Sprintf("%016x", c.Digest()), Topology: string(c.Topology), Engine: c.Engine, Nodes: c.Nodes,
		Keys: c.Keys, Seconds: c.Duration.Seconds(), Judged: t.Sum(table.Judged), Loads: t.Sum(table.Loads),
		Reads: map[string]uint64{
			"get": t.Sum(table.Gets), "get_many": t.Sum(table.GetManys), "peek": t.Sum(table.Peeks),
			"refresh": t.Sum(table.Refreshes), "token": t.Sum(table.TokenReads),
		},
		Invalidations: map[string]uint64{
			"all": t.Sum(table.Invalidations), "deferred": t.Sum(table.Deferred), "prefix": t.Sum(table.Prefixes),
			"mutate": t.Sum(table.Mutates), "set": t.Sum(table.Sets), "expire": t.Sum(table.Expires),
		},
		OwnErrors: t.Sum(table.OwnErrors), SlowestMillis: ms(t.Max(table.Slowest)),
		Faults: map[string]int{}, Messages: map[string]uint64{}, WorstMillis: map[string]float64{}, Cold: map[string]float64{},
		Excused: t.Sum(table.Excused), Starved: t.Sum(table.Starved), Violations: k.violated, findings: k.violations,
		injected: k.injected, began: k.began, skew: k.config.Skew,
	}
	for s := range judge.States {
		r.WorstMillis[s.String()] = ms(t.Max(table.WorstBehind + table.Counter(s)))
	}
	for _, f := range c.Faults {
		r.Faults[string(f)] = 0
	}
	for _, in := range k.injected {
		r.Faults[string(in.Fault)]++
	}
	for _, p := range k.processes {
		r.Rest = append(r.Rest, resting{p.config.Incarnation, p.before, p.after})
		r.Messages["dropped"] += p.proxy.Dropped.Load()
		r.Messages["delayed"] += p.proxy.Delayed.Load()
		r.Messages["duplicated"] += p.proxy.Duplicated.Load()
	}
	if k.cold.rounds > 0 {
		r.Cold["keys"], r.Cold["mean"] = float64(k.cold.rounds), float64(k.cold.loads)/float64(k.cold.rounds)
	}
	if k.cold.quiet > 0 {
		r.Cold["undisturbed_keys"], r.Cold["undisturbed_mean"] = float64(k.cold.quiet), float64(k.cold.quietLoads)/float64(k.cold.quiet)
		r.Cold["undisturbed_most"] = float64(k.cold.most)
	}
	return r
}

// print writes the table, then the violations with their histories, then one line of JSON.
func (r *result) print(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(tab, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("plan", "seed %d, %s, %s, %s, %d nodes, %d keys, %.0f s", r.Seed, r.Plan, r.Topology, r.Engine, r.Nodes, r.Keys, r.Seconds)
	row("reads judged", "%d (asked: %v)", r.Judged, r.Reads)
	row("invalidations", "%v", r.Invalidations)
	row("loads", "%d; %d reads failed with their own load or context", r.Loads, r.OwnErrors)
	for _, f := range slices.Concat(plan.RedisFaults, plan.NodeFaults) {
		if n, ok := r.Faults[string(f)]; ok {
			row("fault "+string(f), "%d", n)
		}
	}
	row("messages", "%v", r.Messages)
	for s := range judge.States {
		row("worst remote staleness, "+s.String(), "%.1f ms", r.WorstMillis[s.String()])
	}
	row("slowest read", "%.1f ms", r.SlowestMillis)
	row("loads per cold key", "%v", r.Cold)
	row("unanswered", "%d probes of a plain client beside the nodes' own, within 40 ms, faults included", r.Starved)
	row("excused", "%d reads on the author's own node, before it could notice a failover behind an intact link", r.Excused)
	row("clocks", "those of nodes that were killed and started anew are off by %v, fast and slow", r.skew)
	for i, n := range r.Rest {
		row(fmt.Sprintf("node %d at rest", i), "goroutines %d -> %d, heap %.1f -> %.1f MB (since its start %d)", n.Before.Goroutines,
			n.After.Goroutines, float64(n.Before.Heap)/1e6, float64(n.After.Heap)/1e6, n.Incarnation+1)
	}
	row("violations", "%d", r.Violations)
	if err := tab.Flush(); err != nil {
		return err
	}
	for i, f := range r.findings {
		fmt.Fprintf(w, "\nviolation %d of %s at %.6f s: %v\n", i+1, f.Promise, time.Duration(f.At-r.began).Seconds(), f)
		for _, in := range r.injected {
			if in.to > f.At-int64(10*time.Second) && in.from < f.At+int64(time.Second) {
				fmt.Fprintf(w, "%12.6fs  fault %s of node %d until %.6fs\n", time.Duration(in.from-r.began).Seconds(), in.Fault, in.Node, time.Duration(in.to-r.began).Seconds())
			}
		}
		for _, e := range f.history {
			fmt.Fprintln(w, e.Since(r.began))
		}
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", line)
	return err
}
