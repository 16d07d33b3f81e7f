//go:build unix

package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
	"github.com/redis/go-redis/v9"
)

// probe asks Redis through a client of its own, beside the Store. Where that has no answer within the Store's budget, though
// nothing was done to the node, the machine was too busy: that disturbs the node like a fault, and is counted.
func (n *node) probe() {
	const (
		beat   = 25 * time.Millisecond
		budget = 40 * time.Millisecond // somewhat less than the Store's
		spread = 8                     // keys, to meet all shards of a Cluster
	)
	rdb := n.config.client()
	defer func() { _ = rdb.Close() }()
	for i := 0; !n.table.Stopped(); i++ {
		<-time.After(beat)
		ctx, cancel := context.WithTimeout(context.Background(), budget)
		_, err := rdb.Get(ctx, "freshness-probe"+strconv.Itoa(i%spread)).Result()
		cancel()
		if err != nil && !errors.Is(err, redis.Nil) {
			n.table.Disturb(n.config.Node, table.Away)()
			n.table.Count(n.config.Node, table.Starved, 1)
		}
	}
}
