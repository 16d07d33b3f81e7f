package tiered

import (
	"sync"
	"time"
)

// peers is what this node has heard of the messages of others. Counts arrive in any order, and a count that is missing
// may still be under way: only beats judge. What a beat says to be settled, and was not heard a while later, is lost;
// memory is then emptied once, which covers all that Redis has executed by then.
type peers struct {
	mu  sync.Mutex
	all map[uint64]*peer // by publisher
}

// peer is one other node.
type peer struct {
	through uint64              // every message up to this count was heard, or is covered by an emptied memory
	ahead   map[uint64]struct{} // heard beyond it
	told    uint64              // settled, by its last beat
	due     uint64              // settled, by a beat that is old enough to judge by
	beaten  bool                // a beat was heard
	ripe    bool                // and it is old enough
	ended   bool                // that was a farewell
	based   bool                // through counts from its first message on, or from an emptied memory
	alive   time.Time           // when it was last heard
}

const (
	peersMax = 1 << 12
	aheadMax = 1 << 16
	// peerGone is how long a peer may be silent until it is taken for dead: whatever it has published since its last beat
	// may be lost.
	peerGone = 3 * time.Second
)

// forget forgets all peers: memory is emptied next, and what was published before does not matter any more.
func (ps *peers) forget() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	clear(ps.all)
}

func (ps *peers) get(id uint64) *peer {
	p := ps.all[id]
	if p == nil {
		if ps.all == nil {
			ps.all = map[uint64]*peer{}
		}
		p = &peer{ahead: map[uint64]struct{}{}}
		ps.all[id] = p
	}
	p.alive = time.Now()
	return p
}

// note notes a message of another node, which must have been applied.
func (ps *peers) note(m message) {
	switch m.kind {
	case msgInvalidate, msgPrefix:
		ps.heard(m.publisher, m.count)
	case msgBeat, msgBye:
		ps.beat(m.publisher, m.count, m.voids, m.kind == msgBye)
	}
}

// heard notes one that is counted.
func (ps *peers) heard(id, count uint64) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.get(id).add(count)
}

func (p *peer) add(count uint64) {
	if count <= p.through || len(p.ahead) >= aheadMax { // what is not noted counts as lost
		return
	}
	p.ahead[count] = struct{}{}
	p.advance()
}

func (p *peer) advance() {
	for {
		if _, ok := p.ahead[p.through+1]; !ok {
			return
		}
		p.through++
		p.based = true
		delete(p.ahead, p.through)
	}
}

// beat notes up to which count all messages of a peer are settled, and which of them are void. After the last one it is
// judged once more, and then forgotten.
func (ps *peers) beat(id, through uint64, voids []uint64, last bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.get(id)
	for _, v := range voids {
		p.add(v)
	}
	p.told, p.beaten, p.ended = max(p.told, through), true, p.ended || last
}

// judge tells whether a message was lost since the last time. Then, and where that cannot be known, it calls empty, which
// must empty memory: of a peer that is new to this node, and of one that has gone without farewell. It judges by the beats
// that were heard before it was called the last time: on a Cluster, messages of several nodes overtake each other.
func (ps *peers) judge(empty func()) (lost bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	now, doubt := time.Now(), len(ps.all) > peersMax
	for id, p := range ps.all {
		if now.Sub(p.alive) > peerGone || len(ps.all) > peersMax {
			doubt = true
			delete(ps.all, id)
		}
		missing := p.through < p.due
		doubt, lost = doubt || missing, lost || missing && p.based
	}
	if doubt {
		empty()
	}
	for id, p := range ps.all {
		if p.through < p.due {
			p.catchUp()
		}
		if p.ended && p.ripe && p.due == p.told {
			delete(ps.all, id)
		}
		p.based = p.based || p.ripe
		p.due, p.ripe = p.told, p.beaten
	}
	return lost
}

// catchUp takes all that is settled as heard: memory was emptied.
func (p *peer) catchUp() {
	p.through = p.due
	for count := range p.ahead {
		if count <= p.through {
			delete(p.ahead, count)
		}
	}
	p.advance()
}

// reached tells whether every message of a publisher up to count was applied, or is covered by an emptied memory.
func (ps *peers) reached(id, count uint64) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.all[id]
	return p != nil && p.through >= count
}
