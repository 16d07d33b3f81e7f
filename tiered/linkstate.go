package tiered

import (
	"context"
	"fmt"
)

// LinkState says how far a Store hears of what other nodes invalidate.
type LinkState uint8

const (
	// LinkDown: nothing is heard. Memory is bypassed, and Redis read instead.
	LinkDown LinkState = iota
	// LinkUp: everything is heard.
	LinkUp
	// LinkFallback: nothing is heard, and Redis is away too. Memory serves alone, nothing in it for longer than FallbackTTL.
	LinkFallback
)

// String returns down, up or fallback.
func (l LinkState) String() string {
	switch l {
	case LinkDown:
		return "down"
	case LinkUp:
		return "up"
	case LinkFallback:
		return "fallback"
	}
	return fmt.Sprintf("LinkState(%d)", uint8(l))
}

func (s *Store) linkState() LinkState {
	switch {
	case s.link == nil:
		return LinkDown
	case s.link.up.Load():
		return LinkUp
	case s.trust.fallen():
		return LinkFallback
	}
	return LinkDown
}

// announcer tells Options.OnLink of each state that the link comes to rest in, on a goroutine of its own.
func (s *Store) announcer(ctx context.Context) {
	for last := LinkDown; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.trust.changed:
		}
		if now := s.linkState(); now != last {
			last = now
			s.tellOnLink(now)
		}
	}
}

func (s *Store) tellOnLink(now LinkState) {
	defer func() {
		if p := recover(); p != nil {
			s.options.Logger.Error("tiered: Options.OnLink panicked", "panic", p)
		}
	}()
	s.options.OnLink(now)
}
