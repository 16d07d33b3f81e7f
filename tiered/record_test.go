package tiered

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawRecord draws a record that a store could write.
func drawRecord(t *rapid.T) record {
	fresh := rapid.Int64Range(0, 1<<42).Draw(t, "fresh")
	r := record{
		negative: rapid.Bool().Draw(t, "negative"),
		cost:     time.Duration(rapid.Uint32().Draw(t, "cost")) * time.Microsecond,
		fresh:    fresh,
		stale:    fresh + int64(rapid.Uint32().Draw(t, "stale")),
		keep:     fresh + int64(rapid.Uint32().Draw(t, "keep")),
		prefix:   rapid.Uint64().Draw(t, "prefix"),
		payload:  []byte{},
	}
	if !r.negative {
		r.compressed = rapid.Bool().Draw(t, "compressed")
		r.payload = append(r.payload, rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "payload")...)
	}
	return r
}

const someToken = "0123456789abcdef\x00\x01\x02\x03\x04\x05\x06" // of 23 bytes

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRecord(t)
		dst := []byte("before")
		b := want.appendTo(dst, someToken, "users:1", "cbor")
		require.True(t, bytes.HasPrefix(b, dst), "appendTo appends")
		b = b[len(dst):]
		require.Equal(t, someToken, string(b[1:headerSize]))

		got, err := parseRecord(b, "users:1", "cbor")
		require.NoError(t, err)
		require.Equal(t, want, got)

		if !want.negative { // what Expire makes of it
			b[0] = kindExpired
			want.expired = true
			got, err = parseRecord(b, "users:1", "cbor")
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		for i := range 7 { // what a claim writes
			b[headerSize+i] = byte(i + 1)
		}
		got, err = parseRecord(b, "users:1", "cbor")
		require.NoError(t, err)
		require.Equal(t, want, got, "a claim concerns refreshes only")
	})
}

func TestRecordOfLongDurationsSaturates(t *testing.T) {
	r := record{cost: 100 * time.Hour, fresh: 1, stale: 1 << 40, keep: -5}
	got, err := parseRecord(r.appendTo(nil, someToken, "k", "c"), "k", "c")
	require.NoError(t, err)
	require.Equal(t, time.Duration(1<<32-1)*time.Microsecond, got.cost)
	require.Equal(t, int64(1)+1<<32-1, got.stale)
	require.Equal(t, int64(1), got.keep, "what ends before freshness does ends with it")
}

func TestRecordRefusesEveryOtherByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawRecord(t)
		b := want.appendTo(nil, someToken, "users:1", "cbor")
		i := rapid.IntRange(0, len(b)-1).Draw(t, "position")
		was := b[i]
		b[i] ^= rapid.ByteRange(1, 255).Draw(t, "flip")
		got, err := parseRecord(b, "users:1", "cbor")
		switch {
		case i >= 1 && i < 31: // token and claim are the scripts' own
			require.NoError(t, err)
			require.Equal(t, want, got)
		case i == 0 && was == kindValue && b[0] == kindExpired:
			require.NoError(t, err)
		default:
			require.Error(t, err, "byte %d", i)
		}
	})
}

func TestRecordRefusesEveryTruncation(t *testing.T) {
	r := record{fresh: 1, stale: 1, keep: 1, payload: []byte(strings.Repeat("x", 40))}
	b := r.appendTo(nil, someToken, "users:1", "cbor")
	for n := range b {
		_, err := parseRecord(b[:n], "users:1", "cbor")
		require.Error(t, err, "%d bytes", n)
	}
	_, err := parseRecord(append(bytes.Clone(b), 0), "users:1", "cbor")
	require.Error(t, err, "one byte more")
}

func TestRecordOfAnotherKeyOrCodecIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		names := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab:")), 0, 3, -1), 4, 4).Draw(t, "names")
		_, err := parseRecord(r.appendTo(nil, someToken, names[0], names[1]), names[2], names[3])
		require.Equal(t, names[0] == names[2] && names[1] == names[3], err == nil)
	})
}

func TestHoldIsNoRecord(t *testing.T) {
	require.Len(t, hold, headerSize)
	_, err := parseRecord([]byte(hold+strings.Repeat("t", 64)), "k", "c")
	require.Error(t, err)
}

func TestTokensDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		tok := token()
		require.Len(t, tok, 16)
		require.False(t, seen[tok])
		seen[tok] = true
	}
}

func FuzzParseRecord(f *testing.F) {
	value := record{fresh: 1 << 40, stale: 1 << 40, keep: 1 << 40, payload: []byte("payload")}
	absence := record{negative: true, fresh: 1}
	f.Add(value.appendTo(nil, someToken, "k", "c"))
	f.Add(absence.appendTo(nil, someToken, "k", "c"))
	f.Add([]byte(hold + "0123456789abcdef"))
	f.Add([]byte("L" + someToken + "1"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b, "k", "c")
		if err != nil {
			require.Zero(t, r.payload)
			return
		}
		again := r.appendTo(nil, string(b[1:headerSize]), "k", "c")
		copy(again[headerSize:31], b[headerSize:31]) // the claim, which scripts write
		if r.expired {
			again[0] = kindExpired // which scripts make
		}
		require.Equal(t, b, again, "what is read is what is written")
	})
}
