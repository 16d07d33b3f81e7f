package docs_test

import (
	"testing"

	"github.com/freshet-go/freshet/internal/snippet"
)

// What the guide shows of Freshet are parts of the Examples here, which run.
func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	snippet.Compare(t, "coming-from.md", "snippet", "coming_from_test.go")
}
