//go:build unix

package table

import "github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"

// Words of a key.
const (
	keyVersion = iota
	keyLock
	keyLoads
	keyTold  // how many were told
	keyAcked // the newest of them
	keySlots
)

// Version is the version of k in the origin now. A load reads it when it begins.
func (t *Table) Version(k int) uint64 { return t.key(k, keyVersion).Load() }

// Write commits a new version of k, and returns it.
func (t *Table) Write(k int) uint64 { return t.key(k, keyVersion).Add(1) }

// Began counts a load of k that began.
func (t *Table) Began(k int) { t.key(k, keyLoads).Add(1) }

// Loads is how many loads of k began.
func (t *Table) Loads(k int) uint64 { return t.key(k, keyLoads).Load() }

// Lock takes k for the writes of node n alone, if nobody has it.
func (t *Table) Lock(k, n int) bool { return t.key(k, keyLock).CompareAndSwap(0, uint64(n)+1) }

// Unlock gives k back.
func (t *Table) Unlock(k, n int) { t.key(k, keyLock).CompareAndSwap(uint64(n)+1, 0) }

// Tell records that Redis acknowledged an invalidation of k.
func (t *Table) Tell(k int, told judge.Told) {
	Raise(t.key(k, keyAcked), told.Version)
	at := keySlots + 2*int((t.key(k, keyTold).Add(1)-1)%toldSlots)
	what := told.Version << 1
	if told.Prefix {
		what |= 1
	}
	t.key(k, at).Store(0) // a slot without a time is not read
	t.key(k, at+1).Store(what)
	t.key(k, at).Store(uint64(told.At))
}

// Final is what nobody may be below once all is well again: what Redis was told, and what the nodes that live still owe it.
func (t *Table) Final(k int) uint64 {
	least := t.key(k, keyAcked).Load()
	for n := range t.nodes {
		least = max(least, t.Floor(n, k))
	}
	return least
}

// Told appends what Redis was told of k, of late, in no order.
func (t *Table) Told(k int, told []judge.Told) []judge.Told {
	n := min(int(t.key(k, keyTold).Load()), toldSlots)
	for i := range n {
		at := keySlots + 2*i
		when := t.key(k, at).Load()
		what := t.key(k, at+1).Load()
		if when != 0 && when == t.key(k, at).Load() {
			told = append(told, judge.Told{At: int64(when), Version: what >> 1, Prefix: what&1 != 0})
		}
	}
	return told
}
