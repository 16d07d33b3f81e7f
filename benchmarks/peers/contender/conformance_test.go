package contender_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConformance asserts that each contender does what is expected of it, but for what it is known to fail; and that it
// still fails that: what is mended is to be praised.
func TestConformance(t *testing.T) {
	redistest.Need(t)
	var names []string
	for _, check := range contender.Checks() {
		names = append(names, check.Name)
	}
	for _, who := range contender.All[string, []byte]() {
		t.Run(who.Name, func(t *testing.T) {
			t.Parallel()
			known := contender.Known(who.Name)
			require.Subset(t, names, known)
			require.Subset(t, names, contender.Racy(who.Name))
			for _, check := range contender.Checks() {
				if !check.Applies(who.Tiers) {
					require.NotContains(t, known, check.Name, "does not apply")
					continue
				}
				t.Run(check.Name, func(t *testing.T) {
					err := check.Run(t.Context(), who)
					switch {
					case slices.Contains(contender.Racy(who.Name), check.Name):
						t.Log("this time:", err)
					case slices.Contains(known, check.Name):
						require.Error(t, err, "passes now: take it off the list of known failures")
						t.Log(err)
					default:
						require.NoError(t, err)
					}
				})
			}
		})
	}
}

func TestFreshetHasNoKnownFailures(t *testing.T) {
	for _, name := range []string{"freshet-ristretto", "freshet-otter"} {
		require.Empty(t, contender.Known(name))
		require.Empty(t, contender.Racy(name))
	}
}

func TestNamed(t *testing.T) {
	require.Equal(t, "map", contender.Named[int, string]("map").Name)
	require.Panics(t, func() { contender.Named[int, string]("none") })
}
