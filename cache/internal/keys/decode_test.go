package keys_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freshet-go/freshet/cache/internal/keys"
)

// comesBack checks that a key is decoded from what it is encoded to.
func comesBack[K comparable](t require.TestingT, k K) {
	e, err := keys.For[K]("a:name")
	require.NoError(t, err)
	require.NoError(t, e.CanDecode())
	encoded, err := e.Encode(k)
	require.NoError(t, err)
	got, err := e.Decode(encoded)
	require.NoError(t, err)
	require.Equal(t, k, got)
}

func TestDecodeIsTheInverseOfEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := text().Draw(t, "s"), rapid.Int64().Draw(t, "n")
		on, b := rapid.Bool().Draw(t, "on"), rapid.Byte().Draw(t, "b")
		comesBack(t, s)
		comesBack(t, name(s))
		comesBack(t, n)
		comesBack(t, userID(n))
		comesBack(t, int8(n))
		comesBack(t, uint64(n))
		comesBack(t, uintptr(n))
		comesBack(t, on)
		comesBack(t, flag(on))
		comesBack(t, digest{b, 1})
		comesBack(t, [2][2]uint16{{uint16(b), 1}, {2, uint16(n)}})
		comesBack(t, private{userID(n), name(s)})
		comesBack(t, nested{
			Tenant: name(s), pair: pair{"a", s}, Days: [2]uint16{uint16(n), 1}, On: flag(on), Sum: digest{b},
		})
		comesBack(t, mixed{netip.AddrFrom16([16]byte{1, 15: b}), int(n)})
		comesBack(t, struct{}{})
		comesBack(t, [0]int{})
	})
}

func TestDecodeATime(t *testing.T) {
	comesBack(t, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
}

func TestKeysThatCannotBeReadBack(t *testing.T) {
	e, err := keys.For[struct {
		N     int
		Level level
	}]("c")
	require.NoError(t, err)
	require.EqualError(t, e.CanDecode(),
		`cache: key of "c", field Level: keys_test.level has MarshalText and no UnmarshalText: such keys cannot be read back`)
	_, err = e.Decode("c:1:high")
	require.ErrorContains(t, err, "no UnmarshalText")

	one, err := keys.For[hexID]("c")
	require.NoError(t, err)
	require.ErrorContains(t, one.CanDecode(), `cache: key of "c": keys_test.hexID has MarshalText`)
}

func TestDecodeRefusesWhatEncodeDoesNotWrite(t *testing.T) {
	refuses[int](t, "", "c", "d:1", "c:1:2", "c:", "c:x", "c:07", "c:+7", "c: 7", "c:9223372036854775808", "c:1%", "c:%31")
	refuses[uint8](t, "c:256", "c:-1")
	refuses[bool](t, "c:1", "c:TRUE", "c:")
	refuses[digest](t, "c:00112g33", "c:001122", "c:0011223344", "c:AABBCCDD")
	refuses[string](t, "c", "c:a:b", "c:{a}", "c:%zz")
	refuses[netip.Addr](t, "c:nowhere", "c:2001%3Adb8%3A0%3A0%3A0%3A0%3A0%3A1")
	refuses[struct{}](t, "", "c:", "d")
}

func refuses[K comparable](t *testing.T, all ...string) {
	t.Helper()
	e, err := keys.For[K]("c")
	require.NoError(t, err)
	for _, encoded := range all {
		k, err := e.Decode(encoded)
		require.ErrorContains(t, err, `cache: key of "c": `, encoded)
		require.Zero(t, k, encoded)
	}
}

// Whatever is decoded is encoded to the same again.
func FuzzDecode(f *testing.F) {
	f.Add("c:t:a:b:1:2:true:000aff10")
	f.Add("c:%3A::%25:1:02:false:00000000")
	f.Fuzz(func(t *testing.T, encoded string) {
		e, err := keys.For[nested]("c")
		require.NoError(t, err)
		if k, err := e.Decode(encoded); err == nil {
			require.Equal(t, encoded, encode(t, e, k))
		}
	})
}
