package tiered

import (
	"context"
	"sync/atomic"
	"time"
)

// hand hands out contexts that end after a while. Those who ask at about the same time share one, which then ends a little
// early for the later: a context of one's own costs a timer, which is a good part of a short round trip.
type hand struct {
	after time.Duration
	early time.Duration
	now   atomic.Pointer[handed]
}

type handed struct {
	context.Context           //nolint:containedctx // that is what it is about
	until           time.Time // for new users
}

// context returns a context that ends after h.after, or up to h.early before that. Nobody need cancel it.
func (h *hand) context(now time.Time) context.Context {
	if c := h.now.Load(); c != nil && now.Before(c.until) {
		return c.Context
	}
	ctx, cancel := context.WithDeadline(context.Background(), now.Add(h.after))
	context.AfterFunc(ctx, cancel)
	h.now.Store(&handed{ctx, now.Add(h.early)})
	return ctx
}
