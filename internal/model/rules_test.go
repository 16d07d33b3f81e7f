package model

import (
	"strings"
	"testing"
)

// breaks names, for each rule, a scenario in which a promise breaks without it.
var breaks = map[rule]string{
	stampOnRead: "join", prefixOnRead: "prefix", restoreBump: "cut", firstBump: "mutate", secondBump: "join",
	joinByStamp: "join", stampFirst: "join", tokenPerFill: "join", tokenPerRun: "twice", compareHead: "join",
	compareKind: "expire", prefixBefore: "prefix", holdFirst: "mutate", holdTells: "mutate", holdOutlives: "mutate",
	heldNotKept: "mutate", unseenNotKept: "mutate-unseen", holdsStack: "mutate-mutate",
	invalidateSpares: "mutate-invalidate", setSpares: "mutate-set", releaseAny: "failover-mutate", setTells: "set",
	setStampFirst: "set-same", expireLease: "expire", shareUnsent: "batch", taint: "fail", taintFirst: "fail",
	taintGeneration: "fail-twice", journalReplay: "fail", prefixEpoch: "prefix-fail", restoreLast: "cut",
	pollFirst: "prefix-cut", gate: "failover", outlived: "failover", epochOnFill: "failover-fill",
	recentReplay: "failover", rememberFirst: "failover", putBack: "failover-mutate", raiseTop: "failover-sequence",
}

// useful are the rules without which no promise of the model breaks, and what they are for.
var useful = map[rule]string{
	ownHoldNotKept: "Release ends what was kept meanwhile; but in a Store without Redis nothing else keeps memory from " +
		"what a write that then fails half-way has shown",
	setOwnBump:    "without it a Set whose value only memory could have keeps nothing: a load more",
	prefixNotKept: "the failure ended the epoch, so whatever is kept was loaded after it; it would live until the replay only",
	teach: "memory has the sequence of the Stamp, never that of the record, and a record's sequence is in the data set that " +
		"it is in; it matters where Redis evicts the prefix table and its clock has gone back",
}

// Without any rule, some promise breaks, or the rule is known to be useful only.
func TestProtocolWithoutARule(t *testing.T) {
	for r := range refusedNotKept {
		t.Run(ruleNames[r], func(t *testing.T) {
			t.Parallel()
			name, breaksIt := breaks[r]
			why, usefulOnly := useful[r]
			if breaksIt == usefulOnly {
				t.Fatal("this rule must be in one of the two tables")
			}
			if usefulOnly {
				t.Log("only useful: ", why)
				withoutUseful(t, r)
				return
			}
			m := &protocol{named(t, name), asBuilt.without(r)}
			f := explore(m, noLimit)
			if f.broken == "" {
				t.Fatalf("nothing breaks without it in %q, in %d states", name, f.states)
			}
			t.Logf("%s: %s, after %d states:\n%s", name, f.broken, f.states, text(m, f.trace))
		})
	}
}

// withoutUseful searches the small scenarios in which a rule that is only useful has something to do.
func withoutUseful(t *testing.T, r rule) {
	t.Helper()
	at := map[rule]string{ownHoldNotKept: "mutate", setOwnBump: "set-", prefixNotKept: "prefix-", teach: "failover-prefix"}[r]
	for _, sc := range scenarios {
		if strings.HasPrefix(sc.name, at) && (!sc.full || *full) {
			holds(t, &protocol{sc, asBuilt.without(r)}, noLimit)
		}
	}
}

// A refused fill need not be kept out of memory, which DESIGN asks for: what made Redis refuse it also ends the Stamp. And
// it could be.
func TestRefusedFillsOutOfMemory(t *testing.T) {
	for _, name := range []string{"join", "core", "set", "failover-fill"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holds(t, &protocol{named(t, name), asBuilt.with(refusedNotKept)}, noLimit)
		})
	}
}

// A known limit (doc.go): a node fills a new master before it has noticed the failover. Only if the clock of that master
// has gone back besides, a later prefix invalidation can have a sequence that such a value already has.
func TestLimitOfAnUnnoticedFailover(t *testing.T) {
	sc := named(t, "failover-sequence")
	sc.slow = false
	m := &protocol{sc, asBuilt}
	f := explore(m, noLimit)
	if f.broken == "" {
		t.Fatal("the limit is gone: say so in doc.go")
	}
	t.Logf("%s:\n%s", f.broken, text(m, f.trace))
}

func named(t *testing.T, name string) scenario {
	t.Helper()
	for _, sc := range scenarios {
		if sc.name == name {
			return sc
		}
	}
	t.Fatalf("no scenario %q", name)
	return scenario{}
}

func TestTable(t *testing.T) { holds(t, &tableModel{noTableRule}, noLimit) }

func TestTableWithoutARule(t *testing.T) {
	for r := range numTableRules {
		t.Run(tableRuleNames[r], func(t *testing.T) {
			t.Parallel()
			m := &tableModel{r}
			f := explore(m, noLimit)
			if f.broken == "" {
				t.Fatalf("nothing breaks without it, in %d states", f.states)
			}
			t.Logf("%s, after %d states:\n%s", f.broken, f.states, text(m, f.trace))
		})
	}
}
