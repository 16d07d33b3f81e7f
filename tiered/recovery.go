package tiered

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const lifeKey = "life" // holds the replication id of the data set that all Stores know of

// verify finds out whether Redis answers, and with the data set that this node knows; only then the gate opens and
// requests read it. Before that, a data set that is new is told what it may have lost, the journal is replayed, and
// memory emptied.
func (l *link) verify() error {
	err := l.reunite()
	l.gate.Store(err != nil)
	l.store.trust.setUnverified(err != nil)
	return err
}

func (l *link) reunite() error {
	s := l.store
	ids, err := s.remote.replication()
	if err != nil {
		return err
	}
	changed, continued := l.compare(ids)
	name := strings.Join(slices.Sorted(maps.Keys(ids)), " ")
	if l.replids == nil && name != "" { // first contact: others may have known another data set
		life, err := s.remote.life()
		if err != nil {
			return err
		}
		if changed = life != name && life != ""; changed {
			continued = false
		} else if err := s.remote.setLife(name); err != nil {
			return err
		}
	}
	if changed {
		l.gate.Store(true)
		s.options.Logger.Warn("tiered: another Redis answers", "continues", continued)
		if err := s.retell(name, continued); err != nil {
			return err
		}
	}
	if err := s.replay(); err != nil {
		return err
	}
	if len(ids) > 0 {
		l.replids = ids
	}
	if l.gate.Load() {
		s.fence.bumpEpoch() // no fill of the time before goes out any more
	}
	return nil
}

// compare tells whether a data set is new since the last time, and if so, whether all that are continue one of then.
func (l *link) compare(ids map[string]string) (changed, continued bool) {
	continued = true
	for id, previous := range ids {
		if _, known := l.replids[id]; !known && l.replids != nil {
			_, continues := l.replids[previous]
			changed, continued = true, continued && continues
		}
	}
	return changed, continued
}

// retell tells a new master what it may not know: live holds, the highest sequence, what was invalidated lately. Where
// its data do not continue those of the old one (a restart from a snapshot), everything in it is invalidated, once for
// all nodes.
func (s *Store) retell(id string, continued bool) error {
	if err := s.putBackHolds(); err != nil {
		return err
	}
	raise := command{scriptRaise, prefixSet, []any{s.fence.known(), (2 * s.horizon()).Milliseconds()}}
	if err := s.remote.runAs(probe, raise)[0].err; unheard(err) {
		return err
	}
	keys, prefixes := s.recent.all()
	life, err := s.remote.life()
	if err != nil {
		return err
	}
	if !continued && life != id {
		keys, prefixes = nil, []string{""}
	}
	s.journal.addKeys(keys...)
	for _, p := range prefixes {
		s.journal.addPrefix(p)
	}
	s.fence.bumpEpoch()
	if err := s.replay(); err != nil {
		return err
	}
	return s.remote.setLife(id)
}

func (s *Store) invalidation(k string) command {
	return command{scriptInvalidate, k, []any{s.channel(), s.message(msgInvalidate, k)}}
}

// replayer replays the journal when there is something in it and Redis answers.
func (s *Store) replayer(ctx context.Context) {
	pause := 50 * time.Millisecond
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.journal.wake:
		}
		for s.journal.size.Load() > 0 {
			if err := s.replay(); err == nil {
				pause = 50 * time.Millisecond
				continue
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, time.Second)
		}
	}
}

// replay tells Redis what it missed. A replay clears only the failure that it was sent for.
func (s *Store) replay() error {
	keys, prefixes := s.journal.pending()
	cmds := make([]command, len(keys))
	for i, k := range keys {
		cmds[i] = s.invalidation(k.name)
	}
	for i, r := range s.remote.runAs(probe, cmds...) {
		if r.err != nil {
			return r.err
		}
		s.journal.settleKey(keys[i])
		s.counts.replayed.Add(1)
	}
	for _, p := range prefixes {
		rows, top, err := s.nextSequence(p.name, probe)
		if err != nil {
			return err
		}
		s.fence.learn(rows, top)
		s.journal.settlePrefix(p)
		s.counts.replayed.Add(1)
	}
	return nil
}

// greet asks Redis who it is. Only a refusal of the credentials is an error: it will not pass.
func (r *remote) greet() error {
	_, err := guard(r, probe, func(ctx context.Context) (string, error) { return r.rdb.Ping(ctx).Result() })
	var answer redis.Error
	if errors.As(err, &answer) {
		for _, p := range []string{"NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR AUTH", "ERR Client sent AUTH"} {
			if strings.HasPrefix(answer.Error(), p) {
				return errors.Join(errors.New("tiered: Options.Redis: the server refuses the client"), answer)
			}
		}
	}
	return nil
}

// replication returns the ids of the data sets that Redis serves, each with the one that it continues: one, or on a
// Cluster one for each shard. It is empty where the server does not say; an error means that it does not answer.
func (r *remote) replication() (map[string]string, error) {
	return guard(r, probe, func(ctx context.Context) (map[string]string, error) {
		var mu sync.Mutex
		ids := map[string]string{}
		ask := func(ctx context.Context, c redis.Cmdable) error {
			info, err := c.Info(ctx, "replication").Result()
			if !isFault(err) {
				err = nil
			}
			id, previous, replica := parseReplication(info)
			if replica {
				return errReplica
			}
			mu.Lock()
			defer mu.Unlock()
			if id != "" {
				ids[id] = previous
			}
			return err
		}
		if cluster, ok := r.rdb.(*redis.ClusterClient); ok {
			return ids, cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return ask(ctx, c) })
		}
		return ids, ask(ctx, r.rdb)
	})
}

var errReplica = errors.New("tiered: a replica answers, which lags behind invalidations")

func parseReplication(info string) (id, previous string, replica bool) {
	for line := range strings.Lines(info) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "master_replid":
			id = value
		case "master_replid2":
			previous = value
		case "role":
			replica = value == "slave"
		}
	}
	return id, previous, replica
}

// life returns the id of the data set that the nodes have agreed on.
func (r *remote) life() (string, error) {
	return guard(r, probe, func(ctx context.Context) (string, error) {
		id, err := r.rdb.Get(ctx, r.space+lifeKey).Result()
		if errors.Is(err, redis.Nil) {
			err = nil
		}
		return id, err
	})
}

func (r *remote) setLife(id string) error {
	_, err := guard(r, probe, func(ctx context.Context) (string, error) {
		ok, err := r.rdb.Set(ctx, r.space+lifeKey, id, 0).Result()
		if !isFault(err) {
			err = nil // a full Redis does not take it: then everything is invalidated once more
		}
		return ok, err
	})
	return err
}

// unheard tells a command that Redis did not answer from one that it refused.
func unheard(err error) bool { return errors.Is(err, errUnseen) || isFault(err) }
