//go:build unix

package table

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	toldSlots  = 64
	eventSlots = 48
	headWords  = 64
	nodeWords  = 192
	keyWords   = 8 + 2*toldSlots
	cellWords  = 8 + eventWords*eventSlots
	eventWords = 4
)

// Table is the shared memory. All methods may be called concurrently, from all processes.
type Table struct {
	words []uint64
	bytes []byte
	nodes int
	keys  int
}

// Open maps the file at path, and makes it as large as nodes and keys need. All processes give the same numbers.
func Open(path string, nodes, keys int) (*Table, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	defer func() { _ = f.Close() }()
	size := 8 * (headWords + nodes*nodeWords + keys*keyWords + nodes*keys*cellWords)
	if err := f.Truncate(int64(size)); err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("table: map %s: %w", path, err)
	}
	return &Table{unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), size/8), b, nodes, keys}, nil
}

// Close unmaps the table; nothing may use it any more.
func (t *Table) Close() error { return syscall.Munmap(t.bytes) }

// Nodes is how many nodes the table has room for, the auditor included.
func (t *Table) Nodes() int { return t.nodes }

// Keys is how many keys there are.
func (t *Table) Keys() int { return t.keys }

func (t *Table) head(i int) *atomic.Uint64 { return t.word(i) }

func (t *Table) node(n, i int) *atomic.Uint64 { return t.word(headWords + n*nodeWords + i) }

func (t *Table) key(k, i int) *atomic.Uint64 {
	return t.word(headWords + t.nodes*nodeWords + k*keyWords + i)
}

func (t *Table) cell(n, k, i int) *atomic.Uint64 {
	return t.word(headWords + t.nodes*nodeWords + t.keys*keyWords + (n*t.keys+k)*cellWords + i)
}

func (t *Table) word(i int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&t.words[i])) }

// Raise makes w at least v.
func Raise(w *atomic.Uint64, v uint64) {
	for {
		old := w.Load()
		if v <= old || w.CompareAndSwap(old, v) {
			return
		}
	}
}
