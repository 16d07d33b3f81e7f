package tiered

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
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
	met := l.arrivals.stranger.Load()
	err := l.reunite()
	if err == nil && l.gate.Load() && l.begun() {
		l.store.remote.ramp() // before all who have waited may read
	}
	l.gate.Store(err != nil)
	if l.arrivals.stranger.Load() != met { // it closed the gate after Redis was asked
		l.gate.Store(true)
		err = errors.Join(err, errAnother)
	}
	l.store.trust.setUnverified(err != nil)
	return err
}

func (l *link) reunite() error {
	s := l.store
	l.arrivals.sweep(s.remote.rdb)
	ids, err := s.remote.replication()
	if err != nil {
		return err
	}
	if l.arrivals.missing(ids) {
		return errAnother
	}
	known := l.known()
	name := strings.Join(slices.Sorted(maps.Keys(ids)), " ")
	if known == nil && name != "" { // first contact: others may have known other data sets, how far is not known
		life, err := s.remote.life()
		if err != nil {
			return err
		}
		for id := range strings.FieldsSeq(life) {
			if known == nil {
				known = map[string]dataset{}
			}
			known[id] = dataset{id: id, offset: math.MaxInt64}
		}
		if changed, _ := compare(known, ids); !changed && life != name {
			if err := s.remote.setLife(name); err != nil {
				return err
			}
		}
	}
	changed, continued := compare(known, ids)
	switch {
	case changed:
		l.gate.Store(true)
		s.options.Logger.Warn("tiered: another Redis answers", "continues", continued)
		if err := s.retell(name, continued); err != nil {
			return err
		}
	case name == "" && l.outages.Load() > 0: // it does not say who it is: it may be another one each time
		if err := s.retell(name, true); err != nil {
			return err
		}
	}
	if err := s.replay(); err != nil {
		return err
	}
	if err := s.fetchPrefixes(probe); err != nil { // Redis is read from now on, whether the link comes up or not
		return err
	}
	if len(ids) > 0 {
		l.know(ids)
	}
	if l.gate.Load() {
		s.fence.bumpEpoch() // no fill of the time before goes out any more
	}
	return nil
}

// dataset is what a server says of its data: which set they belong to, how far it goes, and which one it continues from
// where.
type dataset struct {
	id, previous   string
	offset, branch int64
}

// know says which data sets have been told everything.
func (l *link) know(ids map[string]dataset) {
	l.datasets.Store(&ids)
	l.dataset.Store(digest(ids))
}

// known returns the data sets that have been told everything; nil: none yet.
func (l *link) known() map[string]dataset {
	if sets := l.datasets.Load(); sets != nil {
		return *sets
	}
	return nil
}

// compare tells whether a data set is new since known, and if so, whether all that are continue one of then without
// having lost what it held then. A master that restarts from a snapshot says that it continues itself. One beside all
// of then is a shard that joined a Cluster, and has nothing to continue; one that has gone had nothing left to lose.
func compare(known, sets map[string]dataset) (changed, continued bool) {
	continued = true
	joined := true
	for id := range known {
		if _, there := sets[id]; !there {
			joined = false
		}
	}
	for id, d := range sets {
		if _, same := known[id]; !same && known != nil {
			before, continues := known[d.previous]
			changed, continued = true, continued && (joined || continues && d.branch >= before.offset)
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
	raise := invoke(scriptRaise, prefixSet, s.fence.known(), (2 * s.horizon()).Milliseconds())
	if ruleSequenceRaised.off() {
		raise.args[0] = 0
	}
	if err := s.remote.runAs(probe, raise)[0].err; unheard(err) {
		return err
	}
	keys, prefixes := s.recent.all()
	if ruleRecent.off() {
		keys, prefixes = nil, nil
	}
	if !continued {
		life, err := s.remote.life()
		if err != nil {
			return err
		}
		if life != id {
			keys, prefixes = nil, []string{""}
		}
	}
	s.journal.addKeys(keys...)
	for _, p := range prefixes {
		s.journal.addPrefix(p)
	}
	s.fence.bumpEpoch()
	if err := s.replay(); err != nil || id == "" {
		return err
	}
	return s.remote.setLife(id)
}

func (s *Store) invalidation(k string) command {
	return invoke(scriptInvalidate, k, s.channel(), s.message(msgInvalidate, k))
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
		for s.journal.size.Load() > 0 && !ruleJournal.off() {
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
	if ruleJournal.off() {
		return nil
	}
	keys, prefixes := s.journal.pending()
	cmds := make([]command, len(keys))
	for i, k := range keys {
		cmds[i] = s.invalidation(k.name)
	}
	var first error // of a shard that is down, perhaps: the others are told all the same
	for i, r := range s.announce(replaying, cmds...) {
		if r.err != nil {
			first = cmp.Or(first, r.err)
			continue
		}
		s.journal.settleKey(keys[i])
		s.counts.replayed.Add(1)
	}
	for _, p := range prefixes {
		rows, top, err := s.nextSequence(p.name, replaying)
		if err != nil {
			return cmp.Or(first, err) // all prefixes are in one place
		}
		s.fence.learn(rows, top)
		s.journal.settlePrefix(p)
		s.counts.replayed.Add(1)
	}
	return first
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

// replication returns the data sets that Redis serves, by their ids: one, or on a
// Cluster one for each shard. It is empty where the server does not say; an error means that it does not answer.
func (r *remote) replication() (map[string]dataset, error) {
	return guard(r, probe, func(ctx context.Context) (map[string]dataset, error) {
		var mu sync.Mutex
		ids := map[string]dataset{}
		ask := func(ctx context.Context, c redis.Cmdable) error {
			info, err := c.Info(ctx, "replication").Result()
			if !isFault(err) {
				err = nil
			}
			d, replica := parseReplication(info)
			if replica {
				return errReplica
			}
			mu.Lock()
			defer mu.Unlock()
			if d.id != "" {
				ids[d.id] = d
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

func parseReplication(info string) (d dataset, replica bool) {
	for line := range strings.Lines(info) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "master_replid":
			d.id = value
		case "master_replid2":
			d.previous = value
		case "master_repl_offset":
			d.offset, _ = strconv.ParseInt(value, 10, 64)
		case "second_repl_offset":
			d.branch, _ = strconv.ParseInt(value, 10, 64)
		case "role":
			replica = value == "slave"
		}
	}
	return d, replica
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
