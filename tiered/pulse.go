package tiered

import (
	"context"
	"time"
)

// pulse sends this node's beats: a few after each change, since one may be lost, and one a second otherwise, by which
// others know that this node lives.
type pulse struct {
	through uint64
	repeats int
	last    time.Time
}

func (p *pulse) beat(s *Store, now time.Time) {
	const repeats, idle = 3, time.Second
	message, through := s.publisher.beat()
	if through != p.through {
		p.through, p.repeats = through, repeats
	}
	if p.repeats == 0 && now.Sub(p.last) < idle {
		return
	}
	p.repeats, p.last = max(p.repeats-1, 0), now
	s.shout(message)
}

// shout publishes a message that need not arrive.
func (s *Store) shout(message string) {
	_, _ = guard(s.remote, probe, func(ctx context.Context) (int64, error) {
		return s.remote.rdb.Publish(ctx, s.channel(), message).Result()
	})
}
