package tiered

// A rule is a fence that tests can take away, to see that somebody misses it. In a program all rules are in force.
//
// A rule that is off may make the race wider that it keeps out; one that is in force does nothing.
type rule uint64

const (
	ruleStamps             rule = 1 << iota // an invalidation ends the stamps of its key
	ruleEpoch                               // memory can be emptied at once
	ruleFirstBump                           // of the two around an invalidation
	ruleSecondBump                          // the other
	ruleJoinByStamp                         // a caller joins a flight only if its Stamp is still valid
	ruleEarlyPrefixStamp                    // the prefix stamp of a value is taken before its load
	rulePrefixStamps                        // a value older than the invalidation of an ancestor is dead
	ruleHold                                // a Mutate marks its key first
	ruleHeldNotKept                         // what was loaded under a hold is not kept in memory
	ruleUnseenNotKept                       // nor what was loaded without Redis's answer, but in an outage
	ruleTaint                               // a key of which Redis was not told is not read from Redis
	ruleTaintFirst                          // it is tainted before the second bump
	ruleTaintGenerations                    // a replay clears only the taint that it was sent for
	ruleJournal                             // what Redis was not told is told later
	ruleRememberFirst                       // recent learns of an invalidation before Redis does
	ruleRecent                              // what is recent is told to a new master
	ruleGate                                // which is not read before
	ruleHoldsPutBack                        // live holds are put back there
	ruleSequenceRaised                      // its top sequence is raised
	ruleEpochBeforeFill                     // a fill goes out only in its epoch: no lease outlives a failover
	ruleBumpAfterSubscribe                  // memory is emptied after the subscription stands
	ruleTableBeforeTrust                    // and the prefix table was fetched, before it is believed again
	ruleSilence                             // a link that says nothing is not believed for long
	ruleBeats                               // a count that is missing after a beat empties memory

	rulesEnd
)

// without are the rules that are off. It changes only while no Store is open.
var without rule

func (r rule) off() bool { return without&r != 0 }

// bumpBy ends the stamps of keys, if r is in force.
func (f *fence) bumpBy(r rule, keys ...string) {
	if !r.off() {
		f.bump(keys...)
	}
}

// prefixStamp is what a value that was loaded under st carries.
func (s *Store) prefixStamp(st Stamp) uint64 {
	if ruleEarlyPrefixStamp.off() {
		return s.fence.newest.Load()
	}
	return st.prefix
}
