//go:build unix

package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Kind is how the servers stand to each other.
type Kind string

// The kinds.
const (
	Standalone Kind = "standalone"
	Sentinel   Kind = "sentinel"
	Cluster    Kind = "cluster"
)

// MasterName is what Sentinels call their master.
const MasterName = "freshness"

// Topology is a set of servers. Its methods are called by one goroutine at a time, but for Master and Addrs.
type Topology struct {
	Kind      Kind
	dir       string
	shards    []*shard
	sentinels []*Server
}

// shard is a master and its replicas.
type shard struct {
	mu       sync.Mutex
	master   *Server
	replicas []*Server
}

// Start starts the servers in a directory of their own.
func Start(kind Kind) (_ *Topology, err error) {
	dir, err := os.MkdirTemp("", "freshness-redis-")
	if err != nil {
		return nil, err
	}
	t := &Topology{Kind: kind, dir: dir}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	shards, replicas := 1, 1
	args := []string{"--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0", "--repl-timeout", "10"}
	switch kind {
	case Standalone:
	case Sentinel:
		replicas = 2
	case Cluster:
		shards = 3
		args = append(args, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-replica-validity-factor", "0",
			"--cluster-require-full-coverage", "no")
	default:
		return nil, fmt.Errorf("servers: no topology is called %q: standalone, sentinel or cluster", kind)
	}
	for range shards {
		sh := &shard{}
		t.shards = append(t.shards, sh)
		if sh.master, err = start(dir, "", args...); err != nil {
			return nil, err
		}
		for range replicas {
			r, err := start(dir, "", args...)
			if err != nil {
				return nil, err
			}
			sh.replicas = append(sh.replicas, r)
		}
	}
	if kind == Cluster {
		err = t.join()
	} else {
		err = t.follow()
	}
	if err == nil && kind == Sentinel {
		err = t.watch()
	}
	return t, err
}

// follow makes the replicas of each shard follow its master.
func (t *Topology) follow() error {
	for _, sh := range t.shards {
		for _, r := range sh.replicas {
			if err := r.Do("replicaof", "127.0.0.1", sh.master.Port); err != nil {
				return err
			}
		}
	}
	return t.synced()
}

// synced waits until all replicas follow their masters.
func (t *Topology) synced() error {
	for _, sh := range t.shards {
		err := sh.master.eventually("be followed by its replicas", func(ctx context.Context) bool {
			t.adopt(ctx, sh)
			for _, r := range sh.replicas {
				info := r.rdb.Info(ctx, "replication").Val()
				if !strings.Contains(info, "master_link_status:up") || !strings.Contains(info, "master_port:"+strconv.Itoa(sh.master.Port)) {
					return false
				}
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// adopt takes the master that Sentinels have elected by themselves: on a busy machine they take a master for dead that was
// only away for a moment.
func (t *Topology) adopt(ctx context.Context, sh *shard) {
	if t.Kind != Sentinel {
		return
	}
	port := t.sentinelMaster(ctx)
	for i, r := range sh.replicas {
		if r.Port == port && role(ctx, r.rdb) == "master" {
			sh.mu.Lock()
			sh.replicas = slices.Clone(sh.replicas)
			sh.master, sh.replicas[i] = r, sh.master
			sh.mu.Unlock()
			return
		}
	}
}

// watch starts three Sentinels, and waits until they know each other and the replicas.
func (t *Topology) watch() error {
	sh := t.shards[0]
	config := fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2\nsentinel down-after-milliseconds %[1]s 1500\n"+
		"sentinel failover-timeout %[1]s 4000\nsentinel parallel-syncs %[1]s 2\n", MasterName, sh.master.Port)
	for range 3 {
		s, err := start(t.dir, config, "--sentinel")
		if err != nil {
			return err
		}
		t.sentinels = append(t.sentinels, s)
	}
	for _, s := range t.sentinels {
		err := s.eventually("know the others", func(ctx context.Context) bool {
			m, err := s.rdb.Do(ctx, "sentinel", "master", MasterName).Result()
			known := fields(m)
			return err == nil && known["num-other-sentinels"] == "2" && known["num-slaves"] == strconv.Itoa(len(sh.replicas))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fields reads a map, which version 2 of the protocol sends as a list.
func fields(v any) map[string]string {
	out := map[string]string{}
	switch v := v.(type) {
	case map[any]any:
		for k, value := range v {
			out[fmt.Sprint(k)] = fmt.Sprint(value)
		}
	case []any:
		for i := 0; i+1 < len(v); i += 2 {
			out[fmt.Sprint(v[i])] = fmt.Sprint(v[i+1])
		}
	}
	return out
}

// join makes a Cluster of the shards.
func (t *Topology) join() error {
	const slots = 16384
	first := t.shards[0].master
	ids := map[*Server]string{}
	for i, sh := range t.shards {
		for _, s := range append([]*Server{sh.master}, sh.replicas...) {
			id, err := s.rdb.ClusterMyID(context.Background()).Result()
			if err != nil {
				return err
			}
			ids[s] = id
			if s != first {
				if err := s.Do("cluster", "meet", "127.0.0.1", first.Port); err != nil {
					return err
				}
			}
		}
		from, to := i*slots/len(t.shards), (i+1)*slots/len(t.shards)-1
		if err := sh.master.Do("cluster", "addslotsrange", from, to); err != nil {
			return err
		}
	}
	for _, sh := range t.shards {
		for _, r := range sh.replicas {
			err := r.eventually("follow in the cluster", func(ctx context.Context) bool {
				return r.rdb.ClusterReplicate(ctx, ids[sh.master]).Err() == nil
			})
			if err != nil {
				return err
			}
		}
	}
	if err := t.synced(); err != nil {
		return err
	}
	return t.agreed()
}

// agreed waits until all servers of a Cluster say that it is well, and know all masters.
func (t *Topology) agreed() error {
	for _, sh := range t.shards {
		for _, s := range append([]*Server{sh.master}, sh.replicas...) {
			err := s.eventually("agree", func(ctx context.Context) bool {
				if !strings.Contains(s.rdb.ClusterInfo(ctx).Val(), "cluster_state:ok") {
					return false
				}
				masters := map[int64]bool{}
				for _, known := range s.rdb.ClusterShards(ctx).Val() {
					for _, n := range known.Nodes {
						masters[n.Port] = masters[n.Port] || n.Role == "master" && len(known.Slots) > 0
					}
				}
				return !slices.ContainsFunc(t.shards, func(sh *shard) bool { return !masters[int64(sh.master.Port)] })
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Shards is how many masters there are.
func (t *Topology) Shards() int { return len(t.shards) }

// Master is the master of a shard now.
func (t *Topology) Master(i int) *Server {
	sh := t.shards[i]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.master
}

// Addrs are what a client is given: one name that stands for the master, the Sentinels, or the servers of the Cluster.
func (t *Topology) Addrs() (addrs []string) {
	switch t.Kind {
	case Sentinel:
		for _, s := range t.sentinels {
			addrs = append(addrs, s.Addr())
		}
	case Cluster:
		for _, sh := range t.shards {
			addrs = append(addrs, sh.master.Addr())
		}
	case Standalone:
		addrs = []string{"master:6379"}
	}
	return addrs
}

// Resolve finds the address of a name that a client dials.
func (t *Topology) Resolve(name string) string {
	if t.Kind == Standalone {
		return t.Master(0).Addr()
	}
	return name
}

// Close ends all servers and removes their files.
func (t *Topology) Close() {
	for _, s := range t.sentinels {
		s.Close()
	}
	for _, sh := range t.shards {
		for _, s := range append([]*Server{sh.master}, sh.replicas...) {
			if s != nil {
				s.Close()
			}
		}
	}
	_ = os.RemoveAll(t.dir)
}

// sentinelMaster asks the Sentinels for the master's port.
func (t *Topology) sentinelMaster(ctx context.Context) int {
	votes := map[int]int{}
	for _, s := range t.sentinels {
		addr, err := s.rdb.Do(ctx, "sentinel", "get-master-addr-by-name", MasterName).StringSlice()
		if err == nil && len(addr) == 2 {
			port, _ := strconv.Atoi(addr[1])
			if votes[port]++; votes[port] == len(t.sentinels) {
				return port
			}
		}
	}
	return 0
}

// role asks a server what it is.
func role(ctx context.Context, rdb *redis.Client) string {
	v, err := rdb.Do(ctx, "role").Slice()
	if err != nil || len(v) == 0 {
		return ""
	}
	return fmt.Sprint(v[0])
}

var errNoReplica = errors.New("servers: no replica is left")

// pause waits for a moment of real time, in which others write.
func pause(d time.Duration) { <-time.After(d) }
