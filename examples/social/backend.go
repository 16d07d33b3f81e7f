package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
	"github.com/freshet-go/freshet/examples/social/internal/service"
	"github.com/freshet-go/freshet/tiered"
)

// memoryBytes holds what is hot; what does not fit is answered by Redis.
const memoryBytes = 64 << 20

// backend is the database and the Redis behind the service.
type backend struct {
	db        *origin.DB
	redis     redis.UniversalClient
	redisName string
	embedded  *miniredis.Miniredis // nil: a real one
	budget    time.Duration        // for an answer of Redis; 0: the default
	closers   []func() error
}

// openBackend opens both, and fills the database if it is new.
func openBackend(ctx context.Context, s settings, p origin.Population) (b *backend, err error) {
	b = &backend{}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if err := b.openDatabase(ctx, s, p); err != nil {
		return b, err
	}
	err = b.openRedis(s.redisURL)
	return b, err
}

// openDatabase keeps what a service has in PostgreSQL; all others are made for this run.
func (b *backend) openDatabase(ctx context.Context, s settings, p origin.Population) (err error) {
	if s.serve && s.databaseURL != "" {
		if b.db, err = origin.Keep(ctx, s.databaseURL, p); err == nil {
			b.closers = append(b.closers, b.db.Close)
		}
		return err
	}
	if b.db, err = origin.Open(ctx, s.databaseURL); err != nil {
		return err
	}
	b.closers = append(b.closers, b.db.Close)
	return b.db.Seed(ctx, p)
}

func (b *backend) openRedis(rawURL string) (err error) {
	if rawURL == "" {
		b.redisName = "miniredis (embedded)"
		b.budget = 2 * time.Second // it is never away, only slow: on the cores of the service, interpreting scripts in Go
		embedded, err := miniredis.Run()
		if err != nil {
			return fmt.Errorf("embedded Redis: %w", err)
		}
		b.embedded = embedded
		b.closers = append(b.closers, func() error { embedded.Close(); return nil })
		rawURL = "redis://" + embedded.Addr() + "?read_timeout=2s&write_timeout=2s&pool_timeout=2s"
	} else if u, err := url.Parse(rawURL); err == nil {
		b.redisName = "Redis at " + u.Host
	}
	if b.redis, err = tiered.Dial(rawURL); err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	b.closers = append(b.closers, b.redis.Close)
	return nil
}

// age lets keys in the embedded Redis expire, which has no clock of its own. It looks at every key for that, and all wait
// meanwhile: so it does it twice a minute to free memory, and at once where somebody waits for another's load, whose lease
// may have been left behind.
func (b *backend) age(waits func() uint64) {
	if b.embedded == nil {
		return
	}
	const (
		step   = 2500 * time.Millisecond // less than a lease lasts
		leases = 2                       // steps in which one ends
		seldom = 12
	)
	stop, stopped := make(chan struct{}), make(chan struct{})
	b.closers = append(b.closers, func() error { close(stop); <-stopped; return nil })
	go func() {
		defer close(stopped)
		tick := time.NewTicker(step)
		defer tick.Stop()
		var seen uint64
		for i, owed := 1, 0; ; i++ {
			select {
			case <-tick.C:
			case <-stop:
				return
			}
			if n := waits(); n != seen {
				seen, owed = n, leases
			}
			if owed > 0 || i%seldom == 0 {
				owed = max(owed-1, 0)
				b.embedded.FastForward(step)
			}
		}
	}()
}

// openStore opens the tiers. Their namespace is the database's: what is in Redis of another one, is about that one.
func (b *backend) openStore(log *slog.Logger) (*tiered.Store, error) {
	return tiered.Open(tiered.Options{
		Redis:       b.redis,
		Namespace:   "freshet-social-" + b.db.ID(),
		MemoryBytes: memoryBytes,
		Budget:      b.budget,
		Strategies:  service.Strategies(),
		Logger:      log,
	})
}

func (b *backend) close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	return errors.Join(errs...)
}
