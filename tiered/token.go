package tiered

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// A Token covers every Invalidate, InvalidatePrefix, Set and Mutate that had returned on one node when it was taken. On
// another node, a read that is given the token returns nothing older, whatever the link does (read your own writes,
// causal consistency across nodes). It is small, holds no secret, and travels as text, in a header or a cookie.
//
// The zero Token covers nothing.
type Token struct {
	publisher uint64
	count     uint64 // of the publisher's messages
	prefix    uint64 // newest sequence
	dataset   uint64 // a digest of the data sets' ids
	deferred  bool   // Redis was not told of all
}

// IsZero tells whether t covers nothing.
func (t Token) IsZero() bool { return t == Token{} }

const tokenVersion = 1

var errToken = errors.New("tiered: malformed token")

// String returns the token as text, "" for the zero Token.
func (t Token) String() string {
	text, _ := t.MarshalText()
	return string(text)
}

// MarshalText returns at most 50 characters that need no escaping in URLs, headers and cookies.
func (t Token) MarshalText() ([]byte, error) {
	if t.IsZero() {
		return nil, nil
	}
	b := make([]byte, 0, 38)
	b = append(b, tokenVersion<<1)
	if t.deferred {
		b[0] |= 1
	}
	b = binary.BigEndian.AppendUint64(b, t.publisher)
	b = binary.BigEndian.AppendUint64(b, t.dataset)
	b = binary.AppendUvarint(b, t.count)
	b = binary.AppendUvarint(b, t.prefix)
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText has returned. It does not find out who has written it: a token that somebody made
// up makes his own reads slower, and nobody's older.
func (t *Token) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = Token{}
		return nil
	}
	b, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil || len(b) < 19 || len(b) > 38 || b[0]>>1 != tokenVersion {
		return errToken
	}
	parsed := Token{deferred: b[0]&1 == 1, publisher: binary.BigEndian.Uint64(b[1:]), dataset: binary.BigEndian.Uint64(b[9:])}
	count, n := binary.Uvarint(b[17:])
	prefix, m := binary.Uvarint(b[17+max(n, 0):])
	if n <= 0 || m <= 0 || 17+n+m != len(b) {
		return errToken
	}
	parsed.count, parsed.prefix = count, prefix
	*t = parsed
	return nil
}

// Token returns a token that covers every invalidation, Set and Mutate that has returned on this node so far. One that
// covers an invalidation that Redis was not told of yet (ErrDeferred), or is of a Store without Redis, makes its readers on
// other nodes load.
func (s *Store) Token() Token {
	t := Token{publisher: s.publisher.id, deferred: s.remote == nil || s.journal.size.Load() > 0 || s.link.gated()}
	t.count, t.prefix = s.publisher.given(), s.fence.newest.Load()
	if s.link != nil {
		t.dataset = s.link.dataset.Load()
	}
	return t
}

// Reach says where a read may look.
type Reach uint8

const (
	// ReachLoader: neither tier is known to have what the token covers.
	ReachLoader Reach = iota
	// ReachRedis: Redis has it, memory may not.
	ReachRedis
	// ReachMemory: both have it.
	ReachMemory
)

// Reach tells where a read that is given t may look. It may ask Redis for prefix invalidations that this node lacks.
func (s *Store) Reach(t Token) Reach {
	switch {
	case t.IsZero(), t.publisher == s.publisher.id:
		return ReachMemory
	case s.remote == nil, t.deferred, t.dataset != s.link.dataset.Load():
		return ReachLoader
	case s.fence.newest.Load() < t.prefix:
		if err := s.fetchPrefixes(request); err != nil || s.fence.newest.Load() < t.prefix {
			return ReachLoader
		}
	}
	if t.count == 0 || s.peers.reached(t.publisher, t.count) {
		return ReachMemory
	}
	return ReachRedis
}

// digest tells data sets apart.
func digest(sets map[string]dataset) uint64 {
	if len(sets) == 0 {
		return 0
	}
	return xxhash.Sum64String(strings.Join(slices.Sorted(maps.Keys(sets)), " "))
}
