//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/plan"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
	"github.com/freshet-go/freshet/tiered"
)

// names of the events of one kind of invalidation.
type names struct{ began, ended, deferred table.What }

var (
	invalidate = names{table.InvalidateBegan, table.InvalidateEnded, table.InvalidateDeferred}
	prefix     = names{table.PrefixBegan, table.PrefixEnded, table.PrefixDeferred}
	set        = names{table.SetBegan, table.SetEnded, table.SetDeferred}
	mutate     = names{table.MutateBegan, table.MutateEnded, table.MutateDeferred}
)

// write does one write.
func (n *node) write(op plan.Op) {
	k := op.Key
	if op.Kind == plan.Set {
		k = settableNear(k)
	}
	if op.Kind == plan.Expire {
		n.table.Count(n.config.Node, table.Expires, 1)
		n.table.Note(n.config.Node, k, table.ExpireBegan, 0, 0)
		n.accept(k, n.cacheOf(k).Expire(context.Background(), keyOf(k)))
		n.table.Note(n.config.Node, k, table.ExpireEnded, 0, 0)
		return
	}
	switch op.Kind {
	case plan.InvalidateGroup, plan.InvalidateCache:
		n.invalidatePrefix(op)
		return
	case plan.InvalidateMany:
		n.invalidateMany(op)
		return
	}
	if settable(k) {
		if !n.table.Lock(k, n.config.Node) {
			return // somebody else is writing
		}
		defer n.table.Unlock(k, n.config.Node)
	}
	switch op.Kind {
	case plan.Set:
		n.table.Count(n.config.Node, table.Sets, 1)
		n.change(set, []int{k}, func(covers func()) error {
			v := n.commit(k)
			covers()
			return n.cacheOf(k).Set(context.Background(), keyOf(k), checkedValue{k, v})
		})
	case plan.Mutate, plan.MutateFails, plan.MutateBreaks, plan.MutatePanics:
		n.mutate(op, k)
	default:
		n.change(invalidate, []int{k}, func(covers func()) error {
			n.commit(k)
			covers()
			if n.config.Forgetful && op.Draw%4 == 0 {
				return nil
			}
			return n.cacheOf(k).Invalidate(context.Background(), keyOf(k))
		})
	}
}

// commit writes a new version.
func (n *node) commit(k int) uint64 {
	v := n.table.Write(k)
	n.table.Note(n.config.Node, k, table.Wrote, v, 0)
	return v
}

// change is one invalidation of keys. do calls covers just before the invalidation begins: what the origin has then is what
// no later read on this node may be below, and no read elsewhere once Redis has acknowledged.
func (n *node) change(as names, keys []int, do func(covers func()) error) {
	me := n.config.Node
	by := n.calls.Add(1)
	covered := make([]uint64, len(keys))
	called := false
	for i, k := range keys {
		n.table.Note(me, k, as.began, n.table.Version(k), by)
		covered[i] = 0
	}
	err := do(func() {
		called = true
		for i, k := range keys {
			covered[i] = n.table.Version(k)
		}
	})
	at := table.Now()
	deferred := errors.Is(err, tiered.ErrDeferred)
	if !called {
		return
	}
	panicked := errors.Is(err, errPanicked)
	for i, k := range keys {
		n.table.Cover(me, k, covered[i])
		what := as.deferred
		if !deferred && !panicked {
			n.table.Tell(k, judge.Told{At: at, Version: covered[i], Prefix: as == prefix})
			what = as.ended
		}
		n.table.Note(me, k, what, covered[i], by)
	}
	n.table.Count(me, table.Invalidations, 1)
	if deferred {
		n.table.Count(me, table.Deferred, 1)
	}
	n.accept(keys[0], err)
	if !panicked {
		if text, err := takeToken(n.store); err == nil {
			n.posting.Lock()
			n.table.Post(me, keys[0], covered[0], text)
			n.posting.Unlock()
		}
	}
}

// accept expects an error of an invalidation to be none, that it was deferred, or one of the write itself.
func (n *node) accept(k int, err error) {
	if err != nil && !errors.Is(err, tiered.ErrDeferred) && !errors.Is(err, errWrite) && !errors.Is(err, errPanicked) {
		n.violated(violation{Promise: "F7", What: fmt.Sprintf("a write failed: %v", err), Key: k, At: table.Now()})
	}
}

var errPanicked = errors.New("origin: a write that panics")

// mutate writes under a hold; some writes fail before or after their commit, or panic.
func (n *node) mutate(op plan.Op, k int) {
	n.table.Count(n.config.Node, table.Mutates, 1)
	before, after := time.Duration(op.Draw%20)*time.Millisecond, time.Duration(op.Draw>>8%20)*time.Millisecond
	n.change(mutate, []int{k}, func(covers func()) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = errPanicked
			}
		}()
		return n.cacheOf(k).Mutate(context.Background(), keyOf(k), func(context.Context) error {
			defer covers()
			<-time.After(before)
			if op.Kind == plan.MutateFails {
				return errWrite
			}
			n.commit(k)
			<-time.After(after)
			switch op.Kind {
			case plan.MutateBreaks:
				return errWrite
			case plan.MutatePanics:
				panic(errPanicked)
			}
			return nil
		})
	})
}

// invalidateMany writes some keys of one cache, which are not Set, and invalidates them in one call.
func (n *node) invalidateMany(op plan.Op) {
	var some []int
	var keys []checkedKey
	all := inCache(op.Key, n.config.Keys)
	for i := range 4 {
		k := all[(int(op.Draw%1000)+7*i)%len(all)]
		if !settable(k) {
			some, keys = append(some, k), append(keys, keyOf(k))
		}
	}
	if len(some) == 0 {
		return
	}
	n.change(invalidate, some, func(covers func()) error {
		for _, k := range some {
			n.commit(k)
		}
		covers()
		return n.cacheOf(op.Key).Invalidate(context.Background(), keys...)
	})
}

// invalidatePrefix writes some keys of a group, which are not Set, and invalidates the group, or all of the cache.
func (n *node) invalidatePrefix(op plan.Op) {
	n.table.Count(n.config.Node, table.Prefixes, 1)
	c := n.cacheOf(op.Key)
	all := inGroup(op.Key, n.config.Keys)
	if op.Kind == plan.InvalidateCache {
		all = inCache(op.Key, n.config.Keys)
	}
	n.change(prefix, all, func(covers func()) error {
		for i, k := range all {
			if !settable(k) && (op.Draw>>(i%64))&1 != 0 {
				n.commit(k)
			}
		}
		covers()
		switch {
		case op.Kind == plan.InvalidateGroup:
			return c.InvalidatePrefix(context.Background(), keyOf(op.Key).Group)
		case op.Draw%2 == 0:
			return c.InvalidatePrefix(context.Background())
		default:
			return n.store.InvalidatePrefix(context.Background(), c.Name())
		}
	})
}

// mutateAndDie begins a Mutate, commits, says so, and waits to be killed before it can invalidate. Its hold was placed if
// the Store has counted no failure of one meanwhile.
func (n *node) mutateAndDie(k int) {
	failed := n.store.Stats().HoldsFailed
	_ = n.cacheOf(k).Mutate(context.Background(), keyOf(k), func(ctx context.Context) error {
		held := n.store.Stats().HoldsFailed == failed
		<-time.After(300 * time.Millisecond) // all have heard of the hold
		v := n.commit(k)
		n.table.Note(n.config.Node, k, table.Held, v, 0)
		n.report(report{Committed: v, Held: held, Began: table.Now()})
		<-ctx.Done()
		return nil
	})
}
