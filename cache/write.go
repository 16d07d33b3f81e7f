package cache

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/freshet-go/freshet/internal/wall"
	"github.com/freshet-go/freshet/tiered"
)

// Set stores a value that the caller knows to be the newest, in both tiers, and ends what other nodes have in memory.
// It counts as an invalidation: if Redis is away, it returns an error that wraps tiered.ErrDeferred, and no older value
// comes back on this node all the same. A value that Redis cannot or does not take is an error, too. While a Mutate of
// key is under way, nothing is stored. Where a database holds the
// truth, Mutate is the safer way to change it.
func (c *Cached[K, V]) Set(ctx context.Context, key K, value V) error {
	return c.SetMany(ctx, map[K]V{key: value})
}

// SetMany is Set for many keys, in two round trips.
func (c *Cached[K, V]) SetMany(ctx context.Context, values map[K]V) (err error) {
	_, end := c.write(ctx, OpSet, len(values))
	defer end(&err)
	ks := slices.Collect(maps.Keys(values))
	encoded, err := c.encodeAll(ks)
	if err != nil || len(ks) == 0 {
		return err
	}
	fetches := make([]*tiered.Fetch, len(ks))
	fills := make([]tiered.Fill, len(ks))
	since, now := wall.Now(), c.store.Instant()
	for i, key := range ks {
		value, err := c.isolate(values[key])
		if err != nil {
			return fmt.Errorf("cache: set %q: %w", c.options.Name, err)
		}
		fetches[i] = &tiered.Fetch{Key: encoded[i], Codec: c.options.Codec, Lease: leaseFor}
		fills[i] = tiered.Fill{Fetch: fetches[i], Value: &value, Life: c.bounded(c.options.TTL.Lifetime(&value)), Since: since}
	}
	err = c.store.Set(fetches...)
	stored, bad := c.store.FillAll(fills...)
	for i, key := range ks {
		unanswered := fetches[i].Outcome == tiered.Unseen || fetches[i].Outcome == tiered.Alone
		if stored[i] || unanswered && c.store.Keepable(fetches[i]) {
			c.keep(c.hash(key), key, *fills[i].Value.(*V), false, fetches[i].Stamp, span{fills[i].Life, now, fills[i].Until(), 0})
		}
	}
	return errors.Join(err, bad)
}

// Invalidate removes the values of keys from both tiers on all nodes. When it returned, even with an error because Redis
// is away (it then wraps tiered.ErrDeferred), no read that starts later on this node gets a value whose load began
// before. Call it after the change was committed; Mutate does that, and survives a crash in between.
func (c *Cached[K, V]) Invalidate(ctx context.Context, keys ...K) (err error) {
	ctx, end := c.write(ctx, OpInvalidate, len(keys))
	defer end(&err)
	encoded, err := c.encodeAll(keys)
	if len(encoded) > 0 {
		err = errors.Join(err, c.store.Invalidate(ctx, encoded...))
	}
	return err
}

// InvalidatePrefix invalidates every key whose first segments are the given ones; with none, the whole cache. The fields
// of a struct are segments, and given one by one; what no key can have there is an error, and invalidates nothing. It is
// one command, however many keys there are. If Redis is away, it is like Invalidate.
func (c *Cached[K, V]) InvalidatePrefix(ctx context.Context, segments ...any) (err error) {
	ctx, end := c.write(ctx, OpInvalidatePrefix, 0)
	defer end(&err)
	if c.closed.Load() {
		return ErrClosed
	}
	prefix, err := c.keys.Prefix(segments...)
	if err != nil {
		return err
	}
	return c.store.InvalidateUnder(ctx, prefix)
}

// Expire makes the values of keys stale on all nodes: they are loaded anew, and serve only if that load fails. For the
// rest it is like Invalidate.
func (c *Cached[K, V]) Expire(ctx context.Context, keys ...K) (err error) {
	ctx, end := c.write(ctx, OpExpire, len(keys))
	defer end(&err)
	encoded, err := c.encodeAll(keys)
	if c.store.Shared() && len(encoded) > 0 {
		return errors.Join(err, c.store.Expire(ctx, encoded...))
	}
	if c.store.Shared() || errors.Is(err, ErrClosed) {
		return err
	}
	for _, key := range keys { // memory alone: what Redis would keep for failed loads stays here
		k, bad := c.encode(key)
		if bad != nil {
			continue
		}
		hash := c.hash(key)
		old, f := c.lookup(hash, key)
		err = errors.Join(err, c.store.Expire(ctx, k))
		if f != tiered.Dead && !old.Negative() {
			e := &entry[K, V]{owner: c, key: key, value: old.value}
			c.store.Age(&e.Entry, &old.Entry)
			c.replace(hash, old, e)
		}
	}
	return err
}

// holdMargin is how much longer a hold lasts than the context of the write that it is for.
const holdMargin = time.Second

// Mutate changes what key is loaded from. It marks key on all nodes, calls write, and invalidates key, whether write
// succeeded or not: nobody gets an older value once Mutate returned, and if the process dies after write committed,
// readers bypass the cache for key until the mark expires. write gets a context that ends after MutateTimeout, and must
// obey it.
//
// If write failed, its error is returned. If Redis is away, the write goes on all the same, and the error wraps
// tiered.ErrDeferred, joined with write's own error if there is one: an ErrDeferred does not say that write succeeded.
func (c *Cached[K, V]) Mutate(ctx context.Context, key K, write func(context.Context) error) (err error) {
	ctx, end := c.write(ctx, OpMutate, 1)
	defer end(&err)
	if c.closed.Load() {
		return ErrClosed
	}
	k, err := c.encode(key)
	if err != nil {
		return err
	}
	hold := c.store.Hold(k, c.options.MutateTimeout+holdMargin) // outlives the write
	defer func() {                                              // also after a panic
		err = errors.Join(err, hold.Release(ctx, c.options.HoldAfter))
	}()
	ctx, cancel := context.WithTimeout(ctx, c.options.MutateTimeout)
	defer cancel()
	if err := write(ctx); err != nil {
		return fmt.Errorf("cache: mutate %q: %w", c.options.Name, err)
	}
	return nil
}
