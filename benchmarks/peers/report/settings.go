package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/freshet-go/freshet/benchmarks/internal/trace"
	"github.com/freshet-go/freshet/benchmarks/peers/scenario"
)

const usage = `usage: go run ./benchmarks/report [flags]

Runs every contender through every scenario, in turns, and writes RESULTS.md and charts into the folder -out. It needs a
redis-server on PATH, and takes ten to twenty minutes; do nothing else on the machine meanwhile.

Exit status: 0 if everything ran, targets missed or not; 1 if something could not be run, or, with -check, if a target
was missed; 2 for bad flags.

`

// settings are what the flags say.
type settings struct {
	quick  bool
	check  bool
	out    string
	only   []string // identifiers of scenarios; none: all
	lab    scenario.Lab
	traces string // where they come from, in words
	args   []string
}

func parse(args []string, env func(string) string, stderr io.Writer) (settings, error) {
	s := settings{args: args}
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	f.BoolVar(&s.quick, "quick", false, "fewer, shorter rounds of smaller sizes: under three minutes, and not worth keeping")
	f.BoolVar(&s.check, "check", false, "exit with status 1 if a target is missed")
	f.StringVar(&s.out, "out", "benchmarks", "`folder` for RESULTS.md and charts/")
	only := f.String("only", "", "scenarios to run, as in `S1,S6`; S0 is the conformance of the contenders (default all)")
	rounds := f.Int("rounds", 0, "rounds of each comparison (default 7, or 3 with -quick)")
	dir := f.String("traces", "", "`folder` of request traces NAME.u32le.gz (default $FRESHET_TRACES, else ../shared/traces; without any, a generated zipf order)")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	fail := func(err error) (settings, error) {
		fmt.Fprintf(stderr, "report: %v\n", err)
		return s, err
	}
	if f.NArg() > 0 {
		return fail(fmt.Errorf("unexpected %q", f.Args()))
	}
	if *rounds < 0 {
		return fail(fmt.Errorf("-rounds is %d: must not be negative", *rounds))
	}
	known := []string{conformanceID}
	for _, sc := range scenario.All() {
		known = append(known, sc.ID)
	}
	if *only != "" {
		s.only = strings.Split(strings.ToUpper(*only), ",")
	}
	for _, id := range s.only {
		if !slices.Contains(known, id) {
			return fail(fmt.Errorf("-only: no scenario %q; there are %s", id, strings.Join(known, " ")))
		}
	}

	s.lab = scenario.Full()
	if s.quick {
		s.lab = scenario.Quick()
	}
	s.lab.Rounds = cmp.Or(*rounds, s.lab.Rounds)
	asked := cmp.Or(*dir, env("FRESHET_TRACES"))
	traces, err := trace.Read(cmp.Or(asked, "../shared/traces"))
	if err == nil && asked != "" && len(traces) == 0 {
		err = fmt.Errorf("no traces in %s", asked)
	}
	if err != nil {
		return fail(err)
	}
	s.lab.Traces = traces
	s.traces = "none recorded: a generated zipf order"
	if len(traces) > 0 {
		var names []string
		for _, t := range traces {
			names = append(names, t.Name)
		}
		s.traces = "recorded: " + strings.Join(names, ", ")
	}
	return s, nil
}

// wants tells whether a scenario is to be run.
func (s settings) wants(id string) bool { return len(s.only) == 0 || slices.Contains(s.only, id) }
