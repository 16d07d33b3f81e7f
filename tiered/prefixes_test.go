package tiered

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freshet-go/freshet/internal/key"
)

// TestPrefixesProperty compares the table, and the slots before it, with a list of all invalidations.
func TestPrefixesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p prefixes
		p.init()
		type row = prefixSeq
		var all []row
		top := uint64(0)
		prefix := rapid.SampledFrom([]string{"", "a", "a:b", "a:b:c", "ab", "b", "b:a"})
		t.Repeat(map[string]func(*rapid.T){
			"learn": func(t *rapid.T) {
				top++
				r := row{prefix.Draw(t, "prefix"), top}
				all = append(all, r)
				p.learn([]row{r}, top)
			},
			"after": func(t *rapid.T) {
				k, seq := prefix.Draw(t, "key"), rapid.Uint64Range(0, top+1).Draw(t, "seq")
				want := false
				for n := range key.Ancestors(k) {
					for _, r := range all {
						want = want || r.prefix == k[:n] && r.seq > seq
					}
				}
				require.Equal(t, want, p.after(k, seq))
			},
			"": func(t *rapid.T) { require.Equal(t, top, p.newest.Load()) },
		})
	})
}

// TestPrefixesThatShareASlot has more of them than slots.
func TestPrefixesThatShareASlot(t *testing.T) {
	var p prefixes
	p.init()
	for n := range uint64(3 * prefixSlots) {
		p.learn([]prefixSeq{{"p" + strconv.FormatUint(n, 10), n + 1}}, n+1)
	}
	for n := range uint64(3 * prefixSlots) {
		k := "p" + strconv.FormatUint(n, 10)
		require.True(t, p.after(k, n))
		require.False(t, p.after(k, n+1))
		require.False(t, p.after("q"+k, 0))
	}
}
