package tiered

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	maxBeat    = 250 * time.Millisecond
	pingPrefix = "freshet "
)

// ear is one session of the link: it hears messages until something is wrong.
//
// It pings: the answer proves that all that was published before the ping has arrived; on a Cluster, that takes an echo of
// each master. Once a second it asks Redis who it is and for the newest prefix sequence, in case a message was lost. It does
// all that on one goroutine, because the client may reconnect behind its back, under a lock that every other call waits for.
// That is of no use, as messages may be lost, and takes as long as the client's timeouts allow: a context that is over
// keeps the client from it (doorman.DialHook).
//
// A read that times out may have taken a part of a message with it: what follows is then no message and no answer to a
// ping, so anything that is neither ends the session.
type ear struct {
	link   *link
	pubsub *redis.PubSub
	echoes *echoes // nil: no Cluster
	pulse  pulse

	pinged     int64 // instant of the last ping that was answered
	proof      int64 // all that was published before this instant has arrived
	beat, poll time.Time
	unanswered int // polls
	asking     sync.WaitGroup
}

func (e *ear) listen(ctx context.Context) error {
	defer e.asking.Wait()
	once, cancel := context.WithCancel(ctx)
	cancel()
	for ctx.Err() == nil {
		if err := e.tick(once, time.Now()); err != nil {
			return err
		}
		m, err := e.pubsub.ReceiveTimeout(once, max(time.Until(e.beat), time.Millisecond))
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			continue
		}
		if err == nil {
			err = e.take(m)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// tick does what is due. once is of the one connection.
func (e *ear) tick(once context.Context, now time.Time) error {
	s := e.link.store
	if !now.Before(e.beat) {
		patience := s.options.MaxStaleness
		if e.echoes != nil {
			e.prove(e.echoes.check())
		}
		if s.clock.Exact()-e.proof > int64(patience) {
			return fmt.Errorf("tiered: the link was silent for %v", patience)
		}
		e.beat = now.Add(min(patience/4, maxBeat))
		if err := e.pubsub.Ping(once, pingPrefix+strconv.FormatInt(s.clock.Exact(), 10)); err != nil {
			return err
		}
		if e.echoes != nil {
			e.echoes.ask(&e.asking)
		}
		if !ruleBeats.off() && s.peers.judge(s.fence.bumpEpoch) {
			e.link.losses.Add(1)
			s.options.Logger.Warn("tiered: the link has lost messages: memory emptied")
		}
		e.pulse.beat(s, now)
	}
	if !now.Before(e.poll) {
		e.poll = now.Add(time.Second)
		switch err := e.link.poll(); {
		case err == nil:
			e.unanswered = 0
		case errors.Is(err, errAnother), errors.Is(err, errReplica):
			return err
		default:
			if e.unanswered++; e.unanswered == 3 {
				return fmt.Errorf("tiered: the link is up, but commands fail: %w", err)
			}
		}
	}
	if e.link.gate.Load() { // a connection has met a stranger
		return errAnother
	}
	return nil
}

// take takes what was received.
func (e *ear) take(m any) error {
	s := e.link.store
	switch m := m.(type) {
	case *redis.Message:
		if e.echoes != nil && m.Channel == e.echoes.channel {
			e.prove(e.echoes.hear(m.Payload))
			return nil
		}
		return e.link.hear(m.Payload)
	case *redis.Pong:
		at, err := strconv.ParseInt(strings.TrimPrefix(m.Payload, pingPrefix), 10, 64)
		if err != nil || !strings.HasPrefix(m.Payload, pingPrefix) || at < e.pinged || at > s.clock.Exact() {
			return errors.New("tiered: the link lost its place between messages")
		}
		e.pinged = at
		e.prove(at, e.echoes == nil)
	case *redis.Subscription:
		return errors.New("tiered: the client reconnected the link: messages may be lost")
	}
	return nil
}

// prove says that all that was published before the instant at has arrived, if that is so.
func (e *ear) prove(at int64, proven bool) {
	if proven && at > e.proof {
		e.proof = at
		e.link.store.trust.proved(at)
	}
}
