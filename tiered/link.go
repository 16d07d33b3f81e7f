package tiered

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
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

	datasets map[string]dataset // of the masters, when they were last asked
	polls    atomic.Uint64
	outages  atomic.Uint64
	heard    atomic.Uint64
	gaps     atomic.Uint64
}

func newLink(s *Store) *link {
	l := &link{store: s, tried: make(chan struct{})}
	l.gate.Store(true)
	return l
}

// gated tells whether Redis must not be read. A nil link has no gate.
func (l *link) gated() bool { return l != nil && l.gate.Load() && !ruleGate.off() }

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
			l.outages.Add(1)
			s.options.Logger.Warn("tiered: link lost", "error", err)
			wait = time.Microsecond
		}
		s.trust.lost()
		pause.Reset(wait)
		wait = max(wait, soon/2)
	}
}

// session subscribes, catches up, and hears messages until something is wrong.
func (l *link) session(ctx context.Context) error {
	s := l.store
	pubsub := s.remote.rdb.Subscribe(ctx)
	defer pubsub.Close()
	began := s.clock.Exact()
	if err := pubsub.Subscribe(ctx, s.channel()); err != nil {
		return err
	}
	first, err := pubsub.ReceiveTimeout(ctx, s.options.MaxStaleness)
	if err != nil {
		return err
	}
	if _, ok := first.(*redis.Subscription); !ok {
		return fmt.Errorf("tiered: subscription answered %T", first)
	}
	// The subscription stands: what is published from here on will be heard. Only now the prefix table is fetched, then
	// memory emptied, then believed again.
	if err := l.poll(); err != nil && !ruleTableBeforeTrust.off() {
		return err
	}
	s.trust.restored(began)
	l.up.Store(true)
	l.once.Do(func() { close(l.tried) })
	s.options.Logger.Info("tiered: link up")
	return l.listen(ctx, pubsub, began)
}

// listen hears messages until something is wrong. It pings: the answer proves that all that was published before the
// ping has arrived. Once a second it asks Redis who it is and for the newest prefix sequence, in case a message was lost.
// It does all that on one goroutine, because the client may reconnect behind its back, under a lock that every other call
// waits for.
//
// A read that times out may have taken a part of a message with it: what follows is then no message and no answer to a
// ping, so anything that is neither ends the session.
func (l *link) listen(ctx context.Context, pubsub *redis.PubSub, proof int64) error {
	s := l.store
	patience := s.options.MaxStaleness
	var beat, poll time.Time
	unanswered := 0
	for ctx.Err() == nil {
		now := time.Now()
		if !now.Before(beat) {
			if s.clock.Exact()-proof > int64(patience) {
				return fmt.Errorf("tiered: the link was silent for %v", patience)
			}
			beat = now.Add(min(patience/4, maxBeat))
			if err := pubsub.Ping(ctx, pingPrefix+strconv.FormatInt(s.clock.Exact(), 10)); err != nil {
				return err
			}
		}
		if !now.Before(poll) {
			poll = now.Add(time.Second)
			switch err := l.poll(); {
			case err == nil:
				unanswered = 0
			case errors.Is(err, errAnother):
				return err
			default:
				if unanswered++; unanswered == 3 {
					return fmt.Errorf("tiered: the link is up, but commands fail: %w", err)
				}
			}
		}
		m, err := pubsub.ReceiveTimeout(ctx, max(time.Until(beat), time.Millisecond))
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			continue
		}
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *redis.Message:
			if err := l.hear(m.Payload); err != nil {
				return err
			}
		case *redis.Pong:
			at, err := strconv.ParseInt(strings.TrimPrefix(m.Payload, pingPrefix), 10, 64)
			if err != nil || !strings.HasPrefix(m.Payload, pingPrefix) || at < proof || at > s.clock.Exact() {
				return errors.New("tiered: the link lost its place between messages")
			}
			proof = at
			s.trust.proved(at)
		case *redis.Subscription:
			return errors.New("tiered: the client reconnected the link: messages may be lost")
		}
	}
	return ctx.Err()
}

const (
	maxBeat    = 250 * time.Millisecond
	pingPrefix = "freshet "
)

var errAnother = errors.New("tiered: another Redis answers")

// poll asks Redis who it is, and for the prefix invalidations that this node lacks.
func (l *link) poll() error {
	s := l.store
	ids, err := s.remote.replication()
	if err == nil {
		if changed, _ := l.compare(ids); changed {
			l.gate.Store(true)
			return errAnother
		}
		if len(ids) > 0 {
			l.datasets = ids
		}
		l.polls.Add(1)
		err = s.fetchPrefixes()
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
	l.heard.Add(1)
	own := m.publisher == s.publisher.id // its sender did what the message would
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
		return s.fetchPrefixes()
	}
	return nil
}
