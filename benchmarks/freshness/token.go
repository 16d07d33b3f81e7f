//go:build unix

package main

import (
	"context"
	"errors"

	"github.com/freshet-go/freshet/tiered"
)

// Tokens carry what one node has written to the reads of another. This file is all that knows how the library makes and
// takes them.

// tokens says that the library has them.
const tokens = false

// takeToken returns a token that covers all that s has invalidated so far, as text.
func takeToken(*tiered.Store) ([]byte, error) {
	return nil, errors.ErrUnsupported // tok := s.Token(); return tok.MarshalText()
}

// withToken makes reads under ctx return nothing older than what a token covers.
func (n *node) withToken(ctx context.Context, _ *checked, _ []byte) (context.Context, error) {
	return ctx, errors.ErrUnsupported // var tok tiered.Token; err := tok.UnmarshalText(text); return c.WithToken(ctx, tok), err
}
