package tiered

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"
)

// publisher numbers the messages of one node. A message gets its count before it is sent, and messages travel over many
// connections, so others hear them in any order. Beats tell them up to which count every message is settled: Redis has
// published it, or it is void.
type publisher struct {
	id uint64

	mu      sync.Mutex
	last    uint64              // the last count given away
	through uint64              // every message up to this count is settled
	ahead   map[uint64]struct{} // settled beyond it
	voids   []void
}

// void is a message that got no answer: it may have been published or not, and what it said is in the journal. Nobody
// must conclude from its absence that the link is lossy.
type void struct {
	count uint64
	at    time.Time
}

const (
	voidFor = 5 * time.Second // how long beats tell of a void: most of them get through
	voidMax = 64              // the most that a beat tells of; if there are more, others empty their memory once
)

func newPublisher() publisher {
	return publisher{id: rand.Uint64() | 1, ahead: map[uint64]struct{}{}} // 0 is nobody
}

// message composes a message, and counts it if it is one that must not be missed. A message of a prefix has an empty
// body, which its script appends.
func (p *publisher) message(kind byte, body string) string {
	count := uint64(0)
	if kind != msgWake {
		p.mu.Lock()
		p.last++
		count = p.last
		p.mu.Unlock()
	}
	return string(append(p.header(kind, count, len(body)), body...))
}

func (p *publisher) header(kind byte, count uint64, room int) []byte {
	b := make([]byte, 0, messageHeader+room)
	b = append(b, kind)
	b = binary.BigEndian.AppendUint64(b, p.id)
	return binary.BigEndian.AppendUint64(b, count)
}

// settle says how a message went: it was published, or that is not known.
func (p *publisher) settle(message string, published bool) {
	count := binary.BigEndian.Uint64(readOnly(message)[9:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if !published {
		if len(p.voids) == voidMax {
			p.voids = append(p.voids[:0], p.voids[1:]...)
		}
		p.voids = append(p.voids, void{count, time.Now()})
	}
	p.ahead[count] = struct{}{}
	for {
		if _, ok := p.ahead[p.through+1]; !ok {
			return
		}
		p.through++
		delete(p.ahead, p.through)
	}
}

// beat composes the message that tells how far all is settled.
func (p *publisher) beat() (message string, through uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settled(msgBeat), p.through
}

// farewell composes the message that says that nothing will follow, and how far that was. There is none while a message is
// under way: others find out by this node's silence.
func (p *publisher) farewell() (message string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.through < p.last {
		return "", false
	}
	return p.settled(msgBye), true
}

// settled is called under the lock.
func (p *publisher) settled(kind byte) string {
	for len(p.voids) > 0 && time.Since(p.voids[0].at) > voidFor {
		p.voids = p.voids[1:]
	}
	b := p.header(kind, p.through, 8*len(p.voids))
	for _, v := range p.voids {
		b = binary.BigEndian.AppendUint64(b, v.count)
	}
	return string(b)
}

// given is the last count that was given away: no invalidation that has returned has a higher one.
func (p *publisher) given() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// announce runs commands that publish, each the message that is its second argument, and settles the messages.
func (s *Store) announce(who caller, cmds ...command) []result {
	results := s.remote.runAs(who, cmds...)
	for i, r := range results {
		message, _ := cmds[i].args[1].(string)
		s.settle(message, r.err == nil)
	}
	return results
}
