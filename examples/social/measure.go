package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/load"
	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/report"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// closing is the time that is left for the comparison at the end and the report, where a machine is too slow for the load.
const closing = 15 * time.Second

// measure runs the load without and with the cache, and reports.
func measure(ctx context.Context, s settings, progress io.Writer, log *slog.Logger) (r report.Report, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit(), fmt.Errorf("not done after %v", s.limit()))
	defer cancel()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx) // and not what came of it
		}
	}()
	start := time.Now()
	step := func(format string, args ...any) {
		_, _ = fmt.Fprintf(progress, "%6.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}

	users, err := s.order()
	if err != nil {
		return r, err
	}
	p := origin.Population{Users: users.Count, Seed: s.seed}
	step("seeding a database of %d users", p.Users)
	b, err := openBackend(ctx, s, p)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	r = report.Report{
		Database: b.db.Kind(), Redis: b.redisName, Origin: s.origin, Latency: s.label, Users: users.From,
		Rate: s.rate, Workers: s.workers, Trace: s.trace != "", Wanted: len(users.IDs),
	}
	truth, err := service.Plain{DB: b.db}.Health(ctx)
	if err != nil {
		return r, err
	}
	driver := &load.Driver{Population: p, Mirror: load.NewMirror(p), Health: truth, Users: users, Seed: s.seed}
	b.db.Delay(s.latency)

	step("without the cache, for %v", s.before)
	calls := b.db.Calls()
	if r.Before.Result, err = drive(ctx, driver, service.Plain{DB: b.db}, load.Plan{Workers: s.workers, For: s.before}, s, log); err != nil {
		return r, err
	}
	r.Before.Calls = b.db.Calls() - calls

	store, err := b.openStore(log)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	data, err := service.NewCached(b.db, store)
	if err != nil {
		return r, err
	}
	defer data.Close()
	b.age(data.Waits)
	warm := s.warm
	if warm == 0 {
		warm = users.Count / 4
	}
	hot := users.Hottest(warm)
	step("pre-warming the %d hottest users", len(hot))
	calls = b.db.Calls()
	if err := data.Warm(ctx, hot, service.WarmOptions{}); err != nil {
		return r, err
	}
	r.Warm = report.Warm{Users: len(hot), Calls: b.db.Calls() - calls, Stats: data.Stats()}

	step("with the cache, %d requests", len(users.IDs))
	plan := load.Plan{Workers: s.workers, Rate: s.rate, For: s.limit() - time.Since(start) - closing}
	if r.After.Result, err = drive(ctx, driver, data, plan, s, log); err != nil {
		return r, err
	}
	r.After.Calls = b.db.Calls() - calls
	r.Stats = data.Stats()

	step("comparing the mirror with the database")
	b.db.Delay(origin.Real)
	r.Compared, r.Unproven = driver.Mirror.Prove(ctx, b.db)
	r.Took = time.Since(start)
	r.Judge()
	return r, ctx.Err()
}

// order is the users' order.
func (s *settings) order() (load.Users, error) {
	if s.trace == "" {
		return load.Zipf(s.count(), s.users, s.seed), nil
	}
	u, err := load.Trace(s.trace, s.count())
	if err != nil {
		return u, fmt.Errorf("-trace: %w", err)
	}
	return u, nil
}

// drive serves data while the driver runs.
func drive(ctx context.Context, d *load.Driver, data service.Data, plan load.Plan, s settings, log *slog.Logger) (r load.Result, err error) {
	server, err := listen(ctx, "127.0.0.1:0", data, s, log)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.close(0)) }()
	d.Base = server.url
	r = d.Run(ctx, plan)
	return r, context.Cause(ctx)
}
