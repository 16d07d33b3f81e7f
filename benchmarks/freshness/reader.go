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
	"github.com/freshet-go/freshet/cache"
)

// start starts the workers of a node.
func (n *node) start() {
	for worker := range plan.Readers + plan.Writers {
		ops := n.config.Ops(n.config.Node, n.config.Incarnation, worker)
		n.work.Go(func() {
			var told []judge.Told
			for !n.table.Stopped() {
				op := ops.Next()
				if op.Pause > 0 {
					<-time.After(op.Pause)
				}
				if worker < plan.Readers {
					told = n.read(op, told)
				} else {
					n.write(op)
				}
			}
		})
	}
	n.work.Go(n.probe)
	n.work.Go(func() {
		watch(n.table.Stopped, func(d time.Duration) { n.table.NodeStalled(n.config.Node, d) })
	})
}

// reading is a read under way, with what it must return at least by what this node itself has invalidated.
type reading struct {
	key   int
	began int64
	floor uint64
}

func (n *node) begin(k int) reading {
	floor := n.table.Floor(n.config.Node, k) // before the time: what is known now bounds what is read from now on
	return reading{k, table.Now(), floor}
}

// read does one read and judges it. told is room for judge.
func (n *node) read(op plan.Op, told []judge.Told) []judge.Told {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if op.Within > 0 {
		ctx, cancel = context.WithTimeout(ctx, op.Within)
	}
	defer cancel()
	me, k := n.config.Node, op.Key
	c := n.cacheOf(k)
	switch op.Kind {
	case plan.GetMany:
		return n.readMany(ctx, op, told)
	case plan.Peek:
		n.table.Count(me, table.Peeks, 1)
		r := n.begin(k)
		if v, ok := c.Peek(ctx, keyOf(k)); ok {
			told = n.judge("Peek", r, v, told)
		}
		return told
	case plan.Refresh:
		n.table.Count(me, table.Refreshes, 1)
		n.asked.Add(1)
		r := n.begin(k)
		now := n.table.Version(k)
		v, err := c.Refresh(ctx, keyOf(k))
		if err != nil {
			n.explain(ctx, "Refresh", r, err)
			return told
		}
		n.atLeast("Refresh", "Refresh, which loads anew", k, v, now, r.began)
		return n.judge("Refresh", r, v, told)
	case plan.TokenRead:
		return n.readToken(ctx, op, told)
	}
	n.table.Count(me, table.Gets, 1)
	n.asked.Add(1)
	r := n.begin(k)
	v, err := c.Get(ctx, keyOf(k))
	if err != nil {
		n.explain(ctx, "Get", r, err)
		return told
	}
	return n.judge("Get", r, v, told)
}

// readMany reads some keys of one cache.
func (n *node) readMany(ctx context.Context, op plan.Op, told []judge.Told) []judge.Told {
	n.table.Count(n.config.Node, table.GetManys, 1)
	all := inCache(op.Key, n.config.Keys)
	all = all[:min(len(all), 1+int(op.Draw%16))]
	keys, readings := make([]checkedKey, len(all)), make([]reading, len(all))
	for i, k := range all {
		keys[i], readings[i] = keyOf(k), n.begin(k)
	}
	n.asked.Add(uint64(len(keys)))
	values, err := n.cacheOf(op.Key).GetMany(ctx, keys)
	var batch *cache.BatchError[checkedKey]
	errors.As(err, &batch)
	for i, r := range readings {
		v, ok := values[keys[i]]
		switch {
		case ok:
			told = n.judge("GetMany", r, v, told)
		case batch != nil && batch.Failed[keys[i]] != nil:
			n.explain(ctx, "GetMany", r, batch.Failed[keys[i]])
		default:
			n.violated(violation{Promise: "F6", What: fmt.Sprintf("GetMany: no value and no error of its own: %v", err), Key: r.key, At: r.began})
		}
	}
	return told
}

// readToken reads what another node has written, with its token.
func (n *node) readToken(ctx context.Context, op plan.Op, told []judge.Told) []judge.Told {
	from := int(op.Draw % uint64(n.config.Nodes))
	k, version, text, ok := n.table.Posted(from)
	if !ok {
		return told
	}
	c := n.cacheOf(k)
	ctx, err := withToken(ctx, text)
	if err != nil {
		n.violated(violation{Promise: "token", What: fmt.Sprintf("a token of node %d: %v", from, err), Key: k, At: table.Now()})
		return told
	}
	n.table.Count(n.config.Node, table.TokenReads, 1)
	n.asked.Add(1)
	r := n.begin(k)
	v, err := c.Get(ctx, keyOf(k))
	if err != nil {
		n.explain(ctx, "Get with a token", r, err)
		return told
	}
	n.atLeast("token", fmt.Sprintf("Get with a token of node %d", from), k, v, version, r.began)
	return n.judge("Get with a token", r, v, told)
}

// judge compares what a read returned with the node's own floor (F1) and with what Redis was told (F3).
func (n *node) judge(what string, r reading, v checkedValue, told []judge.Told) []judge.Told {
	me := n.config.Node
	n.table.Count(me, table.Judged, 1)
	n.slow(what, r)
	n.table.NoteRead(me, r.key, v.Version)
	if v.Key == r.key && v.Version == n.table.Version(r.key) {
		return told // the newest
	}
	reader := n.table.Reader(me)
	if v.Key == r.key && v.Version < r.floor && !n.config.Strict && n.bounds.Excused(r.began, reader) {
		n.table.Count(me, table.Excused, 1)
		return told
	}
	n.atLeast("F1", what, r.key, v, r.floor, r.began)
	told = n.table.Told(r.key, told[:0])
	behind, state := n.bounds.Behind(r.began, v.Version, told, reader)
	if !reader.Void.Active && !reader.Paused.Active {
		n.table.Worst(me, table.WorstBehind+table.Counter(state), behind)
	}
	if by, _, ok := n.bounds.Least(r.began, told, reader); !ok || v.Version >= by.Version {
		return told
	}
	reader = n.afterthought()
	if by, state, ok := n.bounds.Least(r.began, told, reader); ok && v.Version < by.Version {
		allowed, _ := n.bounds.Allowed(by, reader)
		promise := "F3"
		if n.config.auditor() {
			promise = "F2"
		}
		n.atLeast(promise, fmt.Sprintf("%s, %v, %v after Redis was told (prefix: %v; allowed %v)",
			what, state, time.Duration(r.began-by.At), by.Prefix, allowed), r.key, v, by.Version, r.began)
	}
	return told
}

// afterthought is what is known of this node a moment later: a process that the machine has just held up may judge a read
// before it has measured that.
func (n *node) afterthought() judge.Reader {
	<-time.After(100 * time.Millisecond)
	return n.table.Reader(n.config.Node)
}

// atLeast is the comparison.
func (n *node) atLeast(promise, what string, k int, v checkedValue, least uint64, began int64) {
	if v.Key != k {
		promise, what = "key", what+fmt.Sprintf(" returned the value of key %d", v.Key)
	} else if v.Version >= least {
		return
	}
	n.violated(violation{Promise: promise, What: what, Key: k, At: began, Got: v.Version, Least: least})
}

// slow judges how long a read took: no fault of Redis delays it by much more than a load.
func (n *node) slow(what string, r reading) {
	took := time.Duration(table.Now() - r.began)
	n.table.Worst(n.config.Node, table.Slowest, took)
	if took <= slowest {
		return
	}
	reader := n.afterthought()
	if took > slowest+2*time.Duration(reader.Stall) && !reader.Paused.Active && reader.Paused.End < r.began {
		n.violated(violation{Promise: "F7", What: fmt.Sprintf("%s took %v", what, took), Key: r.key, At: r.began})
	}
}

// slowest is a wait for another's load, a load, the budgets of the commands around them, and a margin.
const slowest = 2*loadTimeout + 1200*time.Millisecond

// explain accepts an error of a read only if the caller's own context ended or a load of its key failed.
func (n *node) explain(ctx context.Context, what string, r reading, err error) {
	n.slow(what, r)
	me := n.config.Node
	ended := ctx.Err() != nil
	reader := n.table.Reader(me)
	if !ended && errors.Is(err, context.DeadlineExceeded) && !n.table.Troubled(me, r.key, r.began) {
		reader = n.afterthought()
	}
	switch {
	case ended && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)):
	case n.table.Troubled(me, r.key, r.began) && (errors.Is(err, errLoad) || errors.Is(err, loadPanic{}) || errors.Is(err, context.DeadlineExceeded)):
	case errors.Is(err, context.DeadlineExceeded) && (reader.Stall > int64(loadTimeout)/4 || reader.Paused.Active || reader.Paused.End > r.began-int64(loadTimeout)):
		// the machine was too slow for the load
	default:
		n.violated(violation{Promise: "F6/F7", What: fmt.Sprintf("%s failed, and no load of its own did: %v", what, err), Key: r.key, At: r.began})
		return
	}
	n.table.Count(me, table.OwnErrors, 1)
}
