package guide_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The blocks of Go in the guide that follow a line <!-- rival: NAME --> are what is between // snippet: NAME and // end in
// the Examples, which run.
func TestTheGuideShowsRivalsThatRun(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/coming-from.md")
	require.NoError(t, err)
	code, err := os.ReadFile("rivals_test.go")
	require.NoError(t, err)

	shown := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)<!-- rival: (\\S+) -->\n```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		shown[m[1]] = m[2]
	}
	run := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)\t// snippet: (\S+)\n(.*?)\t// end\n`).FindAllStringSubmatch(string(code), -1) {
		run[m[1]] = strings.ReplaceAll("\n"+m[2], "\n\t", "\n")[1:]
	}
	require.NotEmpty(t, run)
	require.Equal(t, run, shown)
}
