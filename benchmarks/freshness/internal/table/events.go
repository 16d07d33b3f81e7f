//go:build unix

package table

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// What happened to a key on a node.
type What uint8

// The events.
const (
	Started What = iota
	LoadBegan
	LoadEnded
	LoadFailed
	Wrote
	InvalidateBegan
	InvalidateEnded
	InvalidateDeferred
	PrefixBegan
	PrefixEnded
	PrefixDeferred
	SetBegan
	SetEnded
	SetDeferred
	MutateBegan
	MutateEnded
	MutateDeferred
	ExpireBegan
	ExpireEnded
	Read // recorded where it differs from the read before
	Violated
	Held
)

func (w What) String() string {
	return [...]string{
		"started", "load began", "load ended", "load failed", "wrote", "invalidate began", "invalidate ended",
		"invalidate deferred", "prefix began", "prefix ended", "prefix deferred", "set began", "set ended", "set deferred",
		"mutate began", "mutate ended", "mutate deferred", "expire began", "expire ended", "read", "VIOLATION", "hold placed",
	}[w]
}

// Event is one thing that happened to a key on a node.
type Event struct {
	At      int64
	Node    int
	What    What
	Version uint64
	By      uint64 // tells calls that overlap apart
}

func (e Event) String() string {
	return fmt.Sprintf("node %d  %-20s version %d  #%d", e.Node, e.What, e.Version, e.By)
}

// Words of a cell, which is a key on a node.
const (
	cellEvents = iota // how many there were
	cellRead          // version last read, plus one
	cellTrouble
	cellFloor
	cellSlots = 8
)

// Note records an event of k on n.
func (t *Table) Note(n, k int, what What, version, by uint64) {
	slot := int((t.cell(n, k, cellEvents).Add(1) - 1) % eventSlots)
	at := cellSlots + eventWords*slot
	t.cell(n, k, at).Store(uint64(Now()))
	t.cell(n, k, at+1).Store(uint64(what))
	t.cell(n, k, at+2).Store(version)
	t.cell(n, k, at+3).Store(by)
}

// NoteRead records a read of k on n, if it returned another version than the one before.
func (t *Table) NoteRead(n, k int, version uint64) {
	if w := t.cell(n, k, cellRead); w.Load() != version+1 {
		w.Store(version + 1)
		t.Note(n, k, Read, version, 0)
	}
}

// Cover says that reads of k that start on n from now on must return at least version: an invalidation returned there.
func (t *Table) Cover(n, k int, version uint64) { Raise(t.cell(n, k, cellFloor), version) }

// Floor is what reads of k on n must return at least, by what n itself has invalidated.
func (t *Table) Floor(n, k int) uint64 { return t.cell(n, k, cellFloor).Load() }

// Reborn forgets what a node promised to itself that was killed, and gives back what it held.
func (t *Table) Reborn(n int) {
	for k := range t.keys {
		t.cell(n, k, cellFloor).Store(0)
		t.cell(n, k, cellTrouble).Store(0)
		t.Unlock(k, n)
	}
}

// Trouble says that until an instant, errors of reads of k on n are explained by a load.
func (t *Table) Trouble(n, k int, until int64) { Raise(t.cell(n, k, cellTrouble), uint64(until)) }

// Troubled tells whether a read of k on n that began at since may have failed with a load.
func (t *Table) Troubled(n, k int, since int64) bool {
	return int64(t.cell(n, k, cellTrouble).Load()) >= since
}

// History is the last events of k on all nodes, in their order.
func (t *Table) History(k int) (events []Event) {
	for n := range t.nodes {
		for slot := range min(int(t.cell(n, k, cellEvents).Load()), eventSlots) {
			at := cellSlots + eventWords*slot
			events = append(events, Event{
				int64(t.cell(n, k, at).Load()), n, What(t.cell(n, k, at+1).Load()),
				t.cell(n, k, at+2).Load(), t.cell(n, k, at+3).Load(),
			})
		}
	}
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return events
}

// Since writes an event with its time after zero.
func (e Event) Since(zero int64) string {
	return fmt.Sprintf("%12.6fs  %v", time.Duration(e.At-zero).Seconds(), e)
}
