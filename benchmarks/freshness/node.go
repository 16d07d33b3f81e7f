//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/wall"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/redis/go-redis/v9/logging"
)

// nodeEnv, set, makes the program a node: it takes commands on its standard input and reports on its standard output.
const nodeEnv = "FRESHNESS_NODE"

// node is one process with a Store and its caches.
type node struct {
	config config
	bounds judge.Bounds
	table  *table.Table
	store  *tiered.Store
	caches []*checked
	cold   *checked
	loads  []atomic.Uint64 // of each key, in this process
	calls  atomic.Uint64
	asked  atomic.Uint64 // keys that the caches were asked for, as they count them
	work   sync.WaitGroup

	posting sync.Mutex // of tokens
	report  func(report)
}

// runNode is a node's main function. It ends when its input does.
func runNode(in io.Reader, out io.Writer) error {
	logging.Disable() // of connections refused
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() {
		return errors.New("freshness: a node needs a config")
	}
	var c config
	if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
		return fmt.Errorf("freshness: config: %w", err)
	}
	var reporting sync.Mutex
	encoder := json.NewEncoder(out)
	n, err := openNode(c, func(r report) {
		reporting.Lock()
		defer reporting.Unlock()
		_ = encoder.Encode(r)
	})
	if err != nil {
		return err
	}
	before := atRest()
	n.start()
	n.report(report{Ready: true})
	for lines.Scan() {
		var cmd command
		if err := json.Unmarshal(lines.Bytes(), &cmd); err != nil {
			return fmt.Errorf("freshness: command: %w", err)
		}
		switch cmd.Do {
		case "cold":
			n.work.Go(func() { n.stampede(cmd.Key) })
		case "mutate":
			go n.mutateAndDie(cmd.Key)
		case "finish":
			n.work.Wait()
			n.finish()
			n.report(report{Finished: true})
		case "last":
			n.last()
			if c.Profiles != "" {
				if err := n.writeProfiles(); err != nil {
					return fmt.Errorf("freshness: %w", err)
				}
			}
			n.report(report{Finished: true, Before: before, After: atRest()})
		}
	}
	return lines.Err()
}

// openNode opens the table, the Store and the caches of a node.
func openNode(c config, tell func(report)) (*node, error) {
	if d := c.skew(); d != 0 {
		wall.Skew(d)
	}
	t, err := table.Open(c.Table, c.Nodes+1, c.Keys+coldKeys)
	if err != nil {
		return nil, err
	}
	n := &node{config: c, bounds: c.bounds(), table: t, loads: make([]atomic.Uint64, t.Keys()), report: tell}
	options := tiered.Options{
		Redis: c.client(), MemoryBytes: 8 << 20, MaxStaleness: c.MaxStaleness, FallbackTTL: c.FallbackTTL,
	}
	switch {
	case c.auditor():
		options.Engine, n.bounds = tiered.NoMemory, n.bounds.ForAuditor()
	case c.Engine == "otter":
		options.Engine = tiered.Otter
	}
	if n.store, err = tiered.Open(options); err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	err = n.openCaches()
	return n, err
}

func (n *node) openCaches() error {
	for i, p := range policies {
		number := func(key checkedKey) int { return numberOf(key, i) }
		o := cache.Options{Store: n.store, Name: p.name, TTL: p.policy, LoadTimeout: loadTimeout, MutateTimeout: mutateFor, MaxLoads: 512}
		var c *checked
		var err error
		if p.batch {
			c, err = cache.NewBatch(func(ctx context.Context, keys []checkedKey) (map[checkedKey]checkedValue, error) {
				numbers := make(map[checkedKey]int, len(keys))
				for _, key := range keys {
					numbers[key] = number(key)
				}
				return n.loadMany(ctx, numbers)
			}, o)
		} else {
			c, err = cache.New(func(ctx context.Context, key checkedKey) (checkedValue, error) { return n.load(ctx, number(key)) }, o)
		}
		if err != nil {
			return fmt.Errorf("freshness: %w", err)
		}
		n.caches = append(n.caches, c)
	}
	var err error
	n.cold, err = cache.New(func(ctx context.Context, key checkedKey) (checkedValue, error) { return n.load(ctx, key.Item) },
		cache.Options{Store: n.store, Name: coldest, LoadTimeout: loadTimeout, TTL: ttl.Fixed(time.Hour)}) // far more than clocks are apart
	if err != nil {
		return fmt.Errorf("freshness: %w", err)
	}
	return nil
}

func (n *node) cacheOf(k int) *checked { return n.caches[k%len(n.caches)] }

// violated reports a broken promise, with what the node says of itself and of the key just now.
func (n *node) violated(v violation) {
	v.Node = n.config.Node
	if v.Key < n.config.Keys {
		now, ok := n.cacheOf(v.Key).Peek(context.Background(), keyOf(v.Key))
		s := n.store.Stats()
		v.Then = fmt.Sprintf("a Peek then: version %d (%v); link up %v, fallback %v, breaker %v, journal %d, epoch %d, worst stall %v", now.Version, ok,
			s.LinkUp, s.Fallback, s.Breaker, s.Journal, s.Epoch, time.Duration(n.table.Reader(v.Node).Stall))
	}
	n.table.Note(v.Node, v.Key, table.Violated, v.Got, 0)
	n.table.Count(v.Node, table.Violations, 1)
	n.report(report{Violation: &v})
}

// watch measures how late goroutines of this process run, until the work is stopped.
func watch(stopped func() bool, late func(time.Duration)) {
	const beat = 5 * time.Millisecond
	for last := table.Now(); !stopped(); {
		<-time.After(beat)
		now := table.Now()
		late(time.Duration(now-last) - beat)
		last = now
	}
}

// stampede asks for one cold key with many callers at once.
func (n *node) stampede(k int) {
	var callers sync.WaitGroup
	for range coldCallers {
		callers.Go(func() { _, _ = n.cold.Get(context.Background(), checkedKey{Item: k}) })
	}
	callers.Wait()
}

// settled tells whether the node is at rest: it hears Redis, and owes it nothing.
func (n *node) settled() bool {
	s := n.store.Stats()
	return s.LinkUp && s.Journal == 0 && !s.Fallback
}

// finish waits until the node is at rest, reads everything once more, and checks the books.
func (n *node) finish() {
	for end := time.Now().Add(20 * time.Second); !n.settled(); <-time.After(50 * time.Millisecond) {
		if time.Now().After(end) {
			n.violated(violation{Promise: "F8", What: fmt.Sprintf("not at rest 20 s after the last fault: %+v", n.store.Stats())})
			return
		}
	}
	for _, c := range append(n.caches, n.cold) {
		s := c.Stats()
		if sum := s.MemoryHits + s.RedisHits + s.Loads + s.Joined + s.Negative + s.Stale + s.Errors; sum != s.Requests {
			n.violated(violation{Promise: "F9", What: fmt.Sprintf("%s: the books do not balance: %+v", c.Name(), s)})
		}
	}
	requests := uint64(0)
	for _, c := range n.caches {
		requests += c.Stats().Requests
	}
	if requests != n.asked.Load() {
		n.violated(violation{Promise: "F9", What: fmt.Sprintf("%d keys were asked for, %d counted", n.asked.Load(), requests)})
	}
}

// last reads every key once more, now that all nodes are at rest: what memory and Redis have, then what they give.
func (n *node) last() {
	for k := range n.config.Keys {
		least, began := n.table.Final(k), table.Now()
		if v, ok := n.cacheOf(k).Peek(context.Background(), keyOf(k)); ok {
			n.table.Count(n.config.Node, table.Judged, 1)
			n.atLeast("F2/F3", "the last Peek", k, v, least, began)
		}
		if n.config.auditor() {
			continue
		}
		if v, err := n.cacheOf(k).Get(context.Background(), keyOf(k)); err == nil {
			n.table.Count(n.config.Node, table.Judged, 1)
			n.atLeast("F2/F3", "the last Get", k, v, least, began)
		}
	}
}

func nodeMain() {
	if err := runNode(os.Stdin, os.Stdout); err != nil {
		_ = json.NewEncoder(os.Stdout).Encode(report{Error: err.Error()})
		os.Exit(1)
	}
}
