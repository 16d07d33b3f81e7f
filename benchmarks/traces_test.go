package benchmarks

import (
	"cmp"
	"os"
	"strings"

	"github.com/freshet-go/freshet/benchmarks/internal/trace"
)

// traces returns the recorded traces, which are no part of the project, or a zipf sequence where there are none.
func traces() ([]trace.Trace, error) {
	all, err := trace.Read(cmp.Or(os.Getenv("FRESHET_TRACES"), "../../shared/traces"))
	if len(all) == 0 {
		all = []trace.Trace{trace.Zipf(500_000, 50_000)}
	}
	return all, err
}

func traceNames() string {
	all, err := traces()
	if err != nil {
		return err.Error()
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return strings.Join(names, " ")
}
