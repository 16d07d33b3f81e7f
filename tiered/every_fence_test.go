package tiered_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// fenceOf is a rule, or a line of a script, and the history that goes wrong without it.
type fenceOf struct {
	name     string
	rule     tiered.Rule // or:
	script   string
	line, by string // what the script says, and what it says without the fence
	nodes    int
	beside   tiered.Rule // another fence that would make up for it, some seconds later; it is never there
	useful   string      // why nobody misses it, if so: for what it is there all the same
	history  func(l *lab)
}

var fences = []fenceOf{
	{name: "stamps", rule: tiered.RuleStamps, nodes: 1, history: readAfterInvalidate},
	{name: "epoch", rule: tiered.RuleEpoch, nodes: 2, history: messagesMissedInAnOutage},
	{name: "first bump", rule: tiered.RuleFirstBump, nodes: 1, history: readDuringMutate},
	{name: "second bump", rule: tiered.RuleSecondBump, nodes: 1, history: readBetweenTheBumps},
	{name: "second bump of a Set", rule: tiered.RuleSecondBump, nodes: 1, history: setBetweenTheBumps},
	{name: "joining by Stamp", rule: tiered.RuleJoinByStamp, nodes: 1, history: joinAnOlderLoad},
	{name: "prefix stamp before the load", rule: tiered.RuleEarlyPrefixStamp, nodes: 1, history: prefixDuringALoad},
	{name: "prefix stamp on read", rule: tiered.RulePrefixStamps, nodes: 2, history: readAfterPrefix},
	{name: "hold", rule: tiered.RuleHold, nodes: 2, history: writerCrash},
	{name: "no memory under a hold", rule: tiered.RuleHeldNotKept, beside: tiered.RuleBeats, nodes: 2, history: writerCrash},
	{name: "no memory of unseen loads", rule: tiered.RuleUnseenNotKept, beside: tiered.RuleBeats, nodes: 2, history: writerCrashUnseen},
	{name: "taint", rule: tiered.RuleTaint, nodes: 1, history: invalidationLost},
	{name: "taint before the second bump", rule: tiered.RuleTaintFirst, nodes: 1, history: readBeforeTheTaint},
	{name: "taint generations", rule: tiered.RuleTaintGenerations, nodes: 2, history: failureDuringAReplay},
	{name: "journal", rule: tiered.RuleJournal, nodes: 2, history: invalidationLost},
	{name: "recent before the script", rule: tiered.RuleRememberFirst, nodes: 1, history: failoverDuringAnInvalidation},
	{name: "replay of recent", rule: tiered.RuleRecent, nodes: 2, history: failoverAfterAnInvalidation},
	{name: "gate after a failover", rule: tiered.RuleGate, nodes: 1, history: readRightAfterAFailover},
	{name: "replay puts holds back", rule: tiered.RuleHoldsPutBack, nodes: 2, history: failoverDuringAMutate},
	{name: "sequence raised", rule: tiered.RuleSequenceRaised, nodes: 2, history: failoverLosesASequence,
		useful: "a node that finds its newest sequence missing invalidates everything, which raising it saves"},
	{name: "epoch before a fill", rule: tiered.RuleEpochBeforeFill, nodes: 2, history: fillAfterAFailover},
	{name: "bump after subscribe", rule: tiered.RuleBumpAfterSubscribe, beside: tiered.RuleBeats, nodes: 2, history: readBeforeTheSubscription},
	{name: "prefix table before trust", rule: tiered.RuleTableBeforeTrust, nodes: 2, history: prefixBeforeTheSubscription},
	{name: "silence", rule: tiered.RuleSilence, nodes: 2, history: silentLink},
	{name: "count heartbeat", rule: tiered.RuleBeats, nodes: 2, history: lostMessage},

	{name: "token per execution", script: "lease", line: "local tok = ARGV[2] .. pack(stamp())",
		by: "local tok = ARGV[2] .. string.rep('0', 7)", nodes: 2, history: leaseExecutedTwice},
	{name: "compare-and-set", script: "fill", line: "if h ~= ARGV[1] then", by: "if false then", nodes: 2, history: fillAfterAnotherLease},
	{name: "compare-and-set of the token", script: "fill", line: "if h ~= ARGV[1] then",
		by: "if string.sub(h, 1, 1) ~= string.sub(ARGV[1], 1, 1) then", nodes: 2, history: fillAfterAnotherLease},
	{name: "compare-and-set of the kind", script: "fill", line: "if h ~= ARGV[1] then",
		by: "if string.sub(h, 2) ~= string.sub(ARGV[1], 2) then", nodes: 2, history: refreshOverExpired},
	{name: "a hold is published", script: "hold", line: "redis.call('PUBLISH', ARGV[1], ARGV[2])", by: "", nodes: 2, history: writerCrash},
}

// take takes a fence away until restore is called.
func (f fenceOf) take(t *testing.T) (restore func()) {
	t.Helper()
	if f.rule != 0 {
		return tiered.Without(f.rule)
	}
	restore, err := tiered.Rewrite(f.script, f.line, f.by)
	require.NoError(t, err)
	return restore
}

// A fence that nobody misses is either not needed or not tested.
func TestEveryFenceIsMissed(t *testing.T) {
	policy := ttl.Fixed(labPolicy).StaleIfError(time.Hour)
	var rules tiered.Rule
	for _, f := range fences {
		rules |= f.rule
		t.Run(f.name, func(t *testing.T) {
			if f.beside != 0 {
				defer tiered.Without(f.beside)()
			}
			violations, trace := inLab(t, f.nodes, policy, f.history)
			require.Empty(t, violations, "with the fence:\n%s", trace)

			defer f.take(t)()
			violations, trace = inLab(t, f.nodes, policy, f.history)
			if f.useful != "" {
				require.Empty(t, violations, "it is missed, not only useful")
				return
			}
			require.NotEmpty(t, violations, "nobody misses the fence:\n%s", trace)
			t.Log("without it: ", violations[0])
		})
	}
	require.Equal(t, tiered.RulesEnd-1, rules, "each rule has a history")
}
