//go:build unix

package main

import (
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/plan"
	"github.com/freshet-go/freshet/benchmarks/freshness/internal/servers"
)

const (
	coldKeys    = 512 // keys that are read once, by everybody at the same time
	loadTimeout = 400 * time.Millisecond
	mutateFor   = 2 * time.Second // MutateTimeout
	coldCallers = 8               // of each node
)

// config is what a run is made of; a node gets it with its first message.
type config struct {
	plan.Settings
	Topology     servers.Kind
	Engine       string
	MaxStaleness time.Duration
	FallbackTTL  time.Duration
	Skew         time.Duration // how far the clocks of nodes that were started anew are off, now fast, now slow
	FailFast     bool          // ends with the first violation
	Profiles     string        // a folder, for the nodes' profiles in the end; empty: none are written
	Strict       bool          // documented limits are violations, too
	Forgetful    bool          // for tests: one invalidation in four is only pretended

	Table       string   // the file of the shared memory
	Addrs       []string // of Redis, as clients are given them
	Proxy       string   // through which the node dials
	Node        int
	Incarnation int
}

// auditor tells whether the node is the coordinator's own, which has no memory and only looks into Redis.
func (c config) auditor() bool { return c.Node == c.Nodes }

// skew is how far the node's clock is off. That of its first incarnation is right.
func (c config) skew() time.Duration {
	switch {
	case c.auditor() || c.Incarnation == 0:
		return 0
	case (c.Node+c.Incarnation)%2 == 0:
		return c.Skew
	}
	return -c.Skew
}

// bounds follow from what the library documents.
func (c config) bounds() judge.Bounds {
	const message = 250 * time.Millisecond
	return judge.Bounds{
		Up:       message,
		Link:     c.MaxStaleness + message,
		Away:     c.MaxStaleness + c.FallbackTTL + loadTimeout + message,
		Poll:     time.Second + message,
		Recovery: 3 * time.Second,
		Notice:   time.Second + message,
		Settle:   3 * time.Second,
	}
}

// command is what the coordinator asks of a node, one on a line.
type command struct {
	Do  string // "cold", "mutate", "finish" or "last"
	Key int
}

// report is what a node tells the coordinator, one on a line.
type report struct {
	Ready     bool       `json:",omitempty"`
	Committed uint64     `json:",omitempty"` // the version that a Mutate has written that is to be killed
	Held      bool       `json:",omitempty"` // and its hold was placed
	Began     int64      `json:",omitempty"`
	Violation *violation `json:",omitempty"`
	Finished  bool       `json:",omitempty"`
	Error     string     `json:",omitempty"`

	Before, After rest // the run, with the last answer
}

// violation is a broken promise.
type violation struct {
	Promise string
	What    string
	Node    int
	Key     int
	At      int64 // when the read began
	Got     uint64
	Least   uint64
	Then    string // what the node said right after
}
