package model

const (
	nodes, maxFlights, maxWriters, queueLen = 2, 3, 2, 4
)

// a and b are the nodes.
const a, b uint8 = 0, 1

// Kinds of record.
const (
	nothing uint8 = iota
	lease
	value
	expired
	hold
)

// head is what a script compares.
type head struct{ kind, token uint8 }

type record struct {
	head
	second uint8 // the other token of a hold
	ver    uint8 // of a value: the version of the origin that its load saw
	prefix uint8 // and the prefix sequence of its Stamp
}

type redis struct {
	key  record
	top  uint8 // newest prefix sequence; all prefixes are ancestors of the one key
	told uint8 // ghost: the newest version whose invalidation this data set has executed
}

// stamp is a Stamp: whether its stripe and its epoch are still those of the node, and its prefix sequence.
type stamp struct {
	stripe, epoch bool
	prefix        uint8
}

type entry struct {
	has, stripe, epoch bool
	ver, prefix        uint8
}

const (
	msgInvalidate uint8 = iota + 1
	msgExpire
	msgPrefix
)

type message struct{ kind, ver, seq uint8 } // ver is a ghost

// The link, as it is: up, silently cut, or subscribed again but not yet believed.
const (
	linkUp uint8 = iota
	linkCut
	linkSubscribed
)

type node struct {
	dead  bool
	mem   entry
	link  uint8
	blind bool // the link is known to be down
	gated bool
	queue [queueLen]message
	sent  uint8

	newest, met uint8 // prefix sequences: of the table, and met on values
	registered  uint8 // flight + 1

	tainted, prefixTainted bool
	gen                    uint8 // of the taint
	replaying, replayGen   uint8
	recent, recentPrefix   bool
	foreign                bool  // Redis has another data set than the one that this node has told everything
	orphan                 uint8 // a token

	floor uint8 // ghost, F1: what a read that starts now must not fall below
	heard uint8 // ghost, F3: the same, for what the link has told
	soft  uint8 // ghost, Expire: the same, but for stale-if-error
}

// What a flight does next.
const (
	idle uint8 = iota
	asks
	leases
	loads
	lands
	fills
)

// Outcomes of a Fetch.
const (
	undecided uint8 = iota
	foundIt
	granted
	alone
	held
	unseen
)

// What a flight is for.
const (
	fetches uint8 = iota
	reload
	ahead
)

type flight struct {
	pc, node uint8
	purpose  uint8
	outcome  uint8
	joinable bool // the Stamp that it was led under is valid
	stamp    stamp
	seen     bool
	head     head
	token    uint8
	ver, pre uint8
	spare    uint8 // version + 1 of what stale-if-error may serve
	old      bool  // ghost: an invalidation was executed since the load began

	floor, heard, soft, held uint8 // ghosts: the most that any of its callers was promised
}

const gone uint8 = 100 // pc of a writer that has returned; one more: of one that crashed

type writer struct {
	pc, token, ver uint8
	stamp          stamp
	failed, old    bool
	refused        bool
}

// Commands that a client or the network may deliver twice, the second time late.
const (
	lateLease uint8 = iota + 1
	lateFill
	lateInvalidate
	lateSet
	lateHold
)

type late struct {
	kind, node, ver, prefix uint8
	head                    head
	token                   uint8
	old                     bool
}

// budget is how often each fault may still happen.
type budget struct {
	fail, lost, dup, cut, away, failover, restart, crash, loadFail, ahead, reload, die uint8
}

type state struct {
	origin      uint8
	r, replica  redis
	away        bool
	n           [nodes]node
	f           [maxFlights]flight
	w           [maxWriters]writer
	late        late
	invalidated uint8 // ghost, F3 at rest
	left        budget
}

const (
	invalidate uint8 = iota
	invalidatePrefix
	set
	mutate
	expire
)

type write struct{ kind, node uint8 }

// scenario bounds what happens. Callers read for ever, on all nodes.
type scenario struct {
	name    string
	writes  []write
	flights int
	left    budget
	readers [nodes]bool // nodes where flights begin
	evict   bool        // values may vanish from Redis and from memory
	batch   bool        // reads of Redis may be shared
	ahead   bool        // b knows a sequence that a has not heard of, the replica lacks, and nobody will replay
	slow    bool        // no fill reaches a new master before the filling node has noticed it (doc.go)
	full    bool        // only with -model.full
}

// protocol is the system of a scenario under some rules.
type protocol struct {
	scenario
	rules
}

func (m *protocol) start() state {
	s := state{left: m.left}
	s.r.key = record{head: head{value, 1}}
	for n := range s.n {
		s.n[n].mem = entry{has: true, stripe: true, epoch: true}
	}
	if m.left.failover > 0 {
		s.replica = s.r
	}
	if m.ahead {
		s.replica = redis{}
		s.r.top, s.n[b].newest = 1, 1
		s.r.key = record{}
		s.n[a].mem, s.n[b].mem = entry{}, entry{}
		s.n[a].queue[0], s.n[a].sent = message{kind: msgPrefix, seq: 1}, 1
	}
	return s
}
