package tiered

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTokenRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Token{
			publisher: rapid.Uint64().Draw(t, "publisher"), count: rapid.Uint64().Draw(t, "count"),
			prefix: rapid.Uint64().Draw(t, "prefix"), dataset: rapid.Uint64().Draw(t, "dataset"),
			deferred: rapid.Bool().Draw(t, "deferred"),
		}
		text, err := a.MarshalText()
		require.NoError(t, err)
		require.LessOrEqual(t, len(text), 50)
		require.Regexp(t, `^[A-Za-z0-9_-]*$`, string(text))
		b := Token{count: 1}
		require.NoError(t, b.UnmarshalText(text))
		require.Equal(t, a, b)
		require.Equal(t, string(text), b.String())
	})
}

func TestMalformedTokens(t *testing.T) {
	good := Token{publisher: 1, count: 2}.String()
	for _, s := range []string{"x", "AAAA", good[1:], good + "A", good[:len(good)-1], good + "AAAA", " " + good, "B" + good[1:]} {
		token := Token{count: 7}
		require.ErrorIs(t, token.UnmarshalText([]byte(s)), errToken, "%q", s)
		require.Equal(t, Token{count: 7}, token)
	}
}

func FuzzToken(f *testing.F) {
	f.Add(Token{publisher: 1, count: 2, prefix: 3, dataset: 4, deferred: true}.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		var token Token
		if token.UnmarshalText([]byte(s)) == nil {
			var again Token
			require.NoError(t, again.UnmarshalText([]byte(token.String())))
			require.Equal(t, token, again)
		}
	})
}
