package tiered

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/key"
)

func TestHotRecord(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_123)
	want := []HotKey{{key.Join("a:b", "x"), 1 << 40}, {key.Join("a:b", "", "y"), 2.5}, {key.Join("a:b"), 1}}
	got, keys, err := parseHot(string(appendHot([]byte("before"), "a:b", at, append(want, HotKey{"a:b:cold", 0.9})))[6:], "a:b")
	require.NoError(t, err)
	require.Equal(t, at, got)
	require.Equal(t, want, keys)

	empty, keys, err := parseHot(string(appendHot(nil, "a", at, nil)), "a")
	require.NoError(t, err)
	require.Equal(t, at, empty)
	require.Empty(t, keys)
}

func TestHotRecordIsBounded(t *testing.T) {
	var all []HotKey
	for i := range 2000 {
		all = append(all, HotKey{fmt.Sprintf("a:%d%s", i, strings.Repeat("k", 1000)), 9})
	}
	b := appendHot(nil, "a", time.Now(), all)
	require.LessOrEqual(t, len(b), hotMaxSize)
	require.Greater(t, len(b), hotMaxSize-2000)
	_, keys, err := parseHot(string(b), "a")
	require.NoError(t, err)
	require.Equal(t, all[:len(keys)], keys)
	_, _, err = parseHot(string(make([]byte, hotMaxSize+1)), "a")
	require.ErrorIs(t, err, errCorrupt)
}

// A record that passes the checksum is still judged.
func TestHotRecordOfMalice(t *testing.T) {
	for _, rest := range []string{
		"\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x00\xff", "\x00\x00\x00\x00\x05a:b",
		"\x7f\xc0\x00\x00\x03a:b", "\x7f\x80\x00\x00\x03a:b", "\xbf\x80\x00\x00\x03a:b", // NaN, infinity, -1
		"\x3f\x80\x00\x00\x03b:a", "\x3f\x80\x00\x00\x00", "\x3f\x80\x00\x00\x03aab",
		"\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	} {
		_, _, err := parseHot(sealHot(rest), "a")
		require.ErrorIs(t, err, errCorrupt, "%q", rest)
	}
	_, keys, err := parseHot(sealHot("\x3f\x80\x00\x00\x03a:b"), "a")
	require.NoError(t, err)
	require.Equal(t, []HotKey{{"a:b", 1}}, keys)
}

// sealHot makes a record of the cache a with a checksum that is right.
func sealHot(rest string) string {
	b := append([]byte(hotHeader+"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), rest...)
	sum := hotChecksum(b, "a")
	for i := range 4 {
		b[len(hotHeader)+i] = byte(sum >> (24 - 8*i))
	}
	return string(b)
}

func FuzzHotRecord(f *testing.F) {
	f.Add("\x3f\x80\x00\x00\x03a:b")
	f.Add("\x3f\x80\x00\x00\x01a\x00\x00\x00\x00\x02a:")
	f.Fuzz(func(t *testing.T, rest string) {
		_, _, _ = parseHot(rest, "a")
		_, keys, err := parseHot(sealHot(rest), "a")
		if err != nil {
			require.ErrorIs(t, err, errCorrupt)
			return
		}
		for _, h := range keys {
			require.True(t, key.Covers("a", h.Key))
			require.GreaterOrEqual(t, h.Reads, 0.0)
		}
	})
}
