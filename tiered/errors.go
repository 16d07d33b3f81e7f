package tiered

import "errors"

var (
	// ErrDeferred: Redis could not be told of an invalidation. On this node it holds all the same; other nodes are told
	// when Redis is back, and until then are bound by their entries' time to live. Errors that wrap it say why.
	ErrDeferred = errors.New("tiered: invalidation deferred: Redis was not told yet")
	// ErrTooLarge: an encoded key or value exceeds its limit.
	ErrTooLarge = errors.New("tiered: too large")
	// ErrClosed: the Store was closed.
	ErrClosed = errors.New("tiered: store is closed")
)
