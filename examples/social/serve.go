package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// serve serves with the cache until ctx ends. What it opens it closes in the opposite order: first it is unready, then
// the requests under way end, then what goes on in the background, the caches and their store, Redis and the database.
func serve(ctx context.Context, s settings, out, errs io.Writer, log *slog.Logger) (err error) {
	p := origin.Population{Users: s.users, Seed: s.seed, LoggedOut: true}
	b, err := openBackend(ctx, s, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	b.db.Delay(s.latency)
	store, err := b.openStore(log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	data, err := service.NewCached(b.db, store)
	if err != nil {
		return err
	}
	defer data.Close()
	b.age(data.Waits)
	shown := "$DEMO_PASSWORD" // a secret that somebody chose is printed nowhere
	if s.password == "" {
		s.password = rand.Text()
		shown = s.password
	}
	server, err := listen(ctx, s.addr, data, s, log)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, `serving on %[1]s: %[2]s, %[3]s
database latency: %[4]s
capacity: %[5]d requests in flight, %[6]d waiting, %[7]v each

  curl %[1]s/feed/1
  curl %[1]s/health
  curl %[1]s/login -d '{"user":%[8]d,"password":"%[9]s"}'      # answers with a token
  curl -H "Authorization: Bearer $TOKEN" %[1]s/auth
  curl -H "Authorization: Bearer $TOKEN" %[1]s/post -d '{"user":%[8]d,"text":"Hello"}'
  curl %[1]s/readyz
  %[1]s/cache/stats   # in a browser: what the caches do, live
`, server.url, b.db.Kind(), b.redisName, s.label, s.capacity.Capacity(), s.capacity.Queue, s.capacity.Timeout, p.Writer(1), shown)

	var warming sync.WaitGroup
	defer warming.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	warming.Go(func() { warm(ctx, s, data, server, errs, log) })
	select {
	case <-ctx.Done():
		log.Info("stopping", "in_flight", server.gate.Stats().InFlight)
		return server.close(farewell)
	case err := <-server.done:
		return err
	}
}

// warm loads what was read most before a restart, or, if nobody remembers that, what the first users need, who are the
// hottest of the zipf order. Then it makes the server ready: without what failed it is slow at first, not wrong.
func warm(ctx context.Context, s settings, data *service.Cached, server *server, out io.Writer, log *slog.Logger) {
	bar := newProgress(out)
	defer bar.end()
	o := service.WarmOptions{Rate: s.warmRate, Progress: bar.show}
	remembered, err := data.WarmHot(ctx, o)
	if remembered == 0 && ctx.Err() == nil {
		users := make([]int64, min(cmp.Or(s.warm, s.users/4), s.users))
		for i := range users {
			users[i] = int64(i) + 1
		}
		err = errors.Join(err, data.Warm(ctx, users, o))
	}
	if ctx.Err() != nil {
		return
	}
	bar.end()
	if err != nil {
		log.Warn("pre-warming", "error", err)
	}
	server.probe.Ready()
	log.Info("ready", "remembered", remembered)
}
