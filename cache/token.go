package cache

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/freshet-go/freshet/tiered"
)

type tokenKey struct{}

// tokens tells whether any context of this process ever carried a token: reads without one pay a look at it.
var tokens atomic.Bool

// WithToken returns a context for reads that must see what token covers: on whichever node, Get, GetMany and Peek with it
// return nothing that is older than what [tiered.Store.Token]'s node had written and invalidated when it made the token.
// Until this node has heard of all that, such a read is slower: it reads Redis instead of memory or, where Redis was not
// told, loads. A context may carry several tokens.
func WithToken(ctx context.Context, token tiered.Token) context.Context {
	if token.IsZero() {
		return ctx
	}
	tokens.Store(true)
	had, _ := ctx.Value(tokenKey{}).([]tiered.Token)
	return context.WithValue(ctx, tokenKey{}, append(slices.Clip(had), token))
}

// reach tells where a read with ctx may look.
func (c *Cached[K, V]) reach(ctx context.Context) tiered.Reach {
	reach := tiered.ReachMemory
	if tokens.Load() {
		had, _ := ctx.Value(tokenKey{}).([]tiered.Token)
		for _, t := range had {
			reach = min(reach, c.store.Reach(t))
		}
	}
	return reach
}
