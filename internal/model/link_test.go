package model

import "testing"

func TestLink(t *testing.T) {
	for _, m := range links {
		if m.full && !*full {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.without = noLinkRule
			holds(t, &m, noLimit)
		})
	}
}

// Each rule of the link is there for something.
func TestLinkWithoutARule(t *testing.T) {
	for r := range numLinkRules {
		t.Run(linkRuleNames[r], func(t *testing.T) {
			t.Parallel()
			for _, m := range links {
				if m.full {
					continue
				}
				m.without = r
				if f := explore(&m, noLimit); f.broken != "" {
					t.Logf("%s: %s, after %d states:\n%s", m.name, f.broken, f.states, text(&m, f.trace))
					return
				}
			}
			t.Fatal("nothing breaks without it")
		})
	}
}
