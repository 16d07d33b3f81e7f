package keys_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freshet-go/freshet/cache/internal/keys"
	"github.com/freshet-go/freshet/internal/key"
)

// Keys that collided in other libraries.
func TestCorpusKeysDoNotCollide(t *testing.T) {
	for _, c := range [][2]pair{
		{{"a-b", "c"}, {"a", "b-c"}},
		{{"a b", "c"}, {"a", "b c"}},
		{{"a:b", "c"}, {"a", "b:c"}},
		{{"a%3Ab", "c"}, {"a:b", "c"}},
		{{"", "a"}, {"a", ""}},
		{{"", ""}, {":", ""}},
	} {
		checkPair(t, c[0], c[1])
	}
}

func TestUnequalKeysEncodeDifferently(t *testing.T) {
	t.Run("string", checkInjective(text()))
	t.Run("named string", checkInjective(rapid.Map(text(), func(s string) name { return name(s) })))
	t.Run("int8", checkInjective(rapid.Int8()))
	t.Run("named int64", checkInjective(rapid.Map(rapid.Int64(), func(n int64) userID { return userID(n) })))
	t.Run("uint64", checkInjective(rapid.Uint64()))
	t.Run("bool", checkInjective(rapid.Bool()))
	t.Run("strings", checkInjective(pairs()))
	t.Run("array", checkInjective(rapid.Custom(func(t *rapid.T) [3]string {
		return [3]string{text().Draw(t, "0"), text().Draw(t, "1"), text().Draw(t, "2")}
	})))
	t.Run("unexported", checkInjective(rapid.Custom(func(t *rapid.T) private {
		return private{userID(rapid.IntRange(-2, 2).Draw(t, "owner")), name(text().Draw(t, "name"))}
	})))
	t.Run("nested", checkInjective(rapid.Custom(func(t *rapid.T) nested {
		return nested{
			Tenant: name(text().Draw(t, "tenant")), pair: pairs().Draw(t, "pair"),
			Days: [2]uint16{rapid.Uint16().Draw(t, "day"), 1}, On: flag(rapid.Bool().Draw(t, "on")),
			Sum: digest{rapid.Byte().Draw(t, "sum")},
		}
	})))
	t.Run("texts", checkInjective(rapid.Custom(func(t *rapid.T) mixed {
		b := [16]byte{15: rapid.Byte().Draw(t, "host")}
		return mixed{netip.AddrFrom16(b).WithZone(text().Draw(t, "zone")), rapid.IntRange(-3, 3).Draw(t, "day")}
	})))
}

func TestPrefixCoversExactlyTheKeysThatBeginWithIt(t *testing.T) {
	type k struct {
		A string
		N int8
		B string
	}
	e, err := keys.For[k]("c")
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) k {
			return k{text().Draw(t, label), int8(rapid.IntRange(-1, 1).Draw(t, label)), text().Draw(t, label)}
		}
		one, other := draw("one"), draw("other")
		segments := []any{one.A, int(one.N), one.B}
		match := []bool{true, one.A == other.A, one.A == other.A && one.N == other.N, one == other}
		for n, want := range match {
			prefix, err := e.Prefix(segments[:n]...)
			require.NoError(t, err)
			require.True(t, key.Covers(prefix, encode(t, e, one)))
			require.Equal(t, want, key.Covers(prefix, encode(t, e, other)))
		}
	})
}

func FuzzStrings(f *testing.F) {
	f.Add("a:b", "c", "a", "b:c")
	f.Add("", "%", "%", "")
	f.Add("{", "\x00", "\xff", "\n")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		checkPair(t, a, b)
		checkPair(t, pair{a, b}, pair{c, d})
		checkPair(t, [2]name{name(a), name(b)}, [2]name{name(c), name(d)})
	})
}

func FuzzStructs(f *testing.F) {
	f.Add("t", int64(1), uint16(2), true, []byte{1, 2, 3, 4})
	f.Add(":", int64(-1), uint16(0), false, []byte{})
	f.Fuzz(func(t *testing.T, s string, n int64, days uint16, on bool, sum []byte) {
		k := nested{Tenant: name(s), Days: [2]uint16{days, 0}, On: flag(on)}
		copy(k.Sum[:], sum)
		swapped := k
		swapped.pair = pair{A: s}
		checkPair(t, k, swapped)
		checkPair(t, private{userID(n), name(s)}, private{userID(days), name(s)})
	})
}

func checkInjective[K comparable](g *rapid.Generator[K]) func(*testing.T) {
	return func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { checkPair(t, g.Draw(t, "a"), g.Draw(t, "b")) })
	}
}

func checkPair[K comparable](t require.TestingT, a, b K) {
	e, err := keys.For[K]("c")
	require.NoError(t, err)
	ka, kb := encode(t, e, a), encode(t, e, b)
	require.Equal(t, a == b, ka == kb, "%q %q", ka, kb)
	_, err = key.Split(ka)
	require.NoError(t, err)
}

func encode[K comparable](t require.TestingT, e *keys.Encoder[K], k K) string {
	s, err := e.Encode(k)
	require.NoError(t, err)
	return s
}

func text() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringOfN(rapid.RuneFrom([]rune(":%{}ab3A-")), 0, 3, -1), rapid.String())
}

func pairs() *rapid.Generator[pair] {
	return rapid.Custom(func(t *rapid.T) pair { return pair{text().Draw(t, "A"), text().Draw(t, "B")} })
}
