package tiered

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/freshet-go/freshet/internal/key"
)

// prefixes is the table of prefix invalidations that this node knows: for each prefix the sequence of its last one.
// A value is dead if an ancestor of its key has a later sequence than the newest that was known before it was loaded.
//
// newest never passes a sequence that the table lacks, and the table changes before newest does: whoever reads newest
// and then finds nothing in the table may rely on it.
type prefixes struct {
	newest atomic.Uint64
	met    atomic.Uint64 // highest sequence met on a value; above newest where a message is still under way

	seed   maphash.Seed
	latest [prefixSlots]atomic.Uint64 // the highest sequence of the prefixes that share a slot; never lowered

	mu   sync.RWMutex
	seqs map[string]uint64
}

// prefixSlots is so many as a core's second cache holds easily. A collision costs a look into the table.
const prefixSlots = 1 << 13

// prefixSeq is one row of the table.
type prefixSeq struct {
	prefix string
	seq    uint64
}

func (p *prefixes) init() { p.seed, p.seqs = maphash.MakeSeed(), make(map[string]uint64) }

func (p *prefixes) slot(prefix string) *atomic.Uint64 {
	return &p.latest[maphash.String(p.seed, prefix)%prefixSlots]
}

// learn enters invalidations that leave no gap: rows hold every one after newest, up to and including top.
func (p *prefixes) learn(rows []prefixSeq, top uint64) {
	p.mu.Lock()
	for _, r := range rows {
		if r.seq <= p.seqs[r.prefix] {
			continue
		}
		if r.prefix == "" { // covers all that came before
			maps.DeleteFunc(p.seqs, func(_ string, seq uint64) bool { return seq < r.seq })
		}
		p.seqs[r.prefix] = r.seq
		raise(p.slot(r.prefix), r.seq)
	}
	p.mu.Unlock()
	raise(&p.newest, top)
}

// after tells whether an ancestor of k, or k itself, was invalidated after seq.
func (p *prefixes) after(k string, seq uint64) bool {
	for n := range key.Ancestors(k) {
		if p.slot(k[:n]).Load() > seq {
			return p.listedAfter(k, seq)
		}
	}
	return false
}

// listedAfter is after by the table. It looks at all ancestors under one lock: the root's row takes the place of others.
func (p *prefixes) listedAfter(k string, seq uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for n := range key.Ancestors(k) {
		if p.seqs[k[:n]] > seq && !rulePrefixStamps.off() {
			return true
		}
	}
	return false
}

// teach remembers a sequence met on a value, so that the next invalidation from here comes after it.
func (p *prefixes) teach(seq uint64) { raise(&p.met, seq) }

// known is the highest sequence that this node has seen anywhere.
func (p *prefixes) known() uint64 { return max(p.newest.Load(), p.met.Load()) }

// forget drops rows that no living value can be older than.
func (p *prefixes) forget(before uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for prefix, seq := range p.seqs {
		if seq < before {
			delete(p.seqs, prefix)
		}
	}
}

func (p *prefixes) len() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.seqs)
}

// raise moves a up to v.
func raise(a *atomic.Uint64, v uint64) {
	for {
		old := a.Load()
		if v <= old || a.CompareAndSwap(old, v) {
			return
		}
	}
}
