package key_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freshet-go/freshet/internal/key"
)

func TestSyntax(t *testing.T) {
	for _, tc := range []struct {
		segments []string
		key      string
	}{
		{nil, ""},
		{[]string{""}, "%"},
		{[]string{"", ""}, "%:"},
		{[]string{"", "a"}, "%:a"},
		{[]string{"users"}, "users"},
		{[]string{"users", ""}, "users:"},
		{[]string{"users", "", ""}, "users::"},
		{[]string{"users", "42"}, "users:42"},
		{[]string{"a:b", "c"}, "a%3Ab:c"},
		{[]string{"a", "b:c"}, "a:b%3Ac"},
		{[]string{"%"}, "%25"},
		{[]string{"{tag}", "50%"}, "%7Btag%7D:50%25"},
		{[]string{"line\n", "\x00\x7f"}, "line%0A:%00%7F"},
		{[]string{"Zürich", "a b", "\xff"}, "Zürich:a b:\xff"},
	} {
		require.Equal(t, tc.key, key.Join(tc.segments...))
		segments, err := key.Split(tc.key)
		require.NoError(t, err)
		require.Equal(t, tc.segments, segments)
	}
}

func TestSplitRefusesWhatJoinNeverWrites(t *testing.T) {
	for malformed, why := range map[string]string{
		":a":      "empty first segment",
		"a{b}":    `'{' must be escaped`,
		"a:\n":    `'\n' must be escaped`,
		"a:%":     `escape "%" is cut off`,
		"a:%2":    `escape "%2" is cut off`,
		"a:%zz":   `escape "%zz"`,
		"a:%3a":   `escape "%3a"`,
		"a:%41":   `escape "%41"`,
		"%:b:%%%": `escape "%%%"`,
	} {
		_, err := key.Split(malformed)
		require.ErrorContains(t, err, why, "%q", malformed)
		require.ErrorContains(t, err, "key: ")
	}
}

func TestCovers(t *testing.T) {
	for _, tc := range []struct {
		prefix, key string
		want        bool
	}{
		{"", "", true},
		{"", "users:42", true},
		{"users", "users", true},
		{"users", "users:", true},
		{"users", "users:42", true},
		{"users:4", "users:42", false},
		{"user", "users", false},
		{"users:", "users", false},
		{"users:", "users:42", false},
		{"users:", "users::42", true},
		{"%", "%:a", true},
		{"%", "%25", false},
	} {
		require.Equal(t, tc.want, key.Covers(tc.prefix, tc.key), "%q covers %q", tc.prefix, tc.key)
	}
}

func TestAncestors(t *testing.T) {
	for k, want := range map[string][]string{
		"":        {""},
		"%":       {"", "%"},
		"users":   {"", "users"},
		"users:":  {"", "users", "users:"},
		"a:b%3A:": {"", "a", "a:b%3A", "a:b%3A:"},
	} {
		var got []string
		for n := range key.Ancestors(k) {
			got = append(got, k[:n])
		}
		require.Equal(t, want, got)
	}
	for range key.Ancestors("a:b:c") {
		break // a caller may stop anywhere
	}
}

func TestChild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := drawSegments(t, "segments")
		last := segment().Draw(t, "last")
		want := key.Join(append(slices.Clone(segments), last)...)
		require.Equal(t, want, key.Child(key.Join(segments...), last))
	})
}

func TestAppendBehindOtherBytes(t *testing.T) {
	dst := key.Append([]byte("header/users"), "a:b")
	dst = key.AppendInt(dst, -7)
	dst = key.AppendUint(dst, 7)
	dst = key.Append(dst, []byte{'{'})
	require.Equal(t, "header/users:a%3Ab:-7:7:%7B", string(dst))
	require.Equal(t, "-7", string(key.AppendInt(nil, -7)))
	require.Equal(t, "7", string(key.AppendUint(nil, 7)))
}

func TestSequencesAndKeysStandForEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSegments(t, "a"), drawSegments(t, "b")
		ka, kb := key.Join(a...), key.Join(b...)
		require.Equal(t, slices.Equal(a, b), ka == kb, "%q %q", ka, kb)
		checkKey(t, a, ka)
		require.Equal(t, startsWith(b, a), key.Covers(ka, kb))

		shorter := a[:rapid.IntRange(0, len(a)).Draw(t, "n")]
		require.True(t, key.Covers(key.Join(shorter...), ka))
	})
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "%", "users:42", "a%3Ab:c", ":", "%:", "%2", "{x}", "a::b%7D"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for n := range key.Ancestors(s) {
			require.True(t, key.Covers(s[:n], s))
		}
		if segments, err := key.Split(s); err == nil {
			require.Equal(t, s, key.Join(segments...))
		}
	})
}

func FuzzJoin(f *testing.F) {
	f.Add("a:b", "c", "a", "b:c")
	f.Add("", "", "%", "")
	f.Add("{", "}", "\x00", "\xff")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		one, other := []string{a, b}, []string{c, d}
		checkKey(t, one, key.Join(one...))
		require.Equal(t, slices.Equal(one, other), key.Join(one...) == key.Join(other...))
		require.NotEqual(t, key.Join(a), key.Join(a, b))
	})
}

// checkKey checks what must hold for any key on its own.
func checkKey(t require.TestingT, segments []string, k string) {
	back, err := key.Split(k)
	require.NoError(t, err)
	require.True(t, slices.Equal(segments, back), "%q became %q", segments, back)
	require.False(t, strings.ContainsAny(k, "{}\n\x00"), "%q", k)

	n := 0
	for length := range key.Ancestors(k) {
		require.Equal(t, key.Join(segments[:n]...), k[:length])
		n++
	}
	require.Equal(t, len(segments)+1, n)
}

func startsWith(s, prefix []string) bool {
	return len(prefix) <= len(s) && slices.Equal(prefix, s[:len(prefix)])
}

// segment favours the bytes that the syntax cares about.
func segment() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune(":%{}ab3A\x00\n")), 0, 4, -1),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) }),
	)
}

func drawSegments(t *rapid.T, label string) []string {
	return rapid.SliceOfN(segment(), 0, 4).Draw(t, label)
}
