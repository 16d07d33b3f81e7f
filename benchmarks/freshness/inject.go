//go:build unix

package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"context"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/plan"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/proxy"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/servers"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/table"
)

// inject does one fault, and returns when it is over. Whatever it disturbs is marked before it begins.
func (k *coordinator) inject(e plan.Event) error {
	shard := int(e.Draw % uint64(k.redis.Shards()))
	master := k.redis.Master(shard)
	switch e.Fault {
	case plan.RedisPause:
		defer k.table.DisturbAll(table.Away)()
		if err := master.Stop(); err != nil {
			return err
		}
		hold(k.untilElection(e.For))
		return master.Cont()
	case plan.RedisKill:
		defer k.table.DisturbAll(table.Away)()
		if k.config.Topology != servers.Standalone { // messages between servers are lost
			defer k.table.DisturbAll(table.Void)()
		}
		master.Forget()
		return k.redis.Lose(shard, k.untilElection(min(e.For, time.Second))/4)
	case plan.Snapshot:
		defer k.table.DisturbAll(table.Void)()
		if err := master.Do("save"); err != nil {
			return err
		}
		hold(min(e.For, 1500*time.Millisecond))
		defer k.table.DisturbAll(table.Away)()
		if k.config.Topology == servers.Cluster { // the link may be with another shard
			defer k.table.DisturbAll(table.Unseen)()
		}
		defer master.Forget()
		return k.redis.Lose(shard, k.untilElection(min(e.For, time.Second))/4)
	case plan.Failover:
		return k.failover(shard, e, true)
	case plan.Unseen:
		return k.failover(shard, e, false)
	case plan.Evict:
		defer k.table.DisturbAll(table.Link)()
		return k.squeeze(master, e)
	case plan.FlushAll:
		defer k.table.DisturbAll(table.Link)() // the prefixes are gone, too, which only a poll can notice
		return master.Do("flushall")
	case plan.ScriptFlush:
		return master.Do("script", "flush")
	case plan.MutateKilled:
		return k.killMutate(e)
	}
	return k.injectNode(e)
}

// failover has a replica take over that lacks the last writes. If it is seen, the old master dies, or the link is cut from
// it; else the link stays where it is, at what is then a replica.
func (k *coordinator) failover(shard int, e plan.Event, seen bool) error {
	defer k.table.DisturbAll(table.Void)()
	defer k.table.DisturbAll(table.Away)()
	dies := seen && e.Draw>>8%2 == 0
	if !seen && k.config.Topology == servers.Standalone || k.config.Topology == servers.Cluster {
		defer k.table.DisturbAll(table.Unseen)()
	}
	cut := 50*time.Millisecond + time.Duration(e.Draw>>16%700)*time.Millisecond // often less than nodes take to notice how far it got
	return k.redis.Failover(shard, cut, dies, func() {
		for _, p := range append(k.proxies(), k.clean) {
			p.Break(seen, true)
		}
	})
}

func hold(d time.Duration) { <-time.After(d) }

// untilElection bounds how long a master may be away before others elect another.
func (k *coordinator) untilElection(d time.Duration) time.Duration {
	if k.config.Topology == servers.Sentinel {
		return min(d, time.Second)
	}
	return d
}

func (k *coordinator) proxies() (all []*proxy.Proxy) {
	for _, p := range k.processes {
		all = append(all, p.proxy)
	}
	return all
}

// squeeze takes memory from a server, which then evicts, or refuses what needs memory.
func (k *coordinator) squeeze(s *servers.Server, e plan.Event) error {
	policy, limit := "allkeys-random", "1"
	if e.Draw>>8%2 == 0 {
		policy = "noeviction"
	} else if used := usedMemory(s); used > 0 {
		limit = strconv.Itoa(used - 64<<10)
	}
	if err := s.Do("config", "set", "maxmemory-policy", policy); err != nil {
		return err
	}
	if err := s.Do("config", "set", "maxmemory", limit); err != nil {
		return err
	}
	hold(e.For)
	return s.Do("config", "set", "maxmemory", "0")
}

func usedMemory(s *servers.Server) int {
	info, _ := s.Client().Info(context.Background(), "memory").Result()
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, _ := strconv.Atoi(v)
			return n
		}
	}
	return 0
}

// killMutate kills a node between the commit of a Mutate and its invalidation. While the hold stands, readers load; a
// load that began before the commit may still answer, so that what it said counts from its longest end on (F4).
func (k *coordinator) killMutate(e plan.Event) error {
	p := k.processes[e.Node]
	p.fault.Lock()
	defer p.fault.Unlock()
	key := int(e.Draw % uint64(k.config.Keys))
	for settable(key) {
		key = (key + 1) % k.config.Keys
	}
	if err := p.write(command{"mutate", key}); err != nil {
		return err
	}
	r, err := p.await(5*time.Second, func(r report) bool { return r.Committed != 0 })
	defer k.table.Disturb(e.Node, table.Link)()
	p.kill()
	k.table.Reborn(e.Node)
	if err == nil && r.Held {
		k.table.Tell(key, judge.Told{At: r.Began + int64(loadTimeout), Version: r.Committed})
	}
	hold(min(e.For, 500*time.Millisecond))
	return p.reborn()
}

// injectNode does a fault to a node or its connections.
func (k *coordinator) injectNode(e plan.Event) error {
	p := k.processes[e.Node]
	through := func(kind table.Kind, f proxy.Faults) error {
		defer k.table.Disturb(e.Node, kind)()
		p.proxy.Set(f)
		hold(e.For)
		p.proxy.Set(proxy.Faults{})
		return nil
	}
	switch e.Fault {
	case plan.NodeKill:
		p.fault.Lock()
		defer p.fault.Unlock()
		defer k.table.Disturb(e.Node, table.Link)()
		p.kill()
		k.table.Reborn(e.Node)
		hold(min(e.For, time.Second))
		return p.reborn()
	case plan.NodePause:
		p.fault.Lock()
		defer p.fault.Unlock()
		defer k.table.Disturb(e.Node, table.Paused)()
		p.signal(syscall.SIGSTOP)
		hold(e.For)
		p.signal(syscall.SIGCONT)
	case plan.LinkCut:
		return through(table.Link, proxy.Faults{LinkCut: true})
	case plan.LinkSilent:
		return through(table.Link, proxy.Faults{LinkSilent: true})
	case plan.LinkDrop:
		return through(table.Link, proxy.Faults{Drop: 2 + e.Draw%4})
	case plan.LinkDelay:
		return through(table.Link, proxy.Faults{Delay: time.Duration(50+e.Draw%600) * time.Millisecond})
	case plan.LinkDuplicate:
		p.proxy.Set(proxy.Faults{Duplicate: true})
		hold(e.For)
		p.proxy.Set(proxy.Faults{})
	case plan.DataCut:
		return through(table.Away, proxy.Faults{DataCut: true})
	case plan.DataSilent:
		return through(table.Away, proxy.Faults{DataSilent: true})
	case plan.AllCut:
		return through(table.Away, proxy.Faults{LinkCut: true, DataCut: true})
	default:
		return fmt.Errorf("freshness: %q is no fault", e.Fault)
	}
	return nil
}
