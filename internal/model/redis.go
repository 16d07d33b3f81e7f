package model

// This file is tiered/scripts.go: what Redis does at once.

// outdate notes, for F2, that an invalidation is executed: whatever is being loaded now must not be stored afterwards.
func (m *protocol) outdate(s *state) {
	for i := range s.f {
		if s.f[i].pc == lands || s.f[i].pc == fills {
			s.f[i].old = true
		}
	}
	for i, w := range m.writes {
		if w.kind == set && s.w[i].pc >= 2 && s.w[i].pc < gone { // loaded when its lease was granted
			s.w[i].old = true
		}
	}
	if s.late.kind == lateFill {
		s.late.old = true
	}
}

func (m *protocol) publish(s *state, from uint8, msg message) {
	to := 1 - from
	n := &s.n[to]
	if n.dead || n.link == linkCut {
		return
	}
	n.queue[n.sent] = msg
	n.sent++
}

func (m *protocol) scriptInvalidate(s *state, from, ver uint8) {
	if s.r.key.kind != hold || !m.has(invalidateSpares) {
		s.r.key = record{}
	}
	m.told(s, from, ver)
}

func (m *protocol) told(s *state, from, ver uint8) {
	m.outdate(s)
	s.r.told = max(s.r.told, ver)
	m.publish(s, from, message{kind: msgInvalidate, ver: ver})
}

func (m *protocol) scriptExpire(s *state, from, ver uint8) {
	switch s.r.key.kind {
	case value:
		s.r.key.kind = expired
	case lease:
		if m.has(expireLease) {
			s.r.key = record{}
		}
	}
	m.outdate(s)
	m.publish(s, from, message{kind: msgExpire, ver: ver})
}

// scriptSet tells whether it granted the lease.
func (m *protocol) scriptSet(s *state, from, token, ver uint8) bool {
	took := s.r.key.kind != hold || !m.has(setSpares)
	if took {
		s.r.key = record{head: head{lease, token}}
	}
	m.outdate(s)
	if m.has(setTells) {
		m.told(s, from, ver)
	}
	return took
}

func (m *protocol) scriptHold(s *state, from, token uint8) {
	k := &s.r.key
	switch {
	case k.kind != hold || !m.has(holdsStack):
		*k = record{head: head{hold, token}}
	case k.token != token:
		k.second = token
	}
	m.outdate(s)
	if m.has(holdTells) {
		m.publish(s, from, message{kind: msgInvalidate})
	}
}

func (m *protocol) scriptRelease(s *state, from, token, ver uint8) {
	k := &s.r.key
	switch {
	case k.kind != hold:
		if m.has(releaseAny) || token == 0 {
			*k = record{}
		}
	case k.token == token && k.second != 0:
		k.token, k.second = k.second, 0
	case k.token == token && token != 0:
		*k = record{}
	case k.second == token && token != 0:
		k.second = 0
	}
	m.told(s, from, ver)
}

// scriptLease replaces what by a lease.
func (m *protocol) scriptLease(s *state, what head, token uint8) bool {
	if s.r.key.head != what {
		return false
	}
	s.r.key = record{head: head{lease, token}}
	return true
}

// scriptFill tells whether Redis has the value now.
func (m *protocol) scriptFill(s *state, what head, token, ver, prefix uint8) bool {
	now := s.r.key.head
	same := now == what || !m.has(compareKind) && now.token == what.token && now.kind != nothing
	switch {
	case same || !m.has(compareHead):
		s.r.key = record{head: head{value, token}, ver: ver, prefix: prefix}
		return true
	default:
		return now == head{value, token} // a repeated fill
	}
}

// scriptPrefix returns the next sequence.
func (m *protocol) scriptPrefix(s *state, from, ver uint8) uint8 {
	s.r.top = max(s.r.top, m.known(s, from)) + 1
	s.r.told = max(s.r.told, ver)
	m.publish(s, from, message{kind: msgPrefix, ver: ver, seq: s.r.top})
	return s.r.top
}

func (m *protocol) known(s *state, n uint8) uint8 { return max(s.n[n].newest, s.n[n].met) }

// newToken is the smallest that nobody has.
func (m *protocol) newToken(s *state, n uint8) uint8 {
	if !m.has(tokenPerFill) {
		return 40 + n
	}
	used := uint64(1)
	for _, r := range [...]*redis{&s.r, &s.replica} {
		used |= 1<<r.key.token | 1<<r.key.second
	}
	for i := range s.f {
		used |= 1<<s.f[i].token | 1<<s.f[i].head.token
	}
	for i := range s.w {
		used |= 1 << s.w[i].token
	}
	for i := range s.n {
		used |= 1 << s.n[i].orphan
	}
	used |= 1<<s.late.token | 1<<s.late.head.token
	for t := uint8(1); ; t++ {
		if used&(1<<t) == 0 {
			return t
		}
	}
}
