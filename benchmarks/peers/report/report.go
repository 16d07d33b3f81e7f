package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/scenario"
)

// report is all that is known in the end.
type report struct {
	settings settings
	machine  machine
	began    time.Time
	took     time.Duration
	conducts []conduct
	sections []section
	charts   []chart
}

// section is a scenario that was run.
type section struct {
	scenario scenario.Scenario
	results  []scenario.Result
	errors   []error // of bouts that did not run to their end
}

// verdict is a target and what came of it.
type verdict struct {
	id      string
	bout    scenario.Bout
	target  scenario.Target
	value   float64
	reached bool
}

func (v verdict) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s %s", v.id, v.bout.Name, v.bout.Case), " ") + ": " + v.target.String()
}

func newReport(ctx context.Context, s settings) *report {
	return &report{settings: s, machine: thisMachine(ctx), began: time.Now()}
}

// measure runs what is wanted, and goes on where something fails.
func (r *report) measure(ctx context.Context, stderr io.Writer) {
	defer func() { r.took = time.Since(r.began) }()
	p := progress{out: stderr, began: r.began}
	if r.settings.wants(conformanceID) {
		p.say("%s conformance of the contenders", conformanceID)
		r.conducts = conform(ctx)
	}
	for _, sc := range scenario.All() {
		if !r.settings.wants(sc.ID) {
			continue
		}
		s := section{scenario: sc}
		for _, b := range sc.Bouts(&r.settings.lab) {
			if ctx.Err() != nil {
				break
			}
			p.say("%s %s %s", sc.ID, b.Name, b.Case)
			result, err := b.Run(ctx, &r.settings.lab, p.turn)
			p.done()
			if err != nil {
				p.say("%v", err)
				s.errors = append(s.errors, err)
				continue
			}
			s.results = append(s.results, result)
		}
		if ctx.Err() != nil {
			s.errors = append(s.errors, fmt.Errorf("interrupted: %w", ctx.Err()))
		}
		r.sections = append(r.sections, s)
	}
}

func (s section) verdicts() []verdict {
	var all []verdict
	for _, result := range s.results {
		for _, t := range result.Bout.Targets {
			value, ok := t.Reached(result)
			all = append(all, verdict{s.scenario.ID, result.Bout, t, value, ok})
		}
	}
	return all
}

func (r *report) verdicts() []verdict {
	var all []verdict
	for _, s := range r.sections {
		all = append(all, s.verdicts()...)
	}
	return all
}

func (r *report) missed() []string {
	missed := []string{}
	for _, v := range r.verdicts() {
		if !v.reached {
			missed = append(missed, v.String())
		}
	}
	return missed
}

// failures are what could not be run, or turned out to be other than is known.
func (r *report) failures() []string {
	failures := []string{}
	for _, c := range r.conducts {
		failures = append(failures, c.surprise...)
	}
	for _, s := range r.sections {
		for _, err := range s.errors {
			failures = append(failures, err.Error())
		}
	}
	return failures
}

// write writes RESULTS.md and the charts.
func (r *report) write() error {
	dir := filepath.Join(r.settings.out, chartFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	r.charts = drawings(r)
	for _, c := range r.charts {
		if err := c.save(filepath.Join(dir, c.file)); err != nil {
			return fmt.Errorf("%s: %w", c.file, err)
		}
	}
	return os.WriteFile(r.file(), []byte(r.markdown()), 0o644)
}

func (r *report) file() string { return filepath.Join(r.settings.out, "RESULTS.md") }

// print says what was missed, and ends with a line of JSON.
func (r *report) print(stdout io.Writer) error {
	verdicts := r.verdicts()
	for _, v := range verdicts {
		if !v.reached {
			fmt.Fprintf(stdout, "missed: %v: %s\n", v, figure(v.value))
		}
	}
	for _, failure := range r.failures() {
		fmt.Fprintf(stdout, "failed: %s\n", failure)
	}
	missed := r.missed()
	return json.NewEncoder(stdout).Encode(struct {
		Targets  int      `json:"targets"`
		Reached  int      `json:"reached"`
		Missed   []string `json:"missed"`
		Failures []string `json:"failures"`
		Quick    bool     `json:"quick"`
		Seconds  float64  `json:"seconds"`
		Results  string   `json:"results"`
	}{len(verdicts), len(verdicts) - len(missed), missed, r.failures(), r.settings.quick, r.took.Round(time.Second / 10).Seconds(), r.file()})
}
