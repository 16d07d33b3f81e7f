package service

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// warmBatch is how many keys are asked for at once: what Redis can surely answer within its budget.
const warmBatch = 100

// batches has keys loaded.
func batches[V any](ctx context.Context, g *errgroup.Group, f *function[int64, V], keys []int64) {
	for some := range slices.Chunk(keys, warmBatch) {
		g.Go(func() error { _, err := f.getMany(ctx, some); return err })
	}
}

// Warm loads what the feeds and authentications of users need, in batches, and waits for the first look at the jobs.
func (c *Cached) Warm(ctx context.Context, users []int64) error {
	authors := map[int64]struct{}{}
	for _, u := range users {
		authors[u] = struct{}{}
	}
	for some := range slices.Chunk(users, warmBatch) {
		following, err := c.following.getMany(ctx, some)
		if err != nil {
			return fmt.Errorf("service: warm: %w", err)
		}
		for _, f := range following {
			for _, a := range f {
				authors[a] = struct{}{}
			}
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	batches(gctx, g, c.sessions, users)
	batches(gctx, g, c.profiles, users)
	batches(gctx, g, c.settings, users)
	batches(gctx, g, c.roles, users)
	batches(gctx, g, c.followers, users)
	batches(gctx, g, c.notifications, users)
	batches(gctx, g, c.messages, users)
	all := slices.Sorted(maps.Keys(authors))
	batches(gctx, g, c.users, all)
	batches(gctx, g, c.postsOf, all)
	if err := g.Wait(); err != nil {
		return fmt.Errorf("service: warm: %w", err)
	}
	select {
	case <-c.watch.first:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("service: warm: %w", ctx.Err())
	}
}
