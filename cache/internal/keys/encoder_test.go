package keys_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/keys"
)

func TestEncode(t *testing.T) {
	equal(t, "c:plain", "plain")
	equal(t, "c:", "")
	equal(t, "c:a%3A%7Bb%7D%25", "a:{b}%")
	equal(t, "c:n", name("n"))
	equal(t, "c:-42", -42)
	equal(t, "c:-9223372036854775808", int64(math.MinInt64))
	equal(t, "c:18446744073709551615", uint64(math.MaxUint64))
	equal(t, "c:7", int32(7))
	equal(t, "c:7", uint32(7))
	equal(t, "c:7", uint8(7))
	equal(t, "c:7", uintptr(7))
	equal(t, "c:-7", small(-7))
	equal(t, "c:7", userID(7))
	equal(t, "c:true", true)
	equal(t, "c:false", flag(false))

	equal(t, "c:a:b", pair{"a", "b"})
	equal(t, "c:7:n", private{7, "n"})
	equal(t, "c:t:a:b:1:2:true:000aff10", nested{
		Tenant: "t", pair: pair{"a", "b"}, Days: [2]uint16{1, 2}, On: true, Sum: digest{0, 10, 255, 16},
	})
	equal(t, "c:a::c", [3]string{"a", "", "c"})
	equal(t, "c:1:2:3:4", [2][2]int{{1, 2}, {3, 4}})
	equal(t, "c", struct{}{})
	equal(t, "c", [0]int{})
	equal(t, "c", [1 << 40]struct{}{})
	equal(t, "c:3", struct {
		None [1 << 40]struct{}
		N    int
	}{N: 3})
}

func TestEncodeText(t *testing.T) {
	equal(t, "c:2001%3Adb8%3A%3A1", netip.MustParseAddr("2001:db8::1"))
	equal(t, "c:2026-01-02T03%3A04%3A05Z", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	equal(t, "c:0x00ff", hexID{0, 255})
	equal(t, "c:%7B7%7D", pointerText{7})
	equal(t, "c:high", level(1))
	equal(t, "c:10.0.0.1:5", mixed{netip.MustParseAddr("10.0.0.1"), 5})
	equal(t, "c:0x0001:0x0002", [2]hexID{{0, 1}, {0, 2}})
}

func TestPromotedTextDoesNotSpeakForTheWholeStruct(t *testing.T) {
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	const text = "2026-01-02T00%3A00%3A00Z"
	equal(t, "c:"+text+":1", embedsText{day, 1})
	equal(t, "c:"+text+":2", embedsText{day, 2})
	equal(t, "c:"+text+":2:x", embedsDeeper{embedsText{day, 2}, "x"})
	equal(t, "c:0x0001", wrapsText{hexID{0, 1}})
}

func TestBlankFieldsDoNotCount(t *testing.T) {
	type blank struct {
		_ float64
		_ *int
		N int
	}
	equal(t, "c:1", blank{N: 1})
}

func TestNameIsASegment(t *testing.T) {
	for cacheName, want := range map[string]string{
		"users": "users:1", "a:b": "a%3Ab:1", "{x}": "%7Bx%7D:1", "": "%:1",
	} {
		e, err := keys.For[int](cacheName)
		require.NoError(t, err)
		got, err := e.Encode(1)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	e, err := keys.For[pair]("c")
	require.NoError(t, err)
	dst, err := e.Append([]byte("before:"), pair{"a", "b"})
	require.NoError(t, err)
	require.Equal(t, "before:c:a:b", string(dst))
}

func TestFailingTextIsAnError(t *testing.T) {
	e, err := keys.For[struct {
		N int
		F failing
	}]("c")
	require.NoError(t, err)
	bad := struct {
		N int
		F failing
	}{1, "fail"}

	k, err := e.Encode(bad)
	require.ErrorIs(t, err, errFailing)
	require.EqualError(t, err, `cache: key of "c", field F: MarshalText of keys_test.failing: no text today`)
	require.Empty(t, k)

	dst, err := e.Append([]byte("before"), bad)
	require.ErrorIs(t, err, errFailing)
	require.Equal(t, "before", string(dst))
}

func equal[K comparable](t *testing.T, want string, k K) {
	t.Helper()
	e, err := keys.For[K]("c")
	require.NoError(t, err)
	got, err := e.Encode(k)
	require.NoError(t, err)
	require.Equal(t, want, got)
	dst, err := e.Append(nil, k)
	require.NoError(t, err)
	require.Equal(t, want, string(dst))
}
