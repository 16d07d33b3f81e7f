//go:build unix

package redistest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	shards   = 3
	allSlots = 16384

	// NodeTimeout is how long the others of a Cluster wait for a node until they elect another in its place, which takes
	// them about a second more.
	NodeTimeout = time.Second
)

// Cluster is a Redis Cluster of real processes: three masters, each with a replica.
type Cluster struct {
	t     testing.TB
	args  []string
	nodes []*ClusterNode
}

// ClusterNode is one server of a [Cluster]. After Kill, Restart brings it back with its identity and no data.
type ClusterNode struct {
	*Server
	cluster *Cluster
	id      string
	bus     *bus
	busPort int // behind bus
	rdb     *redis.Client
}

// StartCluster starts a Cluster that serves all slots, a third on each of its masters. It ends with the test; if that
// failed, it shows the end of the servers' logs.
func StartCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, args: args}
	for range 2 * shards {
		c.node()
	}
	// The nodes meet in the files that they read, which is faster than in person.
	for _, n := range c.nodes {
		if err := os.WriteFile(filepath.Join(n.dir, "nodes.conf"), c.founders(n), 0o600); err != nil {
			t.Fatal("redistest:", err)
		}
		n.launch()
	}
	for _, n := range c.nodes {
		n.await()
	}
	c.Settle()
	return c
}

// StartClusterOfOne starts a Cluster of one server, which serves all slots. It ends with the test.
func StartClusterOfOne(t testing.TB) *Server {
	t.Helper()
	// Its own choice of a bus port may be one that some outgoing connection has.
	s := newServer(t, "--cluster-enabled", "yes", "--cluster-port", fmt.Sprint(freePort(t)))
	s.run()
	rdb := s.client()
	defer func() { _ = rdb.Close() }()
	if err := rdb.Do(context.Background(), "CLUSTER", "ADDSLOTSRANGE", 0, allSlots-1).Err(); err != nil {
		t.Fatal("redistest:", err)
	}
	s.eventually("serve all slots", func() bool {
		return strings.Contains(rdb.ClusterInfo(context.Background()).Val(), "cluster_state:ok")
	})
	return s
}

// founders is the Cluster as n is to know it.
func (c *Cluster) founders(n *ClusterNode) []byte {
	var b []byte
	for i, m := range c.nodes {
		flags := "master -"
		slots := fmt.Sprintf(" %d-%d", i*allSlots/shards, (i+1)*allSlots/shards-1)
		if i >= shards {
			flags, slots = "slave "+c.nodes[i-shards].id, ""
		}
		if m == n {
			flags = "myself," + flags
		}
		b = fmt.Appendf(b, "%s 127.0.0.1:%d@%d %s 0 0 %d connected%s\n", m.id, m.port, m.bus.port(), flags, i%shards+1, slots)
	}
	return fmt.Appendf(b, "vars currentEpoch %d lastVoteEpoch 0\n", shards)
}

// node makes a node that is not running.
func (c *Cluster) node() *ClusterNode {
	c.t.Helper()
	n := &ClusterNode{Server: newServer(c.t), cluster: c, busPort: freePort(c.t)}
	id := make([]byte, idLength)
	for i := range id {
		id[i] = "0123456789abcdef"[rand.N(16)]
	}
	n.id = string(id)
	n.bus = startBus(c.t, fmt.Sprintf("127.0.0.1:%d", n.busPort))
	n.args = append([]string{
		"--cluster-enabled", "yes",
		"--cluster-port", fmt.Sprint(n.busPort), "--cluster-announce-bus-port", fmt.Sprint(n.bus.port()),
		"--cluster-node-timeout", fmt.Sprint(NodeTimeout.Milliseconds()),
		"--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no",
		"--repl-diskless-sync-delay", "0",
	}, c.args...)
	n.rdb = n.Client(c.t)
	c.t.Cleanup(n.showLog)
	c.nodes = append(c.nodes, n)
	return n
}

// Settle waits until all running nodes agree on a Cluster that serves all slots, and every master that has a running
// replica is followed by it.
func (c *Cluster) Settle() {
	c.t.Helper()
	c.eventually("settle", func() bool {
		var first map[string]string
		for _, n := range c.running() {
			ctx := context.Background()
			if info := n.rdb.ClusterInfo(ctx).Val(); !strings.Contains(info, "cluster_state:ok") {
				return false
			}
			if n.Info("role") == "slave" { // which hears of moves later, and is not asked
				if n.Info("master_link_status") != "up" {
					return false
				}
				continue
			}
			if owners := n.owners(); first == nil {
				first = owners
			} else if !maps.Equal(first, owners) {
				return false
			}
		}
		return len(first) > 0
	})
}

// owners are the masters that serve slots, by id, and their ranges of slots, according to n; nil if it
// does not answer.
func (n *ClusterNode) owners() map[string]string {
	const fixed = 8 // fields before the slots
	nodes, err := n.rdb.ClusterNodes(context.Background()).Result()
	if err != nil {
		return nil
	}
	all := map[string]string{}
	for line := range strings.Lines(nodes) {
		if f := strings.Fields(line); len(f) > fixed && strings.Contains(f[2], "master") {
			ranges := slices.DeleteFunc(f[fixed:], func(r string) bool { return r[0] == '[' }) // on the move
			all[f[0]] = strings.Join(ranges, " ")
		}
	}
	return all
}

func (c *Cluster) eventually(what string, done func() bool) {
	c.t.Helper()
	for end := time.Now().Add(patience); !done(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("redistest: the Cluster did not %s within %v", what, patience)
		}
	}
}

func (c *Cluster) running() (all []*ClusterNode) {
	for _, n := range c.nodes {
		if n.cmd != nil {
			all = append(all, n)
		}
	}
	return all
}

// URL is the Cluster's address for tiered.Dial.
func (c *Cluster) URL() string {
	var more []string
	for _, n := range c.nodes[1:] {
		more = append(more, "addr="+n.Addr())
	}
	return "redis+cluster://" + c.nodes[0].Addr() + "?" + strings.Join(more, "&")
}

// Client gives a client for the test itself, which follows redirections and repeats what failed. It is closed with the
// test.
func (c *Cluster) Client(t testing.TB) *redis.ClusterClient {
	t.Helper()
	var addrs []string
	for _, n := range c.nodes {
		addrs = append(addrs, n.Addr())
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addrs,
		// It asks who serves what only when it is redirected, and at these intervals.
		ClusterStateReloadInterval: 100 * time.Millisecond,
		MaintNotificationsConfig:   &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Masters are the running nodes that serve as masters, in their own opinion.
func (c *Cluster) Masters() (all []*ClusterNode) {
	for _, n := range c.running() {
		if n.Info("role") == "master" {
			all = append(all, n)
		}
	}
	return all
}

// Owner is the node that serves key.
func (c *Cluster) Owner(key string) *ClusterNode {
	c.t.Helper()
	return c.ownerOf(c.Slot(key))
}

// Slot is the slot of key.
func (c *Cluster) Slot(key string) int {
	c.t.Helper()
	slot, err := c.running()[0].rdb.ClusterKeySlot(context.Background(), key).Result()
	c.must(err)
	return int(slot)
}

// Replica is a running replica of n.
func (n *ClusterNode) Replica() (replica *ClusterNode) {
	n.t.Helper()
	n.cluster.eventually("have a replica of "+n.Addr(), func() bool {
		for _, r := range n.cluster.running() {
			if r.Info("role") == "slave" && r.Info("master_port") == strconv.Itoa(n.port) {
				replica = r
			}
		}
		return replica != nil
	})
	return replica
}

// Failover makes n's replica the master, by agreement: nothing is lost.
func (n *ClusterNode) Failover() {
	n.t.Helper()
	r := n.Replica()
	n.cluster.must(r.rdb.ClusterFailover(context.Background()).Err())
	r.AwaitMaster()
}

// AwaitMaster waits until n is a master that the others know.
func (n *ClusterNode) AwaitMaster() {
	n.t.Helper()
	n.cluster.eventually("elect "+n.Addr(), func() bool {
		for _, other := range n.cluster.running() {
			if owners := other.owners(); owners != nil && owners[n.id] == "" {
				return false
			}
		}
		return true
	})
}

// Forsake parts the replica n from its master: what the master does from now on is lost if n takes its place.
func (n *ClusterNode) Forsake() {
	n.t.Helper()
	ctx := context.Background()
	n.cluster.must(n.rdb.ConfigSet(ctx, "masterauth", "which the master refuses").Err())
	n.cluster.must(n.rdb.Do(ctx, "CLIENT", "KILL", "TYPE", "master").Err())
	n.cluster.eventually("lose a replica", func() bool { return n.Info("master_link_status") == "down" })
}

// Takeover makes the replica n a master without asking anybody, as an operator can who knows better.
func (n *ClusterNode) Takeover() {
	n.t.Helper()
	n.cluster.must(n.rdb.Do(context.Background(), "CLUSTER", "FAILOVER", "TAKEOVER").Err())
	n.AwaitMaster()
}

// Mute loses what n publishes before it reaches other, and nothing else: nobody in the Cluster notices.
func (n *ClusterNode) Mute(other *ClusterNode) { other.bus.lose(n.id, publications) }

// Part loses all that n and other say to each other.
func (n *ClusterNode) Part(other *ClusterNode) {
	other.bus.lose(n.id, everything)
	n.bus.lose(other.id, everything)
}

// Heal ends Mute and Part.
func (n *ClusterNode) Heal(other *ClusterNode) {
	other.bus.lose(n.id, nothing)
	n.bus.lose(other.id, nothing)
}

// Add starts a master without slots.
func (c *Cluster) Add() *ClusterNode {
	c.t.Helper()
	known := len(c.running())
	first, n := c.running()[0], c.node()
	n.run()
	ctx := context.Background()
	id, err := n.rdb.Do(ctx, "CLUSTER", "MYID").Text()
	c.must(err)
	n.id = id
	c.must(n.rdb.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", first.port, first.bus.port()).Err())
	c.eventually("meet the new node", func() bool {
		for _, m := range c.running() {
			if !strings.Contains(m.rdb.ClusterInfo(ctx).Val(), fmt.Sprintf("cluster_known_nodes:%d\r", known+1)) {
				return false
			}
		}
		return true
	})
	c.Settle()
	return n
}

// Remove ends n, which must not have slots any more, and makes the others forget it.
func (n *ClusterNode) Remove() {
	n.t.Helper()
	n.Kill()
	var done sync.WaitGroup
	for _, other := range n.cluster.running() {
		done.Go(func() { _ = other.rdb.Do(context.Background(), "CLUSTER", "FORGET", n.id).Err() })
	}
	done.Wait()
}

func (c *Cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal("redistest:", err)
	}
}
