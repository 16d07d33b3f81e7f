package model

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

const noLimit = 1<<31 - 2

var full = flag.Bool("model.full", false, "search the large scenarios, too")

func TestProtocol(t *testing.T) {
	for _, sc := range scenarios {
		if sc.full && !*full {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			holds(t, &protocol{sc, asBuilt}, noLimit)
		})
	}
}

func holds[S comparable](t *testing.T, m system[S], limit int) {
	t.Helper()
	f := explore(m, limit)
	if f.broken != "" {
		t.Fatalf("%s breaks:\n%s", f.broken, text(m, f.trace))
	}
	if !f.complete {
		t.Fatalf("not complete after %d states", f.states)
	}
	t.Logf("%d states, depth %d", f.states, f.depth)
}

// text is a trace as it is read: a step, who makes it, what then is.
func text[S comparable](m system[S], trace []step[S]) string {
	var b strings.Builder
	for _, s := range trace {
		what := s.label.what
		if s.label.who >= 0 {
			what = fmt.Sprintf("%c: %s", 'A'+s.label.who, what)
		}
		fmt.Fprintf(&b, "  %-75s %s\n", what, m.describe(&s.state))
	}
	return b.String()
}
