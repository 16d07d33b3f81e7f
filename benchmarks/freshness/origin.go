//go:build unix

package main

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
	"github.com/freshet-go/freshet/cache"
)

var (
	errLoad  = errors.New("origin: a load that fails")
	errWrite = errors.New("origin: a write that fails")
)

type loadPanic struct{}

func (loadPanic) Error() string { return "origin: a load that panics" }

// troubled is for how long after a failed load errors of its key are explained by it: it ends its flight a little later.
const troubled = 500 * time.Millisecond

// load is one load of a key. It returns the version that the origin has at the moment when it begins, however long it
// takes.
func (n *node) load(ctx context.Context, k int) (checkedValue, error) {
	version := n.table.Version(k)
	n.table.Began(k)
	nth := n.loads[k].Add(1)
	by := uint64(n.config.Incarnation)<<32 | nth
	n.table.Note(n.config.Node, k, table.LoadBegan, version, by)
	n.table.Count(n.config.Node, table.Loads, 1)
	if k >= n.config.Keys { // a cold one
		<-time.After(30 * time.Millisecond)
		return checkedValue{k, version}, ctx.Err()
	}
	does := n.config.Load(n.config.Node, k, int(nth))
	fail := func(until time.Duration, err error) (checkedValue, error) {
		n.table.Trouble(n.config.Node, k, table.Now()+int64(until+troubled))
		n.table.Note(n.config.Node, k, table.LoadFailed, version, by)
		return checkedValue{}, err
	}
	if does.Hangs {
		_, _ = fail(loadTimeout, nil) // as of now: it may end without anybody here
		if does.Deaf {
			<-time.After(loadTimeout + loadTimeout/2)
			return checkedValue{k, version}, nil // too late
		}
		<-ctx.Done()
		return fail(0, ctx.Err())
	}
	if does.Takes > 0 {
		timer := time.NewTimer(does.Takes)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return fail(0, ctx.Err())
		}
	}
	switch {
	case does.Panics:
		_, _ = fail(0, nil)
		panic(loadPanic{})
	case does.Fails:
		return fail(0, errLoad)
	}
	n.table.Note(n.config.Node, k, table.LoadEnded, version, by)
	return checkedValue{k, version}, nil
}

// loadMany loads many keys at once, each as if it were alone; those that fail do not harm the others.
func (n *node) loadMany(ctx context.Context, numbers map[checkedKey]int) (map[checkedKey]checkedValue, error) {
	type loaded struct {
		key   checkedKey
		value checkedValue
		err   error
	}
	results := make(chan loaded, len(numbers))
	slow := time.AfterFunc(loadTimeout/2, func() { // one that hangs takes all with it
		for _, k := range numbers {
			n.table.Trouble(n.config.Node, k, table.Now()+int64(loadTimeout+troubled))
		}
	})
	defer slow.Stop()
	for key, k := range numbers {
		go func() {
			l := loaded{key: key, err: errLoad}
			defer func() {
				if recover() != nil {
					l.err = loadPanic{}
				}
				results <- l
			}()
			l.value, l.err = n.load(ctx, k)
		}()
	}
	values, failed := map[checkedKey]checkedValue{}, map[checkedKey]error{}
	for range numbers {
		if l := <-results; l.err != nil {
			failed[l.key] = l.err
		} else {
			values[l.key] = l.value
		}
	}
	if len(failed) > 0 {
		return values, &cache.BatchError[checkedKey]{Failed: failed}
	}
	return values, nil
}
