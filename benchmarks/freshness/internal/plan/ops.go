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

// share is a kind of operation, and how many of a hundred are of this kind.
type share struct {
	kind    Kind
	percent int
}

var (
	writing = []share{
		{Invalidate, 40}, {InvalidateMany, 8}, {InvalidateGroup, 4}, {InvalidateCache, 1}, {Set, 15},
		{Mutate, 18}, {MutateFails, 2}, {MutateBreaks, 2}, {MutatePanics, 2}, {Expire, 8},
	}
	reading = []share{{Get, 84}, {GetMany, 4}, {Peek, 7}, {Refresh, 1}, {TokenRead, 4}}
)

// pick takes one of shares by a number below 100.
func pick(shares []share, dice int) Kind {
	for _, s := range shares {
		if dice -= s.percent; dice < 0 {
			return s.kind
		}
	}
	panic("plan: the shares are less than a hundred percent")
}

// Next is the next operation.
func (o *Ops) Next() Op {
	op := Op{Key: o.key(), Draw: o.r.Uint64()}
	dice := o.r.IntN(100)
	if o.writer {
		op.Pause = time.Duration(o.r.IntN(80)) * time.Millisecond
		op.Kind = pick(writing, dice)
		return op
	}
	if o.count++; o.count%burst == 0 {
		op.Pause = time.Duration(o.r.IntN(20)) * time.Millisecond
	}
	op.Kind = pick(reading, dice)
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
