//go:build unix

package redistest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// MasterName is the name of the master that the Sentinels of StartSentinel watch.
	MasterName = "mymaster"

	// DownAfter is how long a master must be silent before Sentinels agree that it is down. They need about two seconds
	// more to put another in its place.
	DownAfter = time.Second
)

// Sentinel is a master, two replicas of it and three Sentinels that watch them, each in a process of its own.
type Sentinel struct {
	t       testing.TB
	servers []*Server
	guards  []guard
}

// guard is one of the Sentinels.
type guard struct {
	*Server
	id  string
	rdb *redis.SentinelClient
}

// StartSentinel starts a master with two replicas, and Sentinels that know all of them and each other. They end with
// the test; if that failed, it shows the end of their logs.
func StartSentinel(t testing.TB, args ...string) *Sentinel {
	t.Helper()
	s := &Sentinel{t: t}
	for i := range 3 {
		n := newServer(t, append([]string{"--repl-diskless-sync-delay", "0"}, args...)...)
		if i > 0 {
			n.args = append(n.args, "--replicaof", "127.0.0.1", fmt.Sprint(s.servers[0].port))
		}
		s.servers = append(s.servers, n)
		g := guard{Server: newServer(t, "--sentinel"), id: strings.Repeat(fmt.Sprint(i+1), idLength)}
		g.conf = filepath.Join(g.dir, "sentinel.conf")
		g.rdb = redis.NewSentinelClient(g.settings())
		t.Cleanup(func() { _ = g.rdb.Close() })
		s.guards = append(s.guards, g)
	}
	for _, n := range s.servers {
		t.Cleanup(n.showLog)
		n.launch()
	}
	for _, g := range s.guards {
		t.Cleanup(g.showLog)
		if err := os.WriteFile(g.conf, s.orders(g), 0o600); err != nil {
			t.Fatal("redistest:", err)
		}
		g.launch()
	}
	for i := range s.guards {
		s.servers[i].await()
		s.guards[i].await()
		s.guards[i].hurry()
	}
	s.Settle()
	return s
}

// hurry makes g ask and tell more often than every ten and every two seconds.
func (g guard) hurry() {
	g.t.Helper()
	rdb := g.client()
	defer func() { _ = rdb.Close() }()
	for _, period := range []string{"info-period", "publish-period", "ask-period"} {
		if err := rdb.Do(context.Background(), "SENTINEL", "DEBUG", period, 500).Err(); err != nil {
			g.t.Fatal("redistest:", err)
		}
	}
}

// orders is what g is to watch, and whom it would otherwise get to know in some seconds.
func (s *Sentinel) orders(g guard) []byte {
	b := fmt.Appendf(nil, "sentinel myid %s\nsentinel monitor %s 127.0.0.1 %d 2\n", g.id, MasterName, s.servers[0].port)
	b = fmt.Appendf(b, "sentinel down-after-milliseconds %s %d\n", MasterName, DownAfter.Milliseconds())
	b = fmt.Appendf(b, "sentinel failover-timeout %s 2000\n", MasterName) // twice that after an election without a winner
	for _, n := range s.servers[1:] {
		b = fmt.Appendf(b, "sentinel known-replica %s 127.0.0.1 %d\n", MasterName, n.port)
	}
	for _, other := range s.guards {
		if other != g {
			b = fmt.Appendf(b, "sentinel known-sentinel %s 127.0.0.1 %d %s\n", MasterName, other.port, other.id)
		}
	}
	return b
}

// Settle waits until the Sentinels agree on a master in good health, and the other running servers follow it.
func (s *Sentinel) Settle() {
	s.t.Helper()
	s.eventually("settle", func() bool {
		master := s.master(s.guards[0])
		if master == nil {
			return false
		}
		followers := 0
		for _, n := range s.servers {
			if n != master && n.cmd != nil {
				if n.Info("master_port") != fmt.Sprint(master.port) || n.Info("master_link_status") != "up" {
					return false
				}
				followers++
			}
		}
		for _, g := range s.guards {
			state := g.rdb.Master(context.Background(), MasterName).Val()
			if s.master(g) != master || state["flags"] != "master" || state["num-other-sentinels"] != "2" {
				return false
			}
			ready := 0
			replicas, _ := g.rdb.Replicas(context.Background(), MasterName).Result()
			for _, r := range replicas {
				if r["flags"] == "slave" && r["master-link-status"] == "ok" {
					ready++
				}
			}
			if ready < followers {
				return false
			}
		}
		return master.Info("role") == "master"
	})
}

func (s *Sentinel) eventually(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !done(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("redistest: the Sentinels did not %s within %v", what, patience)
		}
	}
}

// URL is the Sentinels' address for tiered.Dial.
func (s *Sentinel) URL() string {
	u := "redis+sentinel://" + s.guards[0].Addr() + "?master_name=" + MasterName
	for _, g := range s.guards[1:] {
		u += "&addr=" + g.Addr()
	}
	return u
}

// master is the master according to g.
func (s *Sentinel) master(g guard) *Server {
	addr, _ := g.rdb.GetMasterAddrByName(context.Background(), MasterName).Result()
	for _, n := range s.servers {
		if len(addr) == 2 && addr[1] == fmt.Sprint(n.port) {
			return n
		}
	}
	return nil
}

// Master is the master of the moment, which all Sentinels agree on.
func (s *Sentinel) Master() (master *Server) {
	s.t.Helper()
	s.eventually("agree on a master", func() bool {
		master = s.master(s.guards[0])
		return master != nil && s.master(s.guards[1]) == master && s.master(s.guards[2]) == master
	})
	return master
}

// Replicas are the other servers that run.
func (s *Sentinel) Replicas() (all []*Server) {
	s.t.Helper()
	master := s.Master()
	for _, n := range s.servers {
		if n != master && n.cmd != nil {
			all = append(all, n)
		}
	}
	return all
}

// Failover orders the Sentinels to put another in the master's place, and returns that.
func (s *Sentinel) Failover() *Server {
	s.t.Helper()
	old := s.Master()
	if err := s.guards[0].rdb.Failover(context.Background(), MasterName).Err(); err != nil {
		s.t.Fatal("redistest:", err)
	}
	return s.AwaitFailover(old)
}

// AwaitFailover waits until another than old is the master for all Sentinels, and returns it.
func (s *Sentinel) AwaitFailover(old *Server) (master *Server) {
	s.t.Helper()
	s.eventually("replace the master", func() bool {
		master = s.Master()
		return master != old && master.Info("role") == "master"
	})
	return master
}
