package keys_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/keys"
)

func TestAllocations(t *testing.T) {
	costs(t, 0, 1, "some-user")
	costs(t, 0, 1, "some:user")
	costs(t, 0, 1, strings.Repeat("long", 1000))
	costs(t, 0, 1, 1<<40)
	costs(t, 0, 1, int64(1<<40))
	costs(t, 0, 1, uint16(1<<15))
	costs(t, 0, 1, name("some-user"))
	costs(t, 0, 1, userID(1<<40))
	costs(t, 0, 1, pair{"a", "b:c"})
	costs(t, 0, 1, private{1 << 40, "n"})
	costs(t, 0, 1, nested{Tenant: "t"})
	costs(t, 0, 1, [3]string{"a", "b", "c"})
}

func costs[K comparable](t *testing.T, appending, encoding float64, k K) {
	t.Helper()
	e, err := keys.For[K]("users")
	require.NoError(t, err)
	dst := make([]byte, 0, 8192)
	require.Equal(t, appending, testing.AllocsPerRun(100, func() { _, _ = e.Append(dst, k) }), "Append of %T", k)
	require.Equal(t, encoding, testing.AllocsPerRun(100, func() { _, _ = e.Encode(k) }), "Encode of %T", k)
}

func BenchmarkAppend(b *testing.B) {
	b.Run("key=string", appending("some-user"))
	b.Run("key=int64", appending(int64(1<<40)))
	b.Run("key=named-string", appending(name("some-user")))
	b.Run("key=named-int64", appending(userID(1<<40)))
	b.Run("key=struct", appending(private{1 << 40, "some-user"}))
	b.Run("key=text", appending(netip.MustParseAddr("10.0.0.1")))
}

func appending[K comparable](k K) func(*testing.B) {
	return func(b *testing.B) {
		e, err := keys.For[K]("users")
		require.NoError(b, err)
		dst := make([]byte, 0, 256)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Append(dst, k); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	b.Run("key=string", encoding("some-user"))
	b.Run("key=int64", encoding(int64(1<<40)))
	b.Run("key=struct", encoding(private{1 << 40, "some-user"}))
}

func encoding[K comparable](k K) func(*testing.B) {
	return func(b *testing.B) {
		e, err := keys.For[K]("users")
		require.NoError(b, err)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Encode(k); err != nil {
				b.Fatal(err)
			}
		}
	}
}
