//go:build unix

package servers

import (
	"context"
	"slices"
	"time"
)

// Failover lets a replica of a shard take over, which has been cut off from its master for a while: what the master was
// told meanwhile is lost. With dies the old master is killed before, else it lives on until clients have the new one.
// retarget is called between, where clients find the master by a name. Afterwards the old master is a replica.
func (t *Topology) Failover(i int, cutFor time.Duration, dies bool, retarget func()) error {
	sh := t.shards[i]
	old := sh.master
	// A replica with a wrong password cannot come back to its master.
	for _, r := range sh.replicas {
		if err := r.Do("config", "set", "masterauth", "wrong"); err != nil {
			return err
		}
	}
	if err := old.Do("wait", len(sh.replicas), 1000); err != nil {
		return err
	}
	if err := old.Do("client", "kill", "type", "replica"); err != nil {
		return err
	}
	pause(cutFor)
	if dies || t.Kind != Standalone {
		old.Kill()
	}
	next, err := t.promote(sh)
	if err != nil {
		return err
	}
	sh.mu.Lock()
	sh.replicas = append(slices.DeleteFunc(slices.Clone(sh.replicas), func(s *Server) bool { return s == next }), old)
	sh.master = next
	sh.mu.Unlock()
	retarget()
	for _, s := range append([]*Server{next}, sh.replicas...) {
		if s != old {
			if err := s.Do("config", "set", "masterauth", ""); err != nil {
				return err
			}
		}
	}
	if old.cmd == nil {
		if err := old.Restart(); err != nil {
			return err
		}
	}
	return t.demoted(sh, old)
}

// promote makes one replica the master.
func (t *Topology) promote(sh *shard) (*Server, error) {
	if len(sh.replicas) == 0 {
		return nil, errNoReplica
	}
	next := sh.replicas[0]
	switch t.Kind {
	case Standalone:
		err := next.Do("replicaof", "no", "one")
		return next, err
	case Cluster:
		if err := next.Do("cluster", "failover", "takeover"); err != nil {
			return nil, err
		}
		err := next.eventually("take over", func(ctx context.Context) bool { return role(ctx, next.rdb) == "master" })
		return next, err
	case Sentinel:
	}
	before := sh.master.Port
	err := t.sentinels[0].eventually("elect a master", func(ctx context.Context) bool {
		port := t.sentinelMaster(ctx)
		for _, r := range sh.replicas {
			if r.Port == port && port != before && role(ctx, r.rdb) == "master" {
				next = r
				return true
			}
		}
		return false
	})
	return next, err
}

// demoted makes the old master follow the new one, and waits until all is as it was.
func (t *Topology) demoted(sh *shard, old *Server) error {
	if t.Kind == Standalone {
		if err := old.Do("replicaof", "127.0.0.1", sh.master.Port); err != nil {
			return err
		}
	}
	if err := t.synced(); err != nil {
		return err
	}
	if t.Kind == Cluster {
		return t.agreed()
	}
	return nil
}

// Lose kills the master of a shard, and starts it again with the snapshot that it has, or empty.
func (t *Topology) Lose(i int, after time.Duration) error {
	sh := t.shards[i]
	sh.master.Kill()
	pause(after)
	if err := sh.master.Restart(); err != nil {
		return err
	}
	if err := t.synced(); err != nil {
		return err
	}
	if t.Kind == Cluster {
		return t.agreed()
	}
	return nil
}
