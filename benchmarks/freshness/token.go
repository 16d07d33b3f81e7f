//go:build unix

package main

import (
	"context"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
)

// takeToken returns a token that covers all that s has invalidated so far, as text.
func takeToken(s *tiered.Store) ([]byte, error) { return s.Token().MarshalText() }

// withToken makes reads of a cache under ctx return nothing older than what a token covers.
func withToken(ctx context.Context, text []byte) (context.Context, error) {
	var token tiered.Token
	err := token.UnmarshalText(text)
	return cache.WithToken(ctx, token), err
}
