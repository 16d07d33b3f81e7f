package keys_test

import (
	"math"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/keys"
)

func TestPrefix(t *testing.T) {
	type key struct {
		User   userID
		Small  int8
		Count  uint16
		Name   name
		On     bool
		Sum    digest
		Addr   netip.Addr
		Serial hexID
		Level  level
	}
	e, err := keys.For[key]("feed")
	require.NoError(t, err)
	addr := netip.MustParseAddr("10.0.0.1")

	for _, tc := range []struct {
		segments []any
		want     string
	}{
		{nil, "feed"},
		{[]any{42}, "feed:42"},
		{[]any{userID(42)}, "feed:42"},
		{[]any{uint8(42), int64(-128), uint64(math.MaxUint16)}, "feed:42:-128:65535"},
		{[]any{1, 2, 3, "a:b"}, "feed:1:2:3:a%3Ab"},
		{[]any{1, 2, 3, failing("as a name"), flag(true)}, "feed:1:2:3:as a name:true"},
		{[]any{1, 2, 3, "", false, [4]byte{1, 2, 3, 4}, addr}, "feed:1:2:3::false:01020304:10.0.0.1"},
		{[]any{1, 2, 3, "", false, digest{}, addr, [2]byte{0, 1}, 1}, "feed:1:2:3::false:00000000:10.0.0.1:0x0001:high"},
	} {
		got, err := e.Prefix(tc.segments...)
		require.NoError(t, err)
		require.Equal(t, tc.want, got)
	}

	for _, tc := range []struct {
		segments []any
		why      string
	}{
		{[]any{"42"}, `cache: prefix of "feed": segment 1, field User: string given, want keys_test.userID`},
		{[]any{nil}, `cache: prefix of "feed": segment 1, field User: nil given, want keys_test.userID`},
		{[]any{4.0}, `float64 given`},
		{[]any{uint64(math.MaxUint64)}, `18446744073709551615 is out of range for keys_test.userID`},
		{[]any{1, 128}, `segment 2, field Small: 128 is out of range for int8`},
		{[]any{1, uint(128)}, `128 is out of range for int8`},
		{[]any{1, 1, -1}, `segment 3, field Count: -1 is out of range for uint16`},
		{[]any{1, 1, 65536}, `65536 is out of range for uint16`},
		{[]any{1, 1, 1, 'x'}, `int32 given, want keys_test.name`},
		{[]any{1, 1, 1, []byte("x")}, `[]uint8 given, want keys_test.name`},
		{[]any{1, 1, 1, "", 1}, `int given, want bool`},
		{[]any{1, 1, 1, "", true, [5]byte{}}, `[5]uint8 given, want keys_test.digest`},
		{[]any{1, 1, 1, "", true, digest{}, "10.0.0.1"}, `field Addr: string given, want netip.Addr`},
		{make([]any, 10), `cache: prefix of "feed": 10 segments given, but keys of type keys_test.key have 9`},
	} {
		got, err := e.Prefix(tc.segments...)
		require.ErrorContains(t, err, tc.why)
		require.Empty(t, got)
	}
}

func TestPrefixOfFailingText(t *testing.T) {
	e, err := keys.For[failing]("c")
	require.NoError(t, err)
	got, err := e.Prefix("converted")
	require.NoError(t, err)
	require.Equal(t, "c:converted", got)
	_, err = e.Prefix("fail")
	require.ErrorIs(t, err, errFailing)
	require.EqualError(t, err, `cache: prefix of "c": segment 1: MarshalText of keys_test.failing: no text today`)
}
