//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
)

// audit looks into Redis, through a Store without memory, until the work is stopped: what an invalidation has removed that
// Redis acknowledged must not be there (F2).
func (n *node) audit() {
	r := rand.New(rand.NewPCG(n.config.Seed, 5<<32))
	var told []judge.Told
	for !n.table.Stopped() {
		<-time.After(10 * time.Millisecond)
		for range 10 {
			k := r.IntN(n.config.Keys)
			reading := n.begin(k)
			n.table.Count(n.config.Node, table.Peeks, 1)
			if v, ok := n.cacheOf(k).Peek(context.Background(), keyOf(k)); ok {
				told = n.judge("Peek into Redis", reading, v, told)
			}
		}
	}
}

// close ends a node within this process.
func (n *node) close() {
	_ = n.store.Close()
	_ = n.store.Options().Redis.Close()
	_ = n.table.Close()
}
