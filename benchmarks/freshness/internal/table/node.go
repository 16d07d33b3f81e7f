//go:build unix

package table

import (
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
)

// Kind is a kind of disturbance.
type Kind uint8

// The kinds of disturbance of a node.
const (
	Link Kind = iota
	Away
	Paused
	Void
	Unseen
	kinds
)

// Words of the head, and of a node.
const (
	headStop  = iota
	headStall // two, of alternating seconds, with their seconds

	nodeWindows  = 0 // two for each kind
	nodeStall    = nodeWindows + 2*int(kinds)
	nodeCounters = nodeStall + 4
)

// Stop ends the work of all nodes.
func (t *Table) Stop() { t.head(headStop).Store(1) }

// Stopped tells whether Stop was called.
func (t *Table) Stopped() bool { return t.head(headStop).Load() != 0 }

// Disturb begins a disturbance of node n, and returns what ends it. Disturbances of a kind may overlap.
func (t *Table) Disturb(n int, kind Kind) (end func()) {
	active, ended := t.node(n, nodeWindows+2*int(kind)), t.node(n, nodeWindows+2*int(kind)+1)
	active.Add(1)
	return func() {
		Raise(ended, uint64(Now()))
		active.Add(^uint64(0))
	}
}

// DisturbAll begins a disturbance of all nodes.
func (t *Table) DisturbAll(kind Kind) (end func()) {
	ends := make([]func(), t.nodes)
	for n := range ends {
		ends[n] = t.Disturb(n, kind)
	}
	return func() {
		for _, end := range ends {
			end()
		}
	}
}

// Reader is what is known of node n now.
func (t *Table) Reader(n int) judge.Reader {
	window := func(kind Kind) judge.Window {
		active := t.node(n, nodeWindows+2*int(kind)).Load() != 0
		return judge.Window{Active: active, End: int64(t.node(n, nodeWindows+2*int(kind)+1).Load())}
	}
	return judge.Reader{
		Link: window(Link), Away: window(Away), Paused: window(Paused), Void: window(Void), Unseen: window(Unseen),
		Stall: max(stalled(t.node(n, nodeStall), t.node(n, nodeStall+1)), stalled(t.head(headStall), t.head(headStall+1))),
	}
}

// NodeStalled records that goroutines of node n ran late by d; CoordinatorStalled is about the proxies.
func (t *Table) NodeStalled(n int, d time.Duration) {
	stall(t.node(n, nodeStall), t.node(n, nodeStall+1), d)
}

// CoordinatorStalled records that goroutines of the coordinator ran late by d.
func (t *Table) CoordinatorStalled(d time.Duration) {
	stall(t.head(headStall), t.head(headStall+1), d)
}

// A stall is remembered for two to four seconds: one word for even periods and one for odd ones, each with the number of
// its period in the high bits.
const (
	stallPeriod = int64(2 * time.Second)
	stallBits   = 40
)

func stall(even, odd *atomic.Uint64, d time.Duration) {
	period := uint64(Now() / stallPeriod)
	Raise([]*atomic.Uint64{even, odd}[period&1], period<<stallBits|uint64(min(d, 1<<stallBits-1)))
}

func stalled(even, odd *atomic.Uint64) (worst int64) {
	period := uint64(Now() / stallPeriod)
	for _, w := range []*atomic.Uint64{even, odd} {
		v := w.Load()
		if at := v >> stallBits & (1<<(64-stallBits) - 1); at == period&(1<<(64-stallBits)-1) || at+1 == period&(1<<(64-stallBits)-1) {
			worst = max(worst, int64(v&(1<<stallBits-1)))
		}
	}
	return worst
}

// Counter is something that a node counts.
type Counter int

// What nodes count.
const (
	Gets Counter = iota
	GetManys
	Peeks
	Refreshes
	TokenReads
	Judged        // values that were compared with their floors
	Invalidations // of all sorts, Sets and Mutates included
	Deferred      // of these, not told to Redis at once
	Prefixes      // of these, of prefixes
	Mutates
	Sets
	Expires
	Excused   // reads that were too old, within a limit that the library documents
	Starved   // probes that Redis did not answer within the budget of a Store, faults included
	OwnErrors // of reads, explained by their own load or context
	Violations
	WorstBehind = Violations + 1                      // nanoseconds, one for each judge.State
	Slowest     = WorstBehind + Counter(judge.States) // read, nanoseconds
	Loads       = Slowest + 1
	Counters    = Loads + 1
)

// Count adds to a counter of node n.
func (t *Table) Count(n int, c Counter, by int) { t.node(n, nodeCounters+int(c)).Add(uint64(by)) }

// Worst raises a counter of node n.
func (t *Table) Worst(n int, c Counter, v time.Duration) {
	Raise(t.node(n, nodeCounters+int(c)), uint64(max(v, 0)))
}

// Counted is a counter of node n.
func (t *Table) Counted(n int, c Counter) uint64 { return t.node(n, nodeCounters+int(c)).Load() }

// Sum is a counter of all nodes.
func (t *Table) Sum(c Counter) (sum uint64) {
	for n := range t.nodes {
		sum += t.Counted(n, c)
	}
	return sum
}

// Max is the highest of a counter of all nodes.
func (t *Table) Max(c Counter) (highest uint64) {
	for n := range t.nodes {
		highest = max(highest, t.Counted(n, c))
	}
	return highest
}
