package tiered

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRecentRemembersAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recent
		has := func(keys, prefixes []string) {
			t.Helper()
			k, p := r.all()
			require.ElementsMatch(t, keys, k)
			require.ElementsMatch(t, prefixes, p)
		}
		has(nil, nil)
		r.remember("a", "b", "a")
		r.rememberPrefix("p")
		has([]string{"a", "b"}, []string{"p"})
		time.Sleep(recentFor - time.Millisecond)
		r.remember("c")
		time.Sleep(recentFor - time.Millisecond)
		k, _ := r.all()
		require.Contains(t, k, "c")
		time.Sleep(3 * recentFor)
		has(nil, nil)
		r.remember("d")
		has([]string{"d"}, nil)
	})
}

// At every moment all of the last minute is there, and nothing that is much older.
func TestRecentAtEveryMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recent
		const step = 7 * time.Second
		for i := range 60 {
			r.remember(fmt.Sprint(i))
			keys, _ := r.all()
			for j := range i + 1 {
				if age := time.Duration(i-j) * step; age <= recentFor {
					require.Contains(t, keys, fmt.Sprint(j), "%v old", age)
				} else if age > 2*recentFor+step {
					require.NotContains(t, keys, fmt.Sprint(j), "%v old", age)
				}
			}
			time.Sleep(step)
		}
	})
}

func TestRecentOverflow(t *testing.T) {
	var r recent
	for i := range recentLimit + 2 {
		r.remember(fmt.Sprint(i))
	}
	keys, prefixes := r.all()
	require.Contains(t, prefixes, "", "one prefix that covers them all")
	require.Less(t, len(keys), 10)

	r = recent{}
	for i := range recentLimit + 2 {
		r.rememberPrefix(fmt.Sprint(i))
	}
	_, prefixes = r.all()
	require.Contains(t, prefixes, "")
	require.Less(t, len(prefixes), 10)
}
