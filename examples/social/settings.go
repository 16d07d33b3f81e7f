package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// settings are what the flags and the environment say.
type settings struct {
	trace    string
	requests int
	duration time.Duration
	before   time.Duration
	rate     float64
	workers  int
	users    int
	warm     int
	seed     uint64
	origin   string
	json     bool
	serve    bool
	addr     string

	databaseURL, redisURL string

	latency origin.Latency
	label   string // of latency
}

const usage = `Social drives an HTTP service, first without a cache and then with one, and prints what that changed.

usage: social [flags]            measure, and exit: 0 all targets met, 1 one missed, 2 bad flags
       social -serve [flags]     serve with the cache until interrupted

environment:
  DATABASE_URL   postgres://user:password@host:5432/name (default: SQLite in a temporary file);
                 the schema freshet_social in it is dropped and made anew
  REDIS_URL      redis://user:password@host:6379/0 (default: embedded)

flags:
`

// parse reads the flags. It says itself what is wrong with them.
func parse(args []string, env func(string) string, stderr io.Writer) (s settings, err error) {
	f := flag.NewFlagSet("social", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() { _, _ = io.WriteString(stderr, usage); f.PrintDefaults() }
	f.StringVar(&s.trace, "trace", "", "take the users' order from `FILE`: gzip over one little-endian uint32 per request (default: a zipf order)")
	f.IntVar(&s.requests, "requests", 0, "requests with the cache (0: as many as fit into -duration)")
	f.DurationVar(&s.duration, "duration", 20*time.Second, "length of the load with the cache, if -requests does not say")
	f.DurationVar(&s.before, "before", 8*time.Second, "length of the load without the cache")
	f.Float64Var(&s.rate, "rate", 1200, "requests per second with the cache")
	f.IntVar(&s.workers, "workers", 12, "requests under way at once (the original service had three workers of four threads)")
	f.IntVar(&s.users, "users", 10_000, "users of the zipf order")
	f.IntVar(&s.warm, "warm", 0, "hottest users to load ahead (0: a quarter of them)")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the data and of the load")
	f.StringVar(&s.origin, "origin", "seeds", "latency of the database: seeds (that of the original system) or real (as it is)")
	f.BoolVar(&s.json, "json", false, "print the result as one JSON object too, on the last line")
	f.BoolVar(&s.serve, "serve", false, "serve until interrupted, instead of measuring")
	f.StringVar(&s.addr, "addr", "127.0.0.1:8080", "address to serve on with -serve")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.databaseURL, s.redisURL = env("DATABASE_URL"), env("REDIS_URL")
	if err = s.check(f.Args()); err != nil {
		_, _ = fmt.Fprintf(stderr, "social: %v\nsee social -h\n", err)
	}
	return s, err
}

// check names every setting that cannot be used.
func (s *settings) check(rest []string) error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for _, arg := range rest {
		fault("%q: not a flag, and nothing else is expected", arg)
	}
	within := func(name string, value, low, high int) {
		if value < low || value > high {
			fault("-%s is %d: must be from %d to %d", name, value, low, high)
		}
	}
	lasts := func(name string, value, low, high time.Duration) {
		if value < low || value > high {
			fault("-%s is %v: must be from %v to %v", name, value, low, high)
		}
	}
	within("requests", s.requests, 0, 2_000_000)
	within("workers", s.workers, 1, 1000)
	within("users", s.users, 100, 1_000_000)
	within("warm", s.warm, 0, 100_000)
	lasts("duration", s.duration, time.Second, time.Hour)
	lasts("before", s.before, time.Second, time.Minute)
	if !(s.rate >= 1 && s.rate <= 100_000) { // also refuses NaN
		fault("-rate is %v: must be from 1 to 100000", s.rate)
	}
	var err error
	if s.latency, s.label, err = origin.ParseLatency(s.origin); err != nil {
		fault("-origin is %w", err)
	}
	if _, port, err := net.SplitHostPort(s.addr); err != nil {
		fault("-addr is %q: must be host:port", s.addr)
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		fault("-addr is %q: the port must be a number from 0 to 65535", s.addr)
	}
	if s.trace != "" {
		if s.serve {
			fault("-trace is for measuring: it goes without -serve")
		}
		if i, err := os.Stat(s.trace); err != nil {
			fault("-trace: %w", err)
		} else if i.IsDir() {
			fault("-trace is %q: a folder, not a file", s.trace)
		}
	}
	if s.serve && s.json {
		fault("-json is for measuring: it goes without -serve")
	}
	return errors.Join(faults...)
}

// count is how many requests are made with the cache.
func (s *settings) count() int {
	if s.requests > 0 {
		return s.requests
	}
	return int(s.duration.Seconds() * s.rate)
}

// limit is when the run gives up: 90 seconds, or what a long load takes and a minute.
func (s *settings) limit() time.Duration {
	load := time.Duration(float64(s.count()) / s.rate * float64(time.Second))
	return max(90*time.Second, s.before+load+time.Minute)
}
