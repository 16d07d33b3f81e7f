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

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/tiered"
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
	verify   bool
	serve    bool
	ready    bool
	addr     string
	warmRate float64

	databaseURL, redisURL string
	password              string
	capacity              capacity.Settings

	latency origin.Latency
	label   string // of latency
}

const usage = `Social drives an HTTP service, first without a cache and then with one, and prints what that changed.

usage: social [flags]            measure, and exit: 0 all targets met, 1 one missed, 2 bad flags
       social -verify [flags]    check the settings and measure shortly: 0 all passed, 1 not
       social -serve [flags]     serve with the cache until interrupted
       social -ready [flags]     ask the service at -addr whether it is ready: 0 it is, 1 it is not

environment:
  DATABASE_URL     postgres://user:password@host:5432/name (default: SQLite in a temporary file). To measure, the schema
                   freshet_social in it is dropped and made anew; to serve, freshet_social_service is made once, and kept
  REDIS_URL        redis://user:password@host:6379/0 (default: embedded)
  WEB_CONCURRENCY  workers (default 3), and
  WEB_THREADS      threads of each (default 4): together, how many requests are in flight at once
  WEB_QUEUE        how many more may wait, before others are refused (default: 4 times as many)
  WEB_TIMEOUT      seconds that a request may take, waiting included (default 30)
  PORT             makes 0.0.0.0:PORT the default of -addr
  DEMO_PASSWORD    with -serve, every user's password, of at least 8 characters (default: a new one, which is printed)

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
	f.IntVar(&s.warm, "warm", 0, "hottest users to load ahead, with -serve unless hot keys are remembered (0: a quarter of them)")
	f.Uint64Var(&s.seed, "seed", 1, "seed of the data and of the load")
	f.StringVar(&s.origin, "origin", "seeds", "latency of the database: seeds (that of the original system) or real (as it is)")
	f.BoolVar(&s.json, "json", false, "print the result as one JSON object too, on the last line")
	f.BoolVar(&s.verify, "verify", false, "check the settings, and measure for a shorter time unless -duration and -before say otherwise")
	f.BoolVar(&s.serve, "serve", false, "serve until interrupted, instead of measuring")
	f.BoolVar(&s.ready, "ready", false, "ask the service at -addr whether it is ready, and exit")
	f.Float64Var(&s.warmRate, "warm-rate", 0, "with -serve, the most keys to load ahead in a second (0: as many as come)")
	addr := "127.0.0.1:8080"
	port := env("PORT")
	if port != "" {
		addr = net.JoinHostPort("0.0.0.0", port)
	}
	f.StringVar(&s.addr, "addr", addr, "address to serve on with -serve")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	given := map[string]bool{}
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if s.verify && !given["duration"] {
		s.duration = 10 * time.Second
	}
	if s.verify && !given["before"] {
		s.before = time.Second
	}
	s.databaseURL, s.redisURL, s.password = env("DATABASE_URL"), env("REDIS_URL"), env("DEMO_PASSWORD")
	s.capacity, err = capacity.FromEnv(env)
	if n, bad := strconv.ParseUint(port, 10, 16); port != "" && (bad != nil || n == 0) {
		err = errors.Join(err, fmt.Errorf("PORT is %q: must be a number from 1 to 65535", port))
		if !given["addr"] {
			s.addr = "0.0.0.0:0" // one fault is named once
		}
	}
	if err = errors.Join(err, s.check(f.Args())); err != nil {
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
	if !(s.warmRate >= 0 && s.warmRate <= 1e6) {
		fault("-warm-rate is %v: must be from 0 to 1000000", s.warmRate)
	}
	if n := s.capacity.Capacity() + s.capacity.Queue; !s.serve && n > 0 && s.workers > n {
		fault("-workers is %d: the service takes %d requests at once (WEB_CONCURRENCY x WEB_THREADS + WEB_QUEUE)", s.workers, n)
	}
	if s.password != "" && len(s.password) < 8 {
		fault("DEMO_PASSWORD is too short: must have at least 8 characters")
	}
	if s.databaseURL != "" {
		if err := origin.CheckURL(s.databaseURL); err != nil {
			fault("DATABASE_URL: %w", err)
		}
	}
	if s.redisURL != "" {
		if client, err := tiered.Dial(s.redisURL); err != nil { // which does not connect
			fault("REDIS_URL: %w", err)
		} else {
			_ = client.Close()
		}
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
	if s.verify && s.json {
		fault("-json is another report: it goes without -verify")
	}
	if s.verify && s.serve || s.verify && s.ready || s.serve && s.ready {
		fault("-verify, -serve and -ready are three things to do: want one of them")
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
