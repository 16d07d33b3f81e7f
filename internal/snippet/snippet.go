// Package snippet holds guides against the code that they show.
package snippet

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Compare requires that the blocks of Go in the guide that follow a line <!-- mark: NAME --> are what is between
// // snippet: NAME and // end in the code, without the indentation.
func Compare(t testing.TB, guide, mark, code string) {
	t.Helper()
	text, err := os.ReadFile(guide)
	require.NoError(t, err)
	program, err := os.ReadFile(code)
	require.NoError(t, err)

	shown := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)<!-- "+mark+": (\\S+) -->\n```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		shown[m[1]] = m[2]
	}
	run := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)\t// snippet: (\S+)\n(.*?)\t// end\n`).FindAllStringSubmatch(string(program), -1) {
		run[m[1]] = strings.ReplaceAll("\n"+m[2], "\n\t", "\n")[1:]
	}
	require.NotEmpty(t, run)
	require.Equal(t, run, shown)
}
