//go:build unix

package main

import (
	"context"
	"errors"

	"github.com/freshet-go/freshet/tiered"
)

// Tokens carry what one node has written to the reads of another. This file is all that knows how the library makes and
// takes them: with tokens set, writers post theirs, and every TokenRead of a plan reads under one.
//
// takeToken is then Store.Token and its MarshalText; withToken is UnmarshalText into a tiered.Token, and the cache's
// WithToken.
const tokens = false

// takeToken returns a token that covers all that s has invalidated so far, as text.
func takeToken(*tiered.Store) ([]byte, error) { return nil, errors.ErrUnsupported }

// withToken makes reads of a cache under ctx return nothing older than what a token covers.
func withToken(ctx context.Context, _ *checked, _ []byte) (context.Context, error) {
	return ctx, errors.ErrUnsupported
}
