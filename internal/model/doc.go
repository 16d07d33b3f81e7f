// Package model is the protocol of packages tiered and cache, small enough to be searched to the end: one Redis key, an
// origin with versions, two nodes that read for ever, a few writers and a few faults, in every order. It has no code but
// for its tests.
//
//	go test ./internal/model                        # small scenarios, and each rule removed in turn
//	go test ./internal/model -model.full -timeout 1h # large ones, too
//	go test ./internal/model -v -run 'WithoutARule/taint' # why that rule is there, as a trace
//
// # How to read it
//
// rules.go names what the code does for the promises' sake, with the words of the code. redis.go is tiered/scripts.go,
// fence.go is tiered/fence.go and trust.go, read.go is cache/fly.go with tiered/fetch.go, write.go is tiered/writing.go and
// hold.go, faults.go is link.go, recovery.go and what goes wrong. scenarios.go says what is searched; check.go what must
// hold; rules_test.go what breaks without each rule, and which rules are only useful. table.go is the prefix table in
// steps finer than those; link.go is counts, heartbeats, farewells and tokens. Extend it before you change the protocol.
//
// # How to read a trace
//
// Searches go nearest first, so a trace is the shortest of its kind. A line is one step, of node A or B if it says so, and
// what then is:
//
//	A: Invalidate: Redis is told     origin v1, Redis - | A floor v1 | B mem v0 queue 1
//
// The origin has version 1, Redis nothing (V is a value, with its token t, version v and prefix sequence p; L a lease, X
// an expired value, H a hold); A promises version 1 to whoever asks now (heard: what the link has told), B's memory has
// version 0, and one message is under way to it. The last line breaks the promise. Callers are not in the state: one that
// asks now leads a flight, or joins one, which remembers the most that any of its callers was promised; what memory would
// answer is judged in every state. Stamps are bits that a bump clears: counters do not wrap.
//
// Beyond DESIGN, as in the code: a flight is joined only under a valid Stamp, nothing is detached; memory and the callers
// have a result before the fill; a refused fill stays in memory under its Stamp; a Set takes its Stamp before it tells
// Redis, and bears its own second bump; a lease that was asked for without an answer is an orphan, which its node takes
// over; what was loaded after GET was answered, and only the lease was not, may be kept. The claim of a refresh changes
// nothing that a script compares, so it is no step. The promise that a value is never stored after an invalidation (F2)
// is kept for prefixes by the sequence in the record: such a value may be stored, dead.
//
// # What is not modelled
//
// Time: every timer may fire at any moment, and budgets, the breaker and the TTLs are not there. Memory engines, which are
// trusted for nothing. Many keys, several servers, overflows of the journal. How many loads there are (F5). The eviction of
// the prefix table. In link.go, heartbeats have room for all void counts: a receiver that missed some only empties its
// memory once too often. A failover after a node died is not searched: what the node said last may be lost, a stated limit.
//
// A failover breaks the connections. The model assumes that a node notices that on its link before it uses what the new
// master answers to a GET; a fill may reach the new master before, and until its author has told the new master of an
// invalidation that the failover lost, the value may be there. TestLimitOfAnUnnoticedFailover shows what else it takes for
// more than that.
package model
