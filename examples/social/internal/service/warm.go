package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/freshet-go/freshet/cache"
)

// WarmOptions configure Warm.
type WarmOptions struct {
	Rate     float64       // the most keys a second; 0: as many as come
	Progress func(Warming) // is called after each batch, one call at a time; nil: nobody is told
}

// Warming says how far Warm has come with one cache, and which of them that is, from 1.
type Warming struct {
	Cache              string
	Step, Steps        int
	Done, Keys, Failed int
}

const warmBatch = 100 // keys that are asked for at once: what Redis can surely answer within its budget

// Warm loads what the feeds and authentications of users need, in batches, and waits for the first look at the jobs. What
// fails does not stop it, and comes back as its error; a second call loads only what is missing.
func (c *Cached) Warm(ctx context.Context, users []int64, o WarmOptions) error {
	w := &warmer{ctx: ctx, o: o, steps: 10}
	warm(w, c.following, users)
	authors, err := c.authors(ctx, users)
	w.errs = append(w.errs, err)
	warm(w, c.sessions, users)
	warm(w, c.profiles, users)
	warm(w, c.settings, users)
	warm(w, c.roles, users)
	warm(w, c.followers, users)
	warm(w, c.notifications, users)
	warm(w, c.messages, users)
	warm(w, c.users, authors)
	warm(w, c.postsOf, authors)
	return c.watched(w)
}

// WarmHot is Warm with the keys of each cache that were read most before this service was started, the hottest first: what
// Redis still holds of them comes from there, and the rest is loaded. It tells how many keys those were; without any, it
// does nothing.
func (c *Cached) WarmHot(ctx context.Context, o WarmOptions) (keys int, err error) {
	w := &warmer{ctx: ctx, o: o}
	var all []func()
	for _, f := range []interface {
		hot(*warmer) (keys int, warm func())
	}{
		c.following, c.sessions, c.users, c.profiles, c.settings, c.roles, c.followers, c.notifications, c.messages,
		c.postsOf, c.posts,
	} {
		some, warm := f.hot(w)
		if keys += some; some > 0 {
			all = append(all, warm)
		}
	}
	if len(all) == 0 {
		return 0, errors.Join(w.errs...)
	}
	w.steps = len(all)
	for _, warm := range all {
		warm()
	}
	return keys, c.watched(w)
}

// hot returns how many hot keys of a function are known, and what warms them.
func (f *function[K, V]) hot(w *warmer) (keys int, run func()) {
	all, err := f.cached.HotKeys(w.ctx, cache.DefaultHotKeys)
	w.errs = append(w.errs, err)
	return len(all), func() { warm(w, f, all) }
}

// watched waits for the first look at the jobs, and ends w.
func (c *Cached) watched(w *warmer) error {
	select {
	case <-c.watch.first:
	case <-w.ctx.Done():
		w.errs = []error{context.Cause(w.ctx)} // and not what came of it, ten times
	}
	if err := errors.Join(w.errs...); err != nil {
		return fmt.Errorf("service: warm: %w", err)
	}
	return nil
}

// authors are users and all whom they follow.
func (c *Cached) authors(ctx context.Context, users []int64) ([]int64, error) {
	all := map[int64]struct{}{}
	for _, u := range users {
		all[u] = struct{}{}
	}
	var errs []error
	for some := range slices.Chunk(users, warmBatch) {
		following, err := c.following.getMany(ctx, some)
		errs = append(errs, err)
		for _, f := range following {
			for _, a := range f {
				all[a] = struct{}{}
			}
		}
	}
	return slices.Sorted(maps.Keys(all)), errors.Join(errs...)
}

// warmer warms one cache after the other.
type warmer struct {
	ctx         context.Context
	o           WarmOptions
	step, steps int // caches
	errs        []error
}

// warm has no reader under audit: nobody waits for what it loads.
func warm[K comparable, V any](w *warmer, f *function[K, V], keys []K) {
	w.step++
	if w.ctx.Err() != nil {
		return
	}
	step := Warming{Cache: f.cached.Name(), Step: w.step, Steps: w.steps, Keys: len(keys)}
	w.errs = append(w.errs, f.cached.Warm(w.ctx, slices.Values(keys), cache.WarmOptions{
		Batch: warmBatch, Rate: w.o.Rate,
		Progress: func(p cache.WarmProgress) {
			if w.o.Progress != nil {
				step.Done, step.Failed = p.Done, p.Failed
				w.o.Progress(step)
			}
		},
	}))
}
