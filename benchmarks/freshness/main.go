//go:build unix

package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/plan"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/servers"
)

func main() {
	if os.Getenv(nodeEnv) != "" {
		nodeMain()
		return
	}
	var c config
	var topology, faults string
	flag.StringVar(&topology, "topology", "standalone", "of Redis: standalone, sentinel or cluster")
	flag.IntVar(&c.Nodes, "nodes", 3, "cache nodes, each a process")
	flag.IntVar(&c.Keys, "keys", 200, "keys that are read and written")
	flag.Uint64Var(&c.Seed, "seed", 0, "of operations and faults; 0: a new one")
	flag.DurationVar(&c.Duration, "duration", time.Minute, "of the run")
	flag.StringVar(&faults, "faults", "all", "all, none, or names with commas; a minus before a name leaves it out")
	flag.StringVar(&c.Engine, "engine", "ristretto", "of memory: ristretto or otter")
	flag.DurationVar(&c.MaxStaleness, "max-staleness", time.Second, "tiered.Options.MaxStaleness")
	flag.DurationVar(&c.FallbackTTL, "fallback-ttl", time.Second, "tiered.Options.FallbackTTL")
	flag.DurationVar(&c.Skew, "skew", 3*time.Minute, "how far the clocks of nodes that were killed and started anew are off, now fast, now slow")
	flag.BoolVar(&c.Strict, "strict", false, "take for violations what the library documents as its limits, too")
	flag.StringVar(&c.Profiles, "profiles", "", "a folder for the nodes' profiles of heap and goroutines in the end")
	flag.BoolVar(&c.FailFast, "fail-fast", false, "end with the first violation")
	flag.Parse()
	c.Topology = servers.Kind(topology)
	var err error
	if c.Faults, err = plan.Faults(faults); err != nil {
		exit(err)
	}
	switch {
	case c.Engine != "ristretto" && c.Engine != "otter":
		exit(fmt.Errorf("freshness: no engine is called %q: ristretto or otter", c.Engine))
	case c.Nodes < 1 || c.Nodes > 64 || c.Keys < 32 || c.Keys > 1<<16 || c.Duration < time.Second:
		exit(fmt.Errorf("freshness: 1 to 64 nodes, 32 to 65,536 keys, and at least a second, please"))
	}
	if c.Profiles != "" {
		if c.Profiles, err = filepath.Abs(c.Profiles); err == nil {
			err = os.MkdirAll(c.Profiles, 0o750)
		}
		if err != nil {
			exit(fmt.Errorf("freshness: -profiles: %w", err))
		}
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	fmt.Fprintf(os.Stderr, "freshness: -seed %d, plan %016x\n", c.Seed, c.Digest())
	r, err := run(c, os.Stderr)
	if r != nil {
		if err := r.print(os.Stdout); err != nil {
			exit(err)
		}
	}
	switch {
	case r != nil && r.Violations > 0:
		os.Exit(1)
	case err != nil:
		exit(err)
	}
}

// exit is for runs that say nothing about the library.
func exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}
