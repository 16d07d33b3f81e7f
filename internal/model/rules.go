package model

// rule is one thing that the code does for the promises' sake.
type rule int

const (
	stampOnRead      rule = iota // memory is read under a valid stripe and epoch
	prefixOnRead                 // a value is dead if a later prefix invalidation is known
	restoreBump                  // memory is emptied when the link is back
	firstBump                    // an invalidation bumps before it is told
	secondBump                   // an invalidation bumps after it was told
	joinByStamp                  // a flight is joined only under a valid Stamp
	stampFirst                   // the Stamp is taken before Redis is asked, and again before each further try
	tokenPerFill                 // no two leases have the same token
	tokenPerRun                  // a lease command that runs twice makes a lease that nobody owns
	compareHead                  // a fill replaces only the head it was given
	compareKind                  // the head begins with the kind
	prefixBefore                 // a value has the prefix sequence of its Stamp
	holdFirst                    // Mutate places a hold
	holdTells                    // placing a hold publishes and bumps
	holdOutlives                 // a hold does not expire while its Mutate lives
	heldNotKept                  // what was loaded under a hold is not kept
	ownHoldNotKept               // nor what was loaded under one of this node, seen or not
	unseenNotKept                // what was loaded without an answer is not kept while the link is up
	holdsStack                   // two Mutates share a hold
	invalidateSpares             // INVALIDATE spares holds
	setSpares                    // SET spares holds
	releaseAny                   // RELEASE removes what is no hold
	setTells                     // SET publishes when it takes the lease
	setStampFirst                // a Set's Stamp is taken before Redis is told
	setOwnBump                   // and outlives the Set's own second bump
	expireLease                  // EXPIRE removes a lease
	shareUnsent                  // a read of Redis is shared only while it has not been sent
	taint                        // a key that Redis was not told of is not read from it
	taintFirst                   // it is tainted before the second bump
	taintGeneration              // a replay clears only the failure that it was sent for
	journalReplay                // what Redis was not told is told later
	prefixEpoch                  // a prefix that Redis was not told of ends the epoch
	prefixNotKept                // what is below it is not kept even while the link is down
	restoreLast                  // memory is emptied after the subscription stands
	pollFirst                    // and after the prefix table was fetched
	gate                         // nothing is read or filled between a lost link and the replay
	outlived                     // an answer of before the gate closed is not used after it
	epochOnFill                  // a fill goes out only in the epoch of its Stamp
	recentReplay                 // a new data set is told what was invalidated lately
	rememberFirst                // recent learns of an invalidation before Redis does
	putBack                      // a new data set is told of the live holds
	raiseTop                     // its top sequence is raised to the highest this node knows
	teach                        // a sequence met on a value counts as known

	// Variants that the code does not have. DESIGN allows them, or once asked for them.
	refusedNotKept // a refused fill is kept out of memory, as callers would have to wait for it
	numRules
)

var ruleNames = [numRules]string{
	"stamp on read", "prefix on read", "bump when restored", "first bump", "second bump", "join by Stamp",
	"stamp before asking", "token per fill", "token per execution", "fill compares the head", "kind in the head",
	"prefix sequence of the Stamp", "hold", "hold publishes and bumps", "hold outlives its write", "held is not kept",
	"own hold is not kept", "unseen is not kept", "holds stack", "invalidate spares holds", "set spares holds",
	"release removes what is no hold", "set publishes at its lease", "set stamps before telling",
	"set outlives its own bump", "expire removes leases", "share unsent reads only", "taint", "taint before the second bump",
	"taint generation", "journal", "deferred prefix ends the epoch", "below a deferred prefix is not kept",
	"restored after the subscription", "poll before restored", "gate", "outlived answers", "epoch of a fill", "recent",
	"remember before telling", "holds put back", "sequence raised", "teach", "variant: refused fills are not kept",
}

type rules uint64

// asBuilt is what the code does.
const asBuilt rules = 1<<refusedNotKept - 1

func (r rules) has(x rule) bool      { return r&(1<<x) != 0 }
func (r rules) without(x rule) rules { return r &^ (1 << x) }
func (r rules) with(x rule) rules    { return r | 1<<x }
