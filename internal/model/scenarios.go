package model

var (
	both  = [nodes]bool{true, true}
	onlyA = [nodes]bool{true, false}
	onlyB = [nodes]bool{false, true}
)

// scenarios: each breaks if one of the rules is missing that it is for. The full ones are larger, for whoever changes the
// protocol.
var scenarios = []scenario{
	{name: "join", writes: []write{{invalidate, a}}, flights: 2, readers: onlyA, evict: true},
	{name: "core", writes: []write{{invalidate, a}, {invalidate, b}}, flights: 2, readers: onlyB},
	{name: "core-three", writes: []write{{invalidate, a}, {invalidate, b}}, flights: 3, readers: both, evict: true, left: budget{die: 1}, full: true},
	{name: "orphan", writes: []write{{invalidate, a}}, flights: 2, readers: onlyA, evict: true, left: budget{lost: 1}},
	{name: "orphans", writes: []write{{invalidate, a}, {invalidate, b}}, flights: 3, readers: both, evict: true, left: budget{lost: 2}, full: true},
	{name: "cut", writes: []write{{invalidate, a}}, flights: 1, readers: onlyB, evict: true, left: budget{cut: 1}},
	{name: "cuts", writes: []write{{invalidate, a}, {invalidate, b}}, flights: 2, readers: both, evict: true, left: budget{cut: 2}, full: true},
	{name: "fail", writes: []write{{invalidate, a}}, flights: 2, readers: onlyA, left: budget{fail: 1}},
	{name: "fail-twice", writes: []write{{invalidate, a}, {invalidate, a}}, flights: 1, readers: onlyB, left: budget{fail: 2}},
	{name: "fails", writes: []write{{invalidate, a}, {invalidate, a}}, flights: 2, readers: both, evict: true, left: budget{fail: 2, lost: 1}, full: true},
	{name: "away", writes: []write{{invalidate, a}}, flights: 1, readers: onlyA, left: budget{away: 1}},
	{name: "aways", writes: []write{{invalidate, a}, {invalidate, b}}, flights: 2, readers: both, left: budget{away: 1}, full: true},
	{name: "twice", writes: []write{{set, a}, {invalidate, b}}, flights: 1, readers: onlyA, left: budget{dup: 1}},
	{name: "prefix", writes: []write{{invalidatePrefix, a}}, flights: 2, readers: onlyA, evict: true},
	{name: "prefix-cut", writes: []write{{invalidatePrefix, a}}, flights: 1, readers: onlyB, left: budget{cut: 1}},
	{name: "prefix-fail", writes: []write{{invalidatePrefix, a}}, flights: 2, readers: onlyA, evict: true, left: budget{fail: 1}},
	{name: "prefix-away", writes: []write{{invalidatePrefix, a}}, flights: 1, readers: onlyA, left: budget{away: 1}},
	{name: "prefixes", writes: []write{{invalidatePrefix, a}, {invalidatePrefix, b}}, flights: 2, readers: both, left: budget{cut: 1, fail: 1}, full: true},
	{name: "prefix-key", writes: []write{{invalidatePrefix, a}, {invalidate, b}}, flights: 2, readers: both, left: budget{fail: 1}, full: true},
	{name: "set", writes: []write{{set, a}, {invalidate, b}}, flights: 1, readers: onlyB},
	{name: "set-expires", writes: []write{{set, a}, {set, b}}, flights: 1, readers: onlyA},
	{name: "set-same", writes: []write{{set, a}, {invalidate, a}}, flights: 1, readers: onlyA, left: budget{fail: 1}},
	{name: "set-prefix", writes: []write{{set, a}, {invalidatePrefix, a}}, flights: 1, readers: onlyA},
	{name: "set-prefix-other", writes: []write{{set, a}, {invalidatePrefix, b}}, flights: 1, readers: both},
	{name: "set-faults", writes: []write{{set, a}, {invalidate, a}}, flights: 2, readers: both, evict: true, left: budget{fail: 2, dup: 1}, full: true},
	{name: "set-away", writes: []write{{set, a}, {invalidate, b}}, flights: 2, readers: both, left: budget{away: 1, fail: 1}, full: true},
	{name: "mutate", writes: []write{{mutate, a}}, flights: 1, readers: both, left: budget{crash: 1}},
	{name: "mutate-unseen", writes: []write{{mutate, a}}, flights: 1, readers: onlyB, evict: true, left: budget{crash: 1, lost: 1}},
	{name: "mutate-invalidate", writes: []write{{mutate, a}, {invalidate, b}}, flights: 1, readers: onlyB, left: budget{crash: 1}},
	{name: "mutate-set", writes: []write{{mutate, a}, {set, b}}, flights: 1, readers: onlyB, left: budget{crash: 1}},
	{name: "mutate-mutate", writes: []write{{mutate, a}, {mutate, b}}, flights: 1, readers: onlyB, left: budget{crash: 1}},
	{name: "mutate-fail", writes: []write{{mutate, a}}, flights: 2, readers: both, evict: true, left: budget{fail: 1, cut: 1, crash: 1}, full: true},
	{name: "mutates", writes: []write{{mutate, a}, {mutate, b}}, flights: 2, readers: both, left: budget{crash: 1, fail: 1}, full: true},
	{name: "failover", writes: []write{{invalidate, a}}, flights: 1, readers: onlyA, left: budget{failover: 1}},
	{name: "failover-fill", writes: []write{{invalidate, a}}, flights: 1, readers: onlyB, evict: true, left: budget{failover: 1}},
	{name: "failover-set", writes: []write{{set, a}, {invalidate, b}}, flights: 0, left: budget{failover: 1}},
	{name: "failover-mutate", writes: []write{{mutate, a}}, flights: 1, readers: onlyB, left: budget{failover: 1, crash: 1}},
	{name: "failover-prefix", writes: []write{{invalidatePrefix, a}}, flights: 1, readers: onlyA, left: budget{failover: 1}},
	{name: "failover-sequence", writes: []write{{invalidatePrefix, a}}, flights: 1, readers: both, ahead: true, slow: true, left: budget{failover: 1}, full: true},
	{name: "failover-sequence-slow", writes: []write{{invalidatePrefix, a}}, flights: 1, readers: onlyA, ahead: true, slow: true, left: budget{failover: 1}},
	{name: "failovers", writes: []write{{invalidate, a}, {invalidatePrefix, b}}, flights: 2, readers: both, left: budget{failover: 1}, full: true},
	{name: "restart", writes: []write{{mutate, a}}, flights: 1, readers: onlyB, left: budget{restart: 1, crash: 1}},
	{name: "restart-prefix", writes: []write{{invalidatePrefix, a}}, flights: 2, readers: both, left: budget{restart: 1}, full: true},
	{name: "expire", writes: []write{{expire, a}, {invalidate, b}}, flights: 1, readers: onlyA, left: budget{ahead: 1}},
	{name: "expire-fails", writes: []write{{expire, a}, {invalidate, a}}, flights: 2, readers: both, left: budget{ahead: 1, loadFail: 1}, full: true},
	{name: "refresh", writes: []write{{invalidate, a}}, flights: 2, readers: onlyA, evict: true, left: budget{reload: 1}},
	{name: "refreshes", writes: []write{{invalidate, a}, {set, b}}, flights: 3, readers: both, evict: true, left: budget{reload: 1, ahead: 1}, full: true},
	{name: "two-writers", writes: []write{{set, a}, {mutate, b}}, flights: 1, readers: both, left: budget{cut: 1}, full: true},
	{name: "batch", writes: []write{{invalidate, a}}, flights: 2, readers: onlyA, evict: true, batch: true},
}
