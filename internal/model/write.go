package model

// This file is tiered/store.go, writing.go and hold.go: what changes the origin and tells of it.

var writeNames = [...]string{"Invalidate", "InvalidatePrefix", "Set", "Mutate", "Expire"}

func (m *protocol) acts(s *state, emit func(label, *state, string)) {
	for i, w := range m.writes {
		if s.w[i].pc >= gone || s.n[w.node].dead {
			continue
		}
		switch w.kind {
		case invalidate, expire:
			m.tell(s, i, emit)
		case invalidatePrefix:
			m.tellPrefix(s, i, emit)
		case set:
			m.set(s, i, emit)
		case mutate:
			m.mutate(s, i, emit)
		}
	}
}

func (m *protocol) remember(s *state, n uint8) {
	if m.has(rememberFirst) {
		s.n[n].recent = true
	}
}

// attempts are the ways in which a command of writer i may go. exec is what Redis does; then what the writer does next.
func (m *protocol) attempts(s *state, i int, what string, again late, exec func(*state), then func(t *state, failed bool), emit func(label, *state, string)) {
	n := m.writes[i].node
	who := int8(n)
	if s.away {
		t := *s
		then(&t, true)
		emit(label{what + ", Redis is away", who}, &t, "")
		return
	}
	t := *s
	exec(&t)
	executed := t
	then(&t, false)
	emit(label{what, who}, &t, "")
	again.node = n
	if s.left.dup > 0 && again.kind != 0 {
		t.left.dup--
		t.late = again
		emit(label{what + "; a second copy is under way", who}, &t, "")
	}
	if s.left.fail > 0 {
		t := executed
		t.left.fail--
		then(&t, true)
		emit(label{what + ", executed, no answer", who}, &t, "")
		t = *s
		t.left.fail--
		then(&t, true)
		emit(label{what + ", not executed, no answer", who}, &t, "")
	}
}

// missed is what a failed command leaves behind.
func (m *protocol) missed(s *state, i int, failed, early bool) {
	if s.w[i].failed = failed; failed && early == m.has(taintFirst) {
		m.deferKey(s, m.writes[i].node)
	}
}

// returned ends a writer: from now on its promise holds.
func (m *protocol) returned(s *state, i int) {
	n := &s.n[m.writes[i].node]
	ver := s.w[i].ver
	if m.writes[i].kind == expire {
		n.soft = max(n.soft, ver)
	} else {
		n.floor = max(n.floor, ver)
		s.invalidated = max(s.invalidated, ver)
	}
	s.w[i] = writer{pc: gone}
}

func (m *protocol) firstBump(s *state, n uint8) {
	if m.has(firstBump) {
		m.bump(s, n)
	}
}

func (m *protocol) tell(s *state, i int, emit func(label, *state, string)) {
	w := m.writes[i]
	n, who, name := w.node, int8(w.node), writeNames[w.kind]
	t := *s
	switch s.w[i].pc {
	case 0:
		t.origin++
		t.w[i].ver, t.w[i].pc = t.origin, 1
		m.remember(&t, n)
		m.firstBump(&t, n)
		emit(label{name + ": the origin is written; first bump", who}, &t, "")
	case 1:
		ver := s.w[i].ver
		exec := func(t *state) { m.scriptInvalidate(t, n, ver) }
		again := late{kind: lateInvalidate, ver: ver}
		if w.kind == expire {
			exec, again = func(t *state) { m.scriptExpire(t, n, ver) }, late{}
		}
		m.attempts(s, i, name+": Redis is told", again, exec, func(t *state, failed bool) {
			m.missed(t, i, failed, true)
			t.w[i].pc = 2
		}, emit)
	case 2:
		m.leave(&t, i, emit)
	case 3:
		m.missed(&t, i, s.w[i].failed, false)
		t.n[n].recent = true
		m.returned(&t, i)
		emit(label{name + " returns", who}, &t, "")
	}
}

// leave is the second bump, and the return.
func (m *protocol) leave(s *state, i int, emit func(label, *state, string)) {
	n := m.writes[i].node
	if m.has(secondBump) {
		m.bump(s, n)
	}
	if s.w[i].failed && !m.has(taintFirst) || !m.has(rememberFirst) {
		s.w[i].pc = 3
		if m.writes[i].kind == mutate {
			s.w[i].pc = 5
		}
	} else {
		m.returned(s, i)
	}
	emit(label{writeNames[m.writes[i].kind] + ": second bump, it returns", int8(n)}, s, "")
}

func (m *protocol) tellPrefix(s *state, i int, emit func(label, *state, string)) {
	n := m.writes[i].node
	t := *s
	switch s.w[i].pc {
	case 0:
		t.origin++
		t.w[i].ver, t.w[i].pc = t.origin, 1
		if m.has(rememberFirst) {
			t.n[n].recentPrefix = true
		}
		emit(label{"InvalidatePrefix: the origin is written", int8(n)}, &t, "")
	case 1:
		ver := s.w[i].ver
		m.attempts(s, i, "InvalidatePrefix: Redis gives a sequence", late{}, func(t *state) {
			t.w[i].token = m.scriptPrefix(t, n, ver)
		}, func(t *state, failed bool) { t.w[i].failed, t.w[i].pc = failed, 2 }, emit)
	case 2:
		if w := s.w[i]; w.failed {
			t.n[n].prefixTainted = true
			if m.has(prefixEpoch) {
				m.bumpEpoch(&t, n)
			}
		} else {
			m.learn(&t, n, w.token)
		}
		t.n[n].recentPrefix = true
		m.returned(&t, i)
		emit(label{"InvalidatePrefix: the table learns it, it returns", int8(n)}, &t, "")
	}
}

// set is Set: a blind write.
func (m *protocol) set(s *state, i int, emit func(label, *state, string)) {
	n := m.writes[i].node
	who := int8(n)
	w := &s.w[i]
	t := *s
	switch w.pc {
	case 0:
		t.origin++
		t.w[i].ver, t.w[i].pc = t.origin, 1
		m.remember(&t, n)
		m.firstBump(&t, n)
		t.w[i].stamp = m.stampNow(&t, n)
		emit(label{"Set: the origin is written; first bump, Stamp", who}, &t, "")
	case 1:
		token := m.newToken(s, n)
		m.attempts(s, i, "Set: Redis grants a lease", late{kind: lateSet, token: token}, func(t *state) {
			t.w[i].ver, t.w[i].token = t.origin, token // it counts as loaded now
			t.w[i].refused = !m.scriptSet(t, n, token, t.origin)
		}, func(t *state, failed bool) {
			if failed {
				t.w[i].token = 0
			}
			m.missed(t, i, failed, true)
			t.w[i].pc, t.w[i].old = 2, false
		}, emit)
	case 2:
		own := w.stamp
		m.bump(&t, n)
		switch {
		case !m.has(setStampFirst):
			t.w[i].stamp = m.stampNow(&t, n)
		case m.has(setOwnBump):
			t.w[i].stamp = own
		}
		m.missed(&t, i, w.failed, false)
		t.w[i].pc = 3
		switch {
		case w.failed:
			if m.keepable(&t, n, t.w[i].stamp, unseen) {
				m.keep(&t, n, t.w[i].stamp, w.ver, t.w[i].stamp.prefix)
			}
			m.returned(&t, i)
		case w.refused:
			m.returned(&t, i)
		}
		emit(label{"Set: second bump", who}, &t, "")
	case 3:
		if s.n[n].gated && m.has(gate) || !w.stamp.epoch && m.has(epochOnFill) {
			m.returned(&t, i)
			emit(label{"Set: FILL is not sent", who}, &t, "")
			return
		}
		kept := func(t *state) {
			if t.w[i].stamp.stripe || !m.has(stampOnRead) {
				m.keep(t, n, t.w[i].stamp, w.ver, w.stamp.prefix)
			}
		}
		if s.away || s.left.fail > 0 {
			if t := *s; !s.away {
				t.left.fail--
				t.late = late{kind: lateFill, node: n, head: head{lease, w.token}, token: w.token, ver: w.ver, prefix: w.stamp.prefix, old: w.old}
				m.alone(&t, i, kept)
				emit(label{"Set: FILL, no answer, not executed yet", who}, &t, "")
			} else {
				m.alone(&t, i, kept)
				emit(label{"Set: FILL fails", who}, &t, "")
				return
			}
		}
		broken := ""
		stored := m.scriptFill(&t, head{lease, w.token}, w.token, w.ver, w.stamp.prefix)
		if !stored {
			m.returned(&t, i)
			emit(label{"Set: FILL, refused; it returns", who}, &t, "")
			return
		}
		if w.old && !s.n[n].foreign {
			broken = "F2 shared tier"
		}
		if !m.has(setTells) {
			m.told(&t, n, w.ver)
		}
		t.w[i].pc = 4
		emit(label{"Set: FILL, stored", who}, &t, broken)
		if s.left.dup > 0 {
			t.left.dup--
			t.late = late{kind: lateFill, node: n, head: head{lease, w.token}, token: w.token, ver: w.ver, prefix: w.stamp.prefix, old: w.old}
			emit(label{"Set: FILL, stored; a second copy is under way", who}, &t, broken)
		}
	case 4:
		if w.stamp.stripe || !m.has(stampOnRead) {
			m.keep(&t, n, w.stamp, w.ver, w.stamp.prefix)
		}
		t.n[n].recent = true
		m.returned(&t, i)
		emit(label{"Set: kept in memory, it returns", who}, &t, "")
	}
}

// alone ends a Set whose fill was not answered: nobody knows anything newer than its value.
func (m *protocol) alone(s *state, i int, keep func(*state)) {
	if m.keepable(s, m.writes[i].node, s.w[i].stamp, alone) {
		keep(s)
	}
	m.returned(s, i)
}

func (m *protocol) mutate(s *state, i int, emit func(label, *state, string)) {
	n := m.writes[i].node
	who := int8(n)
	w := &s.w[i]
	t := *s
	if w.pc > 0 && s.left.crash > 0 && !s.n[n].foreign {
		m.crash(s, i, emit)
	}
	switch w.pc {
	case 0:
		if !m.has(holdFirst) {
			t.w[i].pc = 2
			emit(label{"Mutate: no hold", who}, &t, "")
			return
		}
		token := m.newToken(s, n)
		m.remember(&t, n)
		t.w[i].pc = 1
		m.attempts(&t, i, "Mutate: Redis places a hold", late{kind: lateHold, token: token}, func(t *state) {
			t.w[i].token = token
			m.scriptHold(t, n, token)
		}, func(t *state, failed bool) {}, emit)
	case 1:
		if m.has(holdTells) {
			m.firstBump(&t, n)
		}
		t.w[i].pc = 2
		emit(label{"Mutate: bump", who}, &t, "")
	case 2:
		t.origin++
		t.w[i].ver, t.w[i].pc = t.origin, 3
		emit(label{"Mutate: the origin is committed", who}, &t, "")
	case 3:
		ver, token := w.ver, w.token
		m.firstBump(&t, n)
		m.attempts(&t, i, "Mutate: first bump, Redis takes the hold away", late{}, func(t *state) { m.scriptRelease(t, n, token, ver) },
			func(t *state, failed bool) {
				m.missed(t, i, failed, true)
				t.w[i].pc = 4
			}, emit)
	case 4:
		m.leave(&t, i, emit)
	case 5:
		m.missed(&t, i, w.failed, false)
		t.n[n].recent = true
		m.returned(&t, i)
		emit(label{"Mutate returns", who}, &t, "")
	}
}

// crash ends the process of a Mutate. What it committed under a hold is promised to all others; what dies with it is not,
// so there is no failover after it (doc.go).
func (m *protocol) crash(s *state, i int, emit func(label, *state, string)) {
	t := *s
	n := m.writes[i].node
	w := &t.w[i]
	t.left.crash--
	t.left.failover, t.left.restart, t.replica = 0, 0, redis{}
	for j := range t.f {
		if t.f[j].node == n {
			t.f[j] = flight{}
		}
	}
	t.n[n] = node{dead: true}
	if w.ver > 0 && (w.token != 0 || !m.has(holdFirst)) {
		t.invalidated = max(t.invalidated, w.ver)
		*w = writer{pc: gone + 1, token: w.token, ver: w.ver}
	} else {
		*w = writer{pc: gone + 1, token: w.token}
	}
	emit(label{"the process of the Mutate crashes", int8(n)}, &t, "")
}
