// Package scenario is what contenders are compared at: one file per scenario, S1 to S10, each with its targets.
//
// A scenario is a list of bouts. In a bout, entrants do the same thing in turns: A, B, C, A, B, C, and so on, so that a
// slow minute of the machine is everybody's. A target compares two entrants round by round, and what counts is the
// median of the rounds; rounds of different bouts are never compared.
//
// Every operation checks its answer, and loads are counted: a round of hits of which one in a hundred was none is tried
// again, and ends the bout if that goes on.
//
// The same bouts run as Go benchmarks, with names of which benchstat makes tables:
//
//	go test -run '^$' -bench MemoryHit ./scenario
package scenario
