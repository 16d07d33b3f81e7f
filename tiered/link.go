package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// link hears what other nodes invalidate: Pub/Sub on one connection of its own, read in its own loop, since a client's
// channel hides reconnects and drops messages. It believes in a connection only as long as its pings come back.
type link struct {
	store *Store
	tried chan struct{} // closed after the first attempt
	once  sync.Once
	gate  atomic.Bool // closed (true): Redis is not known to be the one that this node has told everything
	up    atomic.Bool

	datasets atomic.Pointer[map[string]dataset] // of the masters, when they were last asked
	dataset  atomic.Uint64                      // their digest
	arrivals *arrivals
	polls    atomic.Uint64
	outages  atomic.Uint64
	heard    atomic.Uint64
	gaps     atomic.Uint64
	losses   atomic.Uint64
}

func newLink(s *Store) *link {
	l := &link{store: s, tried: make(chan struct{})}
	l.arrivals = newArrivals(l)
	l.gate.Store(true)
	l.arrivals.watch(s.remote.rdb)
	return l
}

// gated tells whether Redis must not be read. A nil link has no gate.
func (l *link) gated() bool { return l != nil && l.gate.Load() && !ruleGate.off() }

// begun tells whether the first attempt is over.
func (l *link) begun() bool {
	select {
	case <-l.tried:
		return true
	default:
		return false
	}
}

func (l *link) run(ctx context.Context) {
	const soon = 50 * time.Millisecond
	s := l.store
	pause := time.NewTimer(0)
	defer pause.Stop()
	for wait := soon; ; wait = min(2*wait, time.Second) {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		err := l.verify()
		if err == nil {
			err = l.session(ctx)
		}
		l.once.Do(func() { close(l.tried) })
		if l.up.Swap(false) {
			// A new master answers on new connections, and this one broke: nothing is read until that is ruled out.
			l.gate.Store(true)
			if ctx.Err() == nil { // it is not the Store that ends
				l.outages.Add(1)
				s.options.Logger.Warn("tiered: link lost", "error", err)
			}
			wait = time.Microsecond
		}
		s.trust.lost()
		s.trust.change()
		pause.Reset(wait)
		wait = max(wait, soon/2)
	}
}

// session subscribes, catches up, and hears messages until something is wrong.
func (l *link) session(ctx context.Context) error {
	s := l.store
	pubsub := s.remote.rdb.Subscribe(ctx)
	defer pubsub.Close()
	channels := []string{s.channel()}
	var echoes *echoes
	if s.remote.cluster {
		echoes = newEchoes(s)
		channels = append(channels, echoes.channel)
	}
	began := s.clock.Exact()
	s.peers.forget()
	if err := pubsub.Subscribe(ctx, channels...); err != nil {
		return err
	}
	for range channels {
		first, err := pubsub.ReceiveTimeout(ctx, s.options.MaxStaleness)
		if err != nil {
			return err
		}
		if _, ok := first.(*redis.Subscription); !ok {
			return fmt.Errorf("tiered: subscription answered %T", first)
		}
	}
	// The subscription stands: what is published from here on will be heard. Only now the prefix table is fetched, then
	// memory emptied, then believed again.
	if err := l.poll(); err != nil && !ruleTableBeforeTrust.off() {
		return err
	}
	s.trust.restored(began)
	l.up.Store(true)
	s.trust.change()
	l.once.Do(func() { close(l.tried) })
	s.options.Logger.Info("tiered: link up")
	err := (&ear{link: l, pubsub: pubsub, echoes: echoes, pinged: began, proof: began}).listen(ctx)
	if message, ok := s.publisher.farewell(); ok && ctx.Err() != nil {
		s.shout(message)
	}
	return err
}

var errAnother = errors.New("tiered: another Redis answers")

// poll asks Redis who it is, and for the prefix invalidations that this node lacks.
func (l *link) poll() error {
	s := l.store
	ids, err := s.remote.replication()
	if err == nil {
		if changed, _ := compare(l.known(), ids); changed {
			l.gate.Store(true)
			return errAnother
		}
		if len(ids) > 0 {
			l.know(ids)
		}
		l.polls.Add(1)
		err = s.fetchPrefixes(probe)
	}
	if err != nil {
		s.counts.redisErrors.Add(1)
	}
	return err
}

// hear applies a message. Duplicates and replays are applied like all others.
func (l *link) hear(payload string) error {
	s := l.store
	m, err := parseMessage(payload)
	if err != nil {
		s.counts.corrupt.Add(1)
		return nil
	}
	if m.kind != msgBeat && m.kind != msgBye {
		l.heard.Add(1)
	}
	own := m.publisher == s.publisher.id // its sender did what the message would
	if !own {
		defer s.peers.note(m) // once it is applied
	}
	switch m.kind {
	case msgWake:
		s.wakers.wake(m.key)
	case msgInvalidate:
		if !own {
			s.fence.bump(m.key)
		}
		s.wakers.wake(m.key)
	case msgPrefix:
		if m.previous <= s.fence.newest.Load() {
			s.fence.learn([]prefixSeq{{m.key, m.seq}}, m.seq)
			return nil
		}
		l.gaps.Add(1)
		return s.fetchPrefixes(probe)
	}
	return nil
}
