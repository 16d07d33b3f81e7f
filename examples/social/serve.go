package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
)

// serve serves with the cache until ctx ends.
func serve(ctx context.Context, s settings, out io.Writer, log *slog.Logger) (err error) {
	p := origin.Population{Users: s.users, Seed: s.seed}
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
	server, err := listen(ctx, s.addr, data, log)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, `serving on %[1]s: %[2]s, %[3]s
database latency: %[4]s

  curl %[1]s/feed/1
  curl -H 'Authorization: Bearer 1.%[5]s' %[1]s/auth      # the token of a made-up user
  curl %[1]s/health
  curl %[1]s/cache/stats
  curl %[1]s/post     -d '{"user":%[6]d,"text":"Hello"}'
  curl %[1]s/follow   -d '{"user":1,"followee":%[6]d}'
  curl %[1]s/unfollow -d '{"user":1,"followee":%[6]d}'
  curl %[1]s/rename   -d '{"user":%[6]d,"name":"Ada"}'
`, server.url, b.db.Kind(), b.redisName, s.label, p.Secret(1), p.Writer(1))
	select {
	case <-ctx.Done():
		return server.close()
	case err := <-server.done:
		return err
	}
}
