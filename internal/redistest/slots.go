//go:build unix

package redistest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ownerOf is the master that serves a slot in its own opinion, which is the one that counts: others hear of a move later.
func (c *Cluster) ownerOf(slot int) (owner *ClusterNode) {
	c.t.Helper()
	c.eventually(fmt.Sprintf("have an owner of slot %d", slot), func() bool {
		for _, n := range c.Masters() {
			if holds(n.owners()[n.id], slot) {
				owner = n
				return true
			}
		}
		return false
	})
	return owner
}

// holds tells whether a slot is among ranges such as "0-99 120".
func holds(ranges string, slot int) bool {
	for r := range strings.FieldsSeq(ranges) {
		first, last, ok := strings.Cut(r, "-")
		if !ok {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		if from <= slot && slot <= to {
			return true
		}
	}
	return false
}

// MoveSlot moves a slot with its keys to another master, key by key, while clients go on. Between steps it calls each,
// if that is not nil.
func (c *Cluster) MoveSlot(slot int, to *ClusterNode, each func()) {
	c.t.Helper()
	ctx, from := context.Background(), c.ownerOf(slot)
	for end := time.Now().Add(10 * time.Second); ; from = c.ownerOf(slot) {
		if from == to {
			return
		}
		c.must(to.rdb.Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.id).Err())
		err := from.rdb.Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.id).Err()
		if err == nil {
			break
		}
		if time.Now().After(end) || !strings.Contains(err.Error(), "not the owner") { // others may not have heard of the last move yet
			c.must(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	step := func() {
		if each != nil {
			each()
		}
	}
	step()
	for {
		keys, err := from.rdb.ClusterGetKeysInSlot(ctx, slot, 10).Result()
		c.must(err)
		if len(keys) == 0 {
			break
		}
		for _, k := range keys {
			err := from.rdb.Migrate(ctx, "127.0.0.1", fmt.Sprint(to.port), k, 0, time.Second).Err()
			if err != nil && !errors.Is(err, redis.Nil) && !strings.HasPrefix(err.Error(), "NOKEY") {
				c.must(err)
			}
			step()
		}
	}
	c.must(to.rdb.Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", to.id).Err())
	c.must(to.rdb.Do(ctx, "CLUSTER", "BUMPEPOCH").Err()) // or what others remember of the slot outweighs it
	c.must(from.rdb.Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", to.id).Err())
	for _, n := range c.Masters() {
		c.must(n.rdb.Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", to.id).Err())
	}
}
