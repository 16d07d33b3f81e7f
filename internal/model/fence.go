package model

// This file is tiered/fence.go, prefixes.go and trust.go: what a node knows to be invalidated.

// bump ends the Stamps of the key on node n.
func (m *protocol) bump(s *state, n uint8) {
	s.n[n].mem.stripe = false
	for i := range s.f {
		if f := &s.f[i]; f.node == n {
			f.joinable, f.stamp.stripe = false, false
		}
	}
	for i, w := range m.writes {
		if w.node == n {
			s.w[i].stamp.stripe = false
		}
	}
	m.forget(s, n)
}

// bumpEpoch ends every Stamp of node n.
func (m *protocol) bumpEpoch(s *state, n uint8) {
	s.n[n].mem.epoch = false
	for i := range s.f {
		if f := &s.f[i]; f.node == n {
			f.joinable, f.stamp.epoch = false, false
		}
	}
	for i, w := range m.writes {
		if w.node == n {
			s.w[i].stamp.epoch = false
		}
	}
	m.forget(s, n)
}

// forget drops a memory entry that can never be valid again.
func (m *protocol) forget(s *state, n uint8) {
	if e := s.n[n].mem; m.has(stampOnRead) && !(e.stripe && e.epoch) {
		s.n[n].mem = entry{}
	}
}

// learn enters a prefix invalidation into the table.
func (m *protocol) learn(s *state, n, seq uint8) {
	if seq <= s.n[n].newest {
		return
	}
	s.n[n].newest = seq
	if s.n[n].met <= seq {
		s.n[n].met = 0
	}
	if !m.has(prefixOnRead) {
		return
	}
	for i := range s.f {
		if s.f[i].node == n {
			s.f[i].joinable = false
		}
	}
}

func (m *protocol) stampNow(s *state, n uint8) stamp {
	return stamp{stripe: true, epoch: true, prefix: s.n[n].newest}
}

func (m *protocol) valid(s *state, n uint8, st stamp) bool {
	return st.stripe && st.epoch && (st.prefix >= s.n[n].newest || !m.has(prefixOnRead))
}

// believed tells whether memory may be read at all: the link is believed, or this is fallback mode.
func (m *protocol) believed(s *state, n uint8) bool { return !s.n[n].blind || s.away }

// remembers tells whether a read of memory hits.
func (m *protocol) remembers(s *state, n uint8) bool {
	e := &s.n[n].mem
	return e.has && (e.stripe && e.epoch || !m.has(stampOnRead)) &&
		(e.prefix >= s.n[n].newest || !m.has(prefixOnRead)) && m.believed(s, n)
}

// keep keeps a value in memory under a Stamp.
func (m *protocol) keep(s *state, n uint8, st stamp, ver, prefix uint8) {
	s.n[n].mem = entry{has: true, stripe: st.stripe, epoch: st.epoch, ver: ver, prefix: prefix}
	m.forget(s, n)
}

// holding tells whether node n has a Mutate under way.
func (m *protocol) holding(s *state, n uint8) bool {
	for i, w := range m.writes {
		if pc := s.w[i].pc; w.kind == mutate && w.node == n && pc > 0 && pc < 3 {
			return true
		}
	}
	return false
}

// keepable is Store.Keepable.
func (m *protocol) keepable(s *state, n uint8, st stamp, outcome uint8) bool {
	switch {
	case outcome == held && m.has(heldNotKept), m.holding(s, n) && m.has(ownHoldNotKept):
		return false
	case outcome == unseen && (!s.n[n].blind && m.has(unseenNotKept) || s.n[n].prefixTainted && m.has(prefixNotKept)):
		return false
	}
	return m.valid(s, n, st) || !m.has(stampOnRead)
}

// bypassed tells whether node n must not read Redis.
func (m *protocol) bypassed(s *state, n uint8) bool {
	return (s.n[n].tainted || s.n[n].prefixTainted) && m.has(taint) || s.n[n].gated && m.has(gate)
}

// deferKey is journal.addKeys.
func (m *protocol) deferKey(s *state, n uint8) {
	s.n[n].tainted = true
	s.n[n].gen++
}
