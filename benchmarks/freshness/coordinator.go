//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/plan"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/proxy"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/servers"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
	"github.com/redis/go-redis/v9/logging"
)

// coordinator starts everything, does the faults, and collects what the nodes find.
type coordinator struct {
	config    config
	log       io.Writer
	dir       string
	table     *table.Table
	redis     *servers.Topology
	processes []*process
	auditor   *node
	clean     *proxy.Proxy // the auditor's
	began     int64
	ended     chan struct{} // closed when the run is over
	end       sync.Once

	mu         sync.Mutex
	injected   []injection
	violations []finding
	violated   int // violations of all, findings included
	seen       map[violation]bool
	faults     []error // of the run itself
	cold       cold
}

// injection is a fault that was done.
type injection struct {
	plan.Event
	from, to int64
}

// cold is how often cold keys were loaded.
type cold struct {
	rounds, quiet int // quiet: with nothing disturbed
	loads         uint64
	quietLoads    uint64
	most          uint64 // in a quiet round
}

// run does one run.
func run(c config, log io.Writer) (_ *result, err error) {
	logging.Disable() // of connections refused
	k := &coordinator{config: c, log: log, seen: map[violation]bool{}, ended: make(chan struct{})}
	defer k.close()
	if err := k.open(); err != nil {
		return nil, err
	}
	k.work()
	k.finish()
	return k.result(), errors.Join(k.faults...)
}

// open starts the servers, the proxies and the nodes.
func (k *coordinator) open() (err error) {
	if k.dir, err = os.MkdirTemp("", "freshness-"); err != nil {
		return err
	}
	c := &k.config
	c.Table = filepath.Join(k.dir, "table")
	if k.table, err = table.Open(c.Table, c.Nodes+1, c.Keys+coldKeys); err != nil {
		return err
	}
	for key := range k.table.Keys() {
		k.table.Write(key) // version 1
	}
	if k.redis, err = servers.Start(c.Topology); err != nil {
		return err
	}
	c.Addrs = k.redis.Addrs()
	if k.clean, err = proxy.Listen(k.redis.Resolve); err != nil {
		return err
	}
	k.began = table.Now()
	for i := range c.Nodes {
		p := &process{config: *c, heard: k.hear}
		if p.proxy, err = proxy.Listen(k.redis.Resolve); err != nil {
			return err
		}
		p.config.Node, p.config.Proxy = i, p.proxy.Addr()
		k.processes = append(k.processes, p)
		if err := p.start(); err != nil {
			return err
		}
	}
	k.auditor, err = k.openAuditor()
	return err
}

func (k *coordinator) openAuditor() (*node, error) {
	own := k.config
	own.Node, own.Proxy = own.Nodes, k.clean.Addr()
	return openNode(own, k.hear)
}

// work lets the nodes work, and the faults happen, for the time of the run.
func (k *coordinator) work() {
	var work sync.WaitGroup
	redis, node := k.config.Schedule()
	start := time.Now()
	work.Go(func() { k.lane(start, redis) })
	work.Go(func() { k.lane(start, node) })
	work.Go(k.auditor.audit)
	work.Go(func() { watch(k.table.Stopped, k.table.CoordinatorStalled) })
	work.Go(k.ping)
	work.Go(func() { k.stampedes(start) })
	work.Go(func() {
		for !k.table.Stopped() {
			if k.rest(min(5*time.Second, k.config.Duration/4)) {
				k.progress(time.Since(start))
			}
		}
	})
	k.rest(k.config.Duration)
	k.stop()
	work.Wait()
}

// stop ends the work.
func (k *coordinator) stop() {
	k.end.Do(func() {
		k.table.Stop()
		close(k.ended)
	})
}

// rest waits, and tells whether the run still goes on then.
func (k *coordinator) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.ended:
		return false
	}
}

// lane does the faults of one lane.
func (k *coordinator) lane(start time.Time, events []plan.Event) {
	for _, e := range events {
		if !k.rest(time.Until(start.Add(e.At))) {
			return
		}
		in := injection{e, table.Now(), 0}
		if err := k.inject(e); err != nil {
			k.fail(fmt.Errorf("freshness: %s: %w", e.Fault, err))
			return
		}
		in.to = table.Now()
		k.mu.Lock()
		k.injected = append(k.injected, in)
		k.mu.Unlock()
	}
}

// ping measures how late Redis itself answers: on a busy machine that exceeds the budget of the nodes, or a bound, without
// any fault.
func (k *coordinator) ping() {
	for !k.table.Stopped() {
		<-time.After(10 * time.Millisecond)
		for i := range k.redis.Shards() {
			ctx, cancel := context.WithTimeout(context.Background(), 250*time.Millisecond)
			began := time.Now()
			_ = k.redis.Master(i).Client().Ping(ctx).Err()
			cancel()
			k.table.CoordinatorStalled(time.Since(began))
		}
	}
}

// stampedes has all nodes ask for one cold key at the same time, again and again.
func (k *coordinator) stampedes(start time.Time) {
	r := rand.New(rand.NewPCG(k.config.Seed, 6<<32))
	for key := k.config.Keys; key < k.config.Keys+coldKeys; key++ {
		if !k.rest(time.Duration(500+r.IntN(1500))*time.Millisecond) || time.Since(start) > k.config.Duration-time.Second {
			return
		}
		calm := k.calm()
		for _, p := range k.processes {
			_ = p.write(command{"cold", key})
		}
		<-time.After(700 * time.Millisecond)
		calm = calm && k.calm()
		loads := k.table.Loads(key)
		k.mu.Lock()
		k.cold.rounds++
		k.cold.loads += loads
		if calm {
			k.cold.quiet++
			k.cold.quietLoads += loads
			k.cold.most = max(k.cold.most, loads)
		}
		k.mu.Unlock()
		if calm && loads != 1 {
			k.hear(report{Violation: &violation{
				Promise: "F5", What: fmt.Sprintf("%d callers on %d nodes asked for a cold key, and caused %d loads", k.config.Nodes*coldCallers, k.config.Nodes, loads), Key: key, At: table.Now(),
			}})
		}
	}
}

// steady is the longest stall at which no call of Redis should exceed a node's budget of 50 ms.
const steady = 20 * time.Millisecond

// calm tells whether nothing disturbs any node, nor has of late.
func (k *coordinator) calm() bool {
	recovery := int64(k.config.bounds().Recovery)
	for n := range k.table.Nodes() {
		r := k.table.Reader(n)
		last := max(r.Link.End, r.Away.End, r.Paused.End, r.Void.End)
		if r.Link.Active || r.Away.Active || r.Paused.Active || r.Void.Active || last != 0 && table.Now() < last+recovery || r.Stall > int64(steady) {
			return false
		}
	}
	return true
}

// finish waits for the nodes to come to rest, and has everything read once more, also by a Store that knows nothing.
func (k *coordinator) finish() {
	for _, phase := range []string{"finish", "last"} {
		for _, p := range k.processes {
			if err := p.write(command{Do: phase}); err != nil {
				k.fail(err)
			}
		}
		for _, p := range k.processes {
			r, err := p.await(30*time.Second, func(r report) bool { return r.Finished })
			if err != nil {
				k.fail(err)
			}
			p.before, p.after = r.Before, r.After
		}
	}
	k.auditor.last()
	fresh, err := k.openAuditor()
	if err != nil {
		k.fail(err)
		return
	}
	fresh.last()
	fresh.close()
}

// hear takes what a node found.
func (k *coordinator) hear(r report) {
	if r.Error != "" {
		k.fail(errors.New(r.Error))
		return
	}
	v := *r.Violation
	k.mu.Lock()
	defer k.mu.Unlock()
	k.violated++
	same := violation{Promise: v.Promise, Node: v.Node, Key: v.Key, Least: v.Least}
	if k.seen[same] || len(k.violations) >= maxFindings {
		return
	}
	k.seen[same] = true
	f := finding{violation: v, history: k.table.History(v.Key)}
	k.violations = append(k.violations, f)
	if k.config.FailFast {
		k.stop()
	}
	fmt.Fprintf(k.log, "freshness: VIOLATION of %s at %.3f s: %s\n", v.Promise, k.seconds(v.At), f)
}

func (k *coordinator) seconds(at int64) float64 { return time.Duration(at - k.began).Seconds() }

func (k *coordinator) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.faults = append(k.faults, err)
	k.stop()
	fmt.Fprintln(k.log, err)
}

func (k *coordinator) progress(after time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fmt.Fprintf(k.log, "freshness: %4.0f s: %d reads judged, %d invalidations, %d faults, %d violations\n", after.Seconds(),
		k.table.Sum(table.Judged), k.table.Sum(table.Invalidations), len(k.injected), k.violated)
}

// close ends everything that was started.
func (k *coordinator) close() {
	for _, p := range k.processes {
		p.kill()
		p.proxy.Close()
	}
	if k.auditor != nil {
		k.auditor.close()
	}
	if k.clean != nil {
		k.clean.Close()
	}
	if k.redis != nil {
		k.redis.Close()
	}
	if k.table != nil {
		_ = k.table.Close()
	}
	_ = os.RemoveAll(k.dir)
}
