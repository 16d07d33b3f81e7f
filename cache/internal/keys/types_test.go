package keys_test

import (
	"encoding/hex"
	"errors"
	"net/netip"
	"time"
)

// The shapes of keys that the tests use.
type (
	userID  int64
	name    string
	flag    bool
	small   int8
	digest  [4]byte
	pair    struct{ A, B string }
	private struct {
		owner userID
		name  name
	}
	nested struct {
		Tenant name
		_      int // ignored by ==
		pair
		Days [2]uint16
		On   flag
		Sum  digest
	}
	mixed struct {
		addr netip.Addr // unexported, and a text
		Day  int
	}
)

// hexID has MarshalText on its value, pointerText on its pointer.
type (
	hexID       [2]byte
	pointerText struct{ n int }
	failing     string
	level       int
)

var errFailing = errors.New("no text today")

func (id hexID) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(id[:])), nil }

func (p *pointerText) MarshalText() ([]byte, error) {
	return []byte{'{', byte('0' + p.n), '}'}, nil
}

func (f failing) MarshalText() ([]byte, error) {
	if f == "fail" {
		return nil, errFailing
	}
	return []byte(f), nil
}

func (l level) MarshalText() ([]byte, error) { return []byte([]string{"low", "high"}[l]), nil }

// What a promoted MarshalText would make of them: keys that differ in ID only
// would be one.
type (
	embedsText struct {
		time.Time
		ID int
	}
	embedsDeeper struct {
		embedsText
		Name string
	}
	wrapsText struct{ hexID }
)
