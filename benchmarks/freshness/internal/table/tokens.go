//go:build unix

package table

import (
	"encoding/binary"
	"slices"
)

// Tokens travel between nodes in slots of the nodes' own words: one for each node.
const (
	tokenSeq = 64 + iota // odd while the slot is being written
	tokenKey
	tokenVersion
	tokenLength
	tokenBytes
	tokenMax = 8 * (nodeWords - tokenBytes)
)

// Post publishes a token of node n that covers version of k. One goroutine of a node posts at a time. A token that is too
// long for the slot is not posted.
func (t *Table) Post(n, k int, version uint64, token []byte) bool {
	if len(token) > tokenMax {
		return false
	}
	seq := t.node(n, tokenSeq)
	seq.Store(seq.Load() | 1)
	t.node(n, tokenKey).Store(uint64(k))
	t.node(n, tokenVersion).Store(version)
	t.node(n, tokenLength).Store(uint64(len(token)))
	padded := slices.Concat(token, make([]byte, 8))
	for i := 0; i < len(token); i += 8 {
		t.node(n, tokenBytes+i/8).Store(binary.LittleEndian.Uint64(padded[i:]))
	}
	seq.Add(1)
	return true
}

// Posted is the newest token of node n, if there is one.
func (t *Table) Posted(n int) (k int, version uint64, token []byte, ok bool) {
	seq := t.node(n, tokenSeq).Load()
	if seq == 0 || seq&1 != 0 {
		return 0, 0, nil, false
	}
	k, version = int(t.node(n, tokenKey).Load()), t.node(n, tokenVersion).Load()
	length := min(int(t.node(n, tokenLength).Load()), tokenMax)
	for i := 0; i < length; i += 8 {
		token = binary.LittleEndian.AppendUint64(token, t.node(n, tokenBytes+i/8).Load())
	}
	return k, version, token[:length], t.node(n, tokenSeq).Load() == seq
}
