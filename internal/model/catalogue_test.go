package model

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// catalogue names, for each rule, the tests of packages tiered and cache that go through a trace that its absence allows.
// A rule without a test says why.
var catalogue = map[string][]string{
	"stamp on read":                        {"tiered.TestModelStampOnRead"},
	"prefix on read":                       {"tiered.TestModelPrefixOnRead"},
	"bump when restored":                   {"tiered.TestModelRestoredAfterTheSubscription"},
	"first bump":                           {"tiered.TestModelStampOnRead"},
	"second bump":                          {"tiered.TestModelSecondBump", "cache.TestFenceReadWhileRedisIsBeingTold"},
	"join by Stamp":                        {"cache.TestModelJoinByStamp", "cache.TestModelJoinByStampAfterAMessage", "cache.TestModelJoinByStampAfterAnOutage", "cache.TestCorpus01DeleteDuringLoad"},
	"stamp before asking":                  {"cache.TestModelJoinByStamp", "cache.TestCorpus01DeleteDuringLateLoad"},
	"token per fill":                       {"tiered.TestModelTokenPerFill", "cache.TestCorpus02LeaseTokenPerProcess"},
	"token per execution":                  {"cache.TestFenceRepeatedLease", "tiered.TestScriptSet"},
	"fill compares the head":               {"tiered.TestModelFillComparesTheHead", "tiered.TestLateCommands"},
	"kind in the head":                     {"tiered.TestModelKindInTheHead"},
	"prefix sequence of the Stamp":         {"tiered.TestModelPrefixOfTheStamp"},
	"hold":                                 {"tiered.TestModelHeldIsNotKept", "cache.TestF4WriterCrash"},
	"hold publishes and bumps":             {"tiered.TestModelStampOnRead", "cache.TestModelMutateDuringALoad"},
	"hold outlives its write":              {"cache.TestModelHoldOutlivesItsWrite"},
	"held is not kept":                     {"tiered.TestModelHeldIsNotKept"},
	"own hold is not kept":                 {}, // only useful: rules_test.go
	"unseen is not kept":                   {"tiered.TestModelUnseenIsNotKept", "cache.TestFenceUnseenHold"},
	"holds stack":                          {"tiered.TestModelOthersSpareHolds"},
	"invalidate spares holds":              {"tiered.TestModelOthersSpareHolds", "cache.TestFenceHoldStands"},
	"set spares holds":                     {"tiered.TestModelOthersSpareHolds", "cache.TestFenceHoldStands"},
	"release removes what is no hold":      {"tiered.TestModelReleaseRemovesWhatIsNoHold"},
	"set publishes at its lease":           {"tiered.TestModelSetPublishesAtItsLease"},
	"set stamps before telling":            {"tiered.TestModelSetStampsBeforeItsFill", "cache.TestModelSetStampsBeforeItsFill", "tiered.TestSetBesideADeferredInvalidate", "tiered.TestSetBesideAnInvalidatePrefixInMemory"},
	"set outlives its own bump":            {"tiered.TestModelSetOutlivesItsOwnBump"}, // only useful, but tested
	"expire removes leases":                {"tiered.TestModelExpireRemovesLeases"},
	"share unsent reads only":              {"tiered.TestModelShareUnsent"},
	"taint":                                {"tiered.TestModelTaint", "tiered.TestATaintedKeyIsNotReadFromRedis"},
	"taint before the second bump":         {"tiered.TestModelSecondBumpAfterTheTaint"}, // nothing in the code can be stopped between the two: it shows the bump only
	"taint generation":                     {"tiered.TestModelTaintGeneration", "tiered.TestAReplayClearsOnlyTheFailureItWasSentFor"},
	"journal":                              {"tiered.TestModelTaint", "tiered.TestDeferredInvalidations"},
	"deferred prefix ends the epoch":       {"tiered.TestModelDeferredPrefixEndsTheEpoch", "tiered.TestSetBesideADeferredInvalidatePrefix"},
	"below a deferred prefix is not kept":  {}, // only useful
	"restored after the subscription":      {"tiered.TestModelRestoredAfterTheSubscription"},
	"poll before restored":                 {"tiered.TestModelPollBeforeRestored"},
	"gate":                                 {"tiered.TestModelGate", "tiered.TestNothingIsReadFromAServerThatDoesNotSayWhoItIs"},
	"outlived answers":                     {"tiered.TestModelOutlivedAnswer"},
	"epoch of a fill":                      {"tiered.TestModelEpochOfAFill"},
	"recent":                               {"tiered.TestModelRememberBeforeTelling", "tiered.TestAFailoverThatLostAnInvalidation"},
	"remember before telling":              {"tiered.TestModelRememberBeforeTelling"}, // of a prefix it is green without, for the same reason as "sequence raised"
	"holds put back":                       {"tiered.TestModelHoldsPutBack", "tiered.TestAFailoverPutsHoldsBack"},
	"sequence raised":                      {"tiered.TestModelSequenceRaised", "tiered.TestAFailoverRaisesTheSequence"}, // green without: a poll that finds the table shorter than known invalidates everything
	"teach":                                {"tiered.TestModelTeach"},                                                   // only useful, but tested
	"table before newest":                  {"tiered.TestFenceConcurrently"},
	"restamp with the newest of before":    {}, // Settle has no place where a test could stop it
	"no gaps":                              {"tiered.TestPrefixMessageAfterALostOne"},
	"Stamp before the load":                {"tiered.TestModelPrefixOfTheStamp"},
	"variant: refused fills are not kept":  {}, // not a rule of the code
	"a lease whose answer was lost":        {"tiered.TestModelOrphanIsRemoved", "tiered.TestLostGrant"},
	"a lease that was not answered at all": {"tiered.TestModelUnansweredLeaseIsKept"},
}

func TestCatalogue(t *testing.T) {
	tests := map[string]bool{}
	for _, pkg := range []string{"tiered", "cache"} {
		files, err := filepath.Glob("../../" + pkg + "/*_test.go")
		if err != nil || len(files) == 0 {
			t.Fatal(pkg, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(b, -1) {
				tests[pkg+"."+string(m[1])] = true
			}
		}
	}
	for what, names := range catalogue {
		for _, name := range names {
			if !tests[name] {
				t.Errorf("%s: there is no %s", what, name)
			}
		}
	}
	for _, names := range [][]string{ruleNames[:], tableRuleNames[:]} {
		for _, name := range names {
			if _, ok := catalogue[name]; !ok {
				t.Errorf("the catalogue lacks %q", name)
			}
		}
	}
}
