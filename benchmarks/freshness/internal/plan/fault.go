package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is a kind of fault.
type Fault string

// The faults of Redis, one at a time.
const (
	RedisPause   Fault = "redis-pause"     // SIGSTOP, SIGCONT
	RedisKill    Fault = "redis-kill"      // SIGKILL, then started again, empty
	Snapshot     Fault = "snapshot"        // SIGKILL, then started again with an older snapshot
	Failover     Fault = "failover"        // a replica takes over that lacks the last writes
	Unseen       Fault = "failover-unseen" // the same, while the link stays connected to the old master
	Evict        Fault = "evict"           // maxmemory, with and without eviction
	FlushAll     Fault = "flushall"        // by somebody's hand
	ScriptFlush  Fault = "script-flush"    // by somebody's hand
	MutateKilled Fault = "mutate-killed"   // SIGKILL of a node between the commit of a Mutate and its invalidation
)

// The faults of a node and its connections, one at a time, beside those of Redis.
const (
	NodeKill      Fault = "node-kill"
	NodePause     Fault = "node-pause" // SIGSTOP, SIGCONT
	LinkCut       Fault = "link-cut"
	LinkSilent    Fault = "link-silent"
	LinkDrop      Fault = "link-drop"
	LinkDelay     Fault = "link-delay"
	LinkDuplicate Fault = "link-duplicate"
	DataCut       Fault = "data-cut"
	DataSilent    Fault = "data-silent"
	AllCut        Fault = "all-cut"
)

// RedisFaults and NodeFaults are the two lanes that run beside each other.
var (
	RedisFaults = []Fault{RedisPause, RedisKill, Snapshot, Failover, Unseen, Evict, FlushAll, ScriptFlush, MutateKilled}
	NodeFaults  = []Fault{NodeKill, NodePause, LinkCut, LinkSilent, LinkDrop, LinkDelay, LinkDuplicate, DataCut, DataSilent, AllCut}
)

// Faults parses a list of faults: all, none, or names with commas; a name with a minus before it is left out.
func Faults(list string) ([]Fault, error) {
	every := slices.Concat(RedisFaults, NodeFaults)
	var chosen []Fault
	for i, name := range strings.Split(list, ",") {
		name = strings.TrimSpace(name)
		without, minus := strings.CutPrefix(name, "-")
		switch {
		case name == "all":
			chosen = slices.Clone(every)
		case name == "none" || name == "":
		case minus && slices.Contains(every, Fault(without)):
			if i == 0 {
				chosen = slices.Clone(every)
			}
			chosen = slices.DeleteFunc(chosen, func(f Fault) bool { return f == Fault(without) })
		case slices.Contains(every, Fault(name)):
			chosen = append(chosen, Fault(name))
		default:
			return nil, fmt.Errorf("plan: no fault is called %q; there are all, none, %v", name, every)
		}
	}
	return chosen, nil
}

// Event is a fault with its time.
type Event struct {
	At    time.Duration // after the beginning
	For   time.Duration
	Fault Fault
	Node  int    // whose, if it is a node's
	Draw  uint64 // for what else is left to chance
}

// loses tells whether Redis forgets acknowledged writes: their author must live to tell them again.
func (f Fault) loses() bool { return f == Failover || f == Unseen || f == Snapshot }

// silences tells whether a node cannot tell Redis anything while the fault lasts.
func (f Fault) silences() bool {
	return f == NodeKill || f == NodePause || f == DataCut || f == DataSilent || f == AllCut
}
