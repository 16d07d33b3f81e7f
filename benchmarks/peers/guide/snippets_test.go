package guide_test

import (
	"testing"

	"github.com/freshet-go/freshet/internal/snippet"
)

// What the guide shows of others are parts of the Examples here, which run.
func TestTheGuideShowsRivalsThatRun(t *testing.T) {
	snippet.Compare(t, "../../../docs/coming-from.md", "rival", "rivals_test.go")
}
