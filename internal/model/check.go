package model

import (
	"fmt"
	"strings"
)

// heldFloor is what F4 promises to a caller on node n: what was committed under a hold that stands and was heard of.
func (m *protocol) heldFloor(s *state, n uint8) (ver uint8) {
	c := &s.n[n]
	if s.r.key.kind != hold || c.link != linkUp || c.blind || c.sent > 0 || c.foreign || s.away {
		return 0
	}
	for i, w := range m.writes {
		if op := &s.w[i]; w.kind == mutate && op.token != 0 && (op.token == s.r.key.token || op.token == s.r.key.second) {
			ver = max(ver, op.ver)
		}
	}
	return ver
}

// check judges what a caller would get who asked now, and what there is once nothing is under way.
func (m *protocol) check(s *state) string {
	for n := range uint8(nodes) {
		if c := &s.n[n]; !c.dead && m.remembers(s, n) {
			if broken := verdict(&flight{floor: c.floor, heard: c.heard, soft: c.soft, held: m.heldFloor(s, n)}, c.mem.ver, false, true); broken != "" {
				return broken + " (memory)"
			}
		}
	}
	if !m.rests(s) {
		return ""
	}
	for n := range uint8(nodes) {
		c := &s.n[n]
		if c.dead {
			continue
		}
		if m.remembers(s, n) && c.mem.ver < s.invalidated {
			return "F3 at rest (memory)"
		}
		if k := s.r.key; k.kind == value && (k.prefix >= c.newest || !m.has(prefixOnRead)) && k.ver < s.invalidated {
			return "F3 at rest (Redis)"
		}
	}
	return ""
}

// rests tells whether nothing is under way, so that all nodes must agree.
func (m *protocol) rests(s *state) bool {
	if s.away || s.late.kind != 0 || s.r.key.kind == hold {
		return false
	}
	for i := range m.writes {
		if pc := s.w[i].pc; pc > 0 && pc < gone {
			return false
		}
	}
	for i := range s.f {
		if s.f[i].pc != idle {
			return false
		}
	}
	for n := range s.n {
		c := &s.n[n]
		if !c.dead && (c.link != linkUp || c.blind || c.gated && m.has(gate) || c.sent > 0 || c.foreign || c.replaying > 0 ||
			m.has(journalReplay) && (c.gen > 0 || c.prefixTainted) || !m.has(pollFirst) && c.newest < s.r.top) {
			return false
		}
	}
	return true
}

// canon orders the flights and numbers the tokens, neither of which means anything.
func (m *protocol) canon(s state) state {
	for i := 1; i < m.flights; i++ {
		for j := i; j > 0 && rank(&s.f[j], &s.f[j-1]); j-- {
			s.f[j], s.f[j-1] = s.f[j-1], s.f[j]
			for n := range s.n {
				switch r := &s.n[n].registered; *r {
				case uint8(j):
					*r = uint8(j) + 1
				case uint8(j) + 1:
					*r = uint8(j)
				}
			}
		}
	}
	if m.has(tokenPerFill) {
		s.number()
	}
	return s
}

func rank(f, g *flight) bool {
	key := func(f *flight) uint64 {
		k := uint64(f.pc)
		for _, x := range [...]uint8{f.node, f.purpose, f.outcome, f.ver, f.pre, f.floor, f.heard, f.soft, f.spare} {
			k = k<<4 | uint64(x)
		}
		for _, x := range [...]bool{f.joinable, f.seen, f.old, f.stamp.stripe, f.stamp.epoch} {
			if k <<= 1; x {
				k |= 1
			}
		}
		return k
	}
	return key(f) > key(g)
}

// number gives tokens the numbers of their first appearance.
func (s *state) number() {
	var names [64]uint8
	next := uint8(1)
	name := func(t *uint8) {
		if *t == 0 {
			return
		}
		if names[*t] == 0 {
			names[*t] = next
			next++
		}
		*t = names[*t]
	}
	for _, r := range [...]*redis{&s.r, &s.replica} {
		name(&r.key.token)
		name(&r.key.second)
	}
	name(&s.late.token)
	name(&s.late.head.token)
	for n := range s.n {
		if o := &s.n[n].orphan; *o != 0 && *o != 40 && *o != 41 && names[*o] == 0 {
			*o = 0 // it is nowhere any more
		}
		name(&s.n[n].orphan)
	}
	for i := range s.w {
		name(&s.w[i].token)
	}
	for i := range s.f {
		name(&s.f[i].token)
		name(&s.f[i].head.token)
	}
}

func (m *protocol) describe(s *state) string {
	var b strings.Builder
	k := s.r.key
	fmt.Fprintf(&b, "origin v%d, Redis ", s.origin)
	switch k.kind {
	case nothing:
		b.WriteString("-")
	case lease:
		fmt.Fprintf(&b, "L(t%d)", k.token)
	case hold:
		fmt.Fprintf(&b, "H(t%d t%d)", k.token, k.second)
	default:
		fmt.Fprintf(&b, "%c(t%d v%d p%d)", "..VX"[k.kind], k.token, k.ver, k.prefix)
	}
	if s.away {
		b.WriteString(" away")
	}
	for n := range s.n {
		c := &s.n[n]
		fmt.Fprintf(&b, " | %c", 'A'+n)
		if c.dead {
			b.WriteString(" dead")
			continue
		}
		if c.mem.has {
			fmt.Fprintf(&b, " mem v%d", c.mem.ver)
			if !m.remembers(s, uint8(n)) {
				b.WriteString(" (dead)")
			}
		}
		for _, x := range [...]struct {
			name string
			n    uint8
		}{{"floor v", c.floor}, {"heard v", c.heard}, {"p", c.newest}, {"queue ", c.sent}} {
			if x.n > 0 {
				fmt.Fprintf(&b, " %s%d", x.name, x.n)
			}
		}
		for _, x := range [...]struct {
			name string
			is   bool
		}{{" tainted", c.tainted || c.prefixTainted}, {" cut", c.link != linkUp}, {" blind", c.blind}, {" gated", c.gated}, {" foreign", c.foreign}} {
			if x.is {
				b.WriteString(x.name)
			}
		}
	}
	return b.String()
}
