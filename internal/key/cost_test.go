package key_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/key"
)

func TestAllocations(t *testing.T) {
	const k = "feed:42:2026-01-02:a%3Ab"
	dst := make([]byte, 0, 256)
	long := strings.Repeat("x", 4096)
	bytes, covered := 0, 0
	for name, tc := range map[string]struct {
		want float64
		do   func()
	}{
		"Append":    {0, func() { bytes += len(key.Append(key.AppendInt(append(dst, "feed"...), 42), "a:b")) }},
		"Covers":    {0, func() { _ = key.Covers("feed:42", k) }},
		"Ancestors": {0, func() { bytes += ancestorBytes(k, &covered) }},
		"Child":     {1, func() { bytes += len(key.Child("feed", long)) }},
		"Join":      {1, func() { bytes += len(key.Join("feed", "a:b")) }},
	} {
		require.Equal(t, tc.want, testing.AllocsPerRun(100, tc.do), name)
	}
	require.NotZero(t, bytes)
	require.NotZero(t, covered)
}

func ancestorBytes(k string, covered *int) (n int) {
	for length := range key.Ancestors(k) {
		n += length
		if key.Covers(k[:length], k) {
			*covered++
		}
	}
	return n
}

func BenchmarkAppend(b *testing.B) {
	for name, segment := range map[string]string{"clean": "some-ordinary-segment", "escaped": "some:less:ordinary:{one}"} {
		b.Run("segment="+name, func(b *testing.B) {
			dst := make([]byte, 0, 256)
			for b.Loop() {
				dst = key.Append(append(dst[:0], "feed"...), segment)
			}
		})
	}
}

func BenchmarkAncestors(b *testing.B) {
	covered := 0
	for b.Loop() {
		ancestorBytes("feed:42:2026-01-02", &covered)
	}
}

func BenchmarkCovers(b *testing.B) {
	for b.Loop() {
		key.Covers("feed:42", "feed:42:2026-01-02")
	}
}
