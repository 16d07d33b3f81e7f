package plan

import (
	"math/rand/v2"
	"time"
)

// Workers of each node. The first are readers.
const (
	Readers = 6
	Writers = 2
)

// Kind is a kind of operation.
type Kind uint8

// The operations.
const (
	Get Kind = iota
	GetMany
	Peek
	Refresh
	TokenRead
	Invalidate
	InvalidateMany
	InvalidateGroup // a prefix
	InvalidateCache // a whole cache
	Set
	Mutate
	MutateFails // before its commit
	MutateBreaks
	MutatePanics
	Expire
)

// Op is one operation.
type Op struct {
	Kind   Kind
	Key    int
	Pause  time.Duration // before it
	Within time.Duration // the caller's patience; 0: endless
	Draw   uint64
}

// Ops are the operations of one worker.
type Ops struct {
	r      *rand.Rand
	keys   int
	writer bool
	count  int
}

// Ops begins the operations of a worker of a node in its incarnation: how often it was started before.
func (s Settings) Ops(node, incarnation, worker int) *Ops {
	r := rand.New(rand.NewPCG(s.Seed, 3<<32|uint64(node)<<24|uint64(incarnation)<<8|uint64(worker)))
	return &Ops{r: r, keys: s.Keys, writer: worker >= Readers}
}

// burst is how many reads follow each other without a pause.
const burst = 40

// Next is the next operation.
func (o *Ops) Next() Op {
	op := Op{Key: o.key(), Draw: o.r.Uint64()}
	dice := o.r.IntN(100)
	if o.writer {
		op.Pause = time.Duration(o.r.IntN(80)) * time.Millisecond
		switch {
		case dice < 40:
			op.Kind = Invalidate
		case dice < 48:
			op.Kind = InvalidateMany
		case dice < 52:
			op.Kind = InvalidateGroup
		case dice < 53:
			op.Kind = InvalidateCache
		case dice < 68:
			op.Kind = Set
		case dice < 86:
			op.Kind = Mutate
		case dice < 88:
			op.Kind = MutateFails
		case dice < 90:
			op.Kind = MutateBreaks
		case dice < 92:
			op.Kind = MutatePanics
		default:
			op.Kind = Expire
		}
		return op
	}
	if o.count++; o.count%burst == 0 {
		op.Pause = time.Duration(o.r.IntN(20)) * time.Millisecond
	}
	switch {
	case dice < 84:
		op.Kind = Get
	case dice < 88:
		op.Kind = GetMany
	case dice < 95:
		op.Kind = Peek
	case dice < 96:
		op.Kind = Refresh
	default:
		op.Kind = TokenRead
	}
	if o.r.IntN(20) == 0 {
		op.Within = time.Duration(o.r.IntN(60)) * time.Millisecond
	}
	return op
}

// key favors some keys: half of the operations go to an eighth of them.
func (o *Ops) key() int {
	if o.r.IntN(2) == 0 {
		return o.r.IntN(max(o.keys/8, 1))
	}
	return o.r.IntN(o.keys)
}

// Load is how one load behaves.
type Load struct {
	Takes  time.Duration
	Fails  bool
	Hangs  bool // until its context ends
	Deaf   bool // hangs, and does not hear its context end
	Panics bool
}

// Load is the behavior of the nth load of a key on a node.
func (s Settings) Load(node, key, nth int) (l Load) {
	r := rand.New(rand.NewPCG(s.Seed, 4<<60|uint64(node)<<52|uint64(key)<<32|uint64(nth)))
	l.Takes = time.Duration(r.IntN(12)) * time.Millisecond
	switch dice := r.IntN(200); {
	case dice < 10:
		l.Takes = time.Duration(r.IntN(150)) * time.Millisecond
	case dice < 18:
		l.Fails = true
	case dice < 19:
		l.Hangs = true
	case dice < 20:
		l.Hangs, l.Deaf = true, true
	case dice < 22:
		l.Panics = true
	case dice < 60:
		l.Takes = 0
	}
	return l
}
