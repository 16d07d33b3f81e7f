package model

// next makes every step that is possible in s.
func (m *protocol) next(s *state, emit func(label, *state, string)) {
	m.reads(s, emit)
	m.acts(s, emit)
	m.server(s, emit)
	for n := range uint8(nodes) {
		if !s.n[n].dead {
			m.links(s, n, emit)
		}
	}
}

// server is what happens in Redis by itself.
func (m *protocol) server(s *state, emit func(label, *state, string)) {
	k := s.r.key
	if k.kind == lease || m.evict && (k.kind == value || k.kind == expired) ||
		k.kind == hold && !(m.has(holdOutlives) && (m.owned(s, k.token) || m.owned(s, k.second))) {
		t := *s
		t.r.key = record{}
		for i := range t.w {
			if w := &t.w[i]; w.pc == gone+1 && (w.token == k.token || w.token == k.second) {
				*w = writer{pc: gone}
			}
		}
		emit(label{"Redis: what is there expires", -1}, &t, "")
	}
	if s.late.kind != 0 && !s.away {
		m.runLate(s, emit)
	}
	if s.left.failover > 0 {
		if s.replica != s.r {
			t := *s
			t.replica = t.r
			emit(label{"Redis: the replica catches up", -1}, &t, "")
		}
		t := *s
		t.left.failover--
		t.r = t.replica
		if t.left.failover == 0 {
			t.replica = redis{}
		}
		m.newMaster(&t)
		emit(label{"Redis: the replica becomes master", -1}, &t, "")
	}
	if s.left.restart > 0 {
		t := *s
		t.left.restart--
		t.r = redis{told: t.r.told}
		m.newMaster(&t)
		emit(label{"Redis: restarts empty", -1}, &t, "")
	}
	if s.away || s.left.away > 0 {
		t := *s
		what := "Redis is back"
		if t.away = !s.away; t.away {
			what = "Redis is away"
			t.left.away--
			for n := range uint8(nodes) {
				m.cut(&t, n)
			}
		}
		emit(label{what, -1}, &t, "")
	}
}

// owned tells whether a living Mutate counts on the hold with this token.
func (m *protocol) owned(s *state, token uint8) bool {
	for i, w := range m.writes {
		if pc := s.w[i].pc; w.kind == mutate && token != 0 && s.w[i].token == token && pc > 0 && pc < gone {
			return true
		}
	}
	return false
}

func (m *protocol) cut(s *state, n uint8) {
	if c := &s.n[n]; !c.dead {
		c.link, c.queue, c.sent = linkCut, [queueLen]message{}, 0
	}
}

// newMaster breaks all connections. Until its author has told the new data set, what a node heard of another's is void.
func (m *protocol) newMaster(s *state) {
	s.late = late{}
	for n := range uint8(nodes) {
		if c := &s.n[n]; !c.dead {
			m.cut(s, n)
			c.foreign, c.heard = true, 0
		}
	}
	for i := range s.f {
		s.f[i].heard, s.f[i].held = 0, 0
	}
}

func (m *protocol) runLate(s *state, emit func(label, *state, string)) {
	t := *s
	l := s.late
	t.late = late{}
	token, broken := l.token, ""
	if m.has(tokenPerRun) && (l.kind == lateSet || l.kind == lateLease && s.n[l.node].orphan != l.token) {
		token = m.newToken(s, l.node)
	}
	switch l.kind {
	case lateLease:
		m.scriptLease(&t, l.head, token)
	case lateFill:
		before := t.r.key
		if m.scriptFill(&t, l.head, l.token, l.ver, l.prefix) && t.r.key != before && l.old {
			broken = "F2 shared tier"
		}
	case lateInvalidate:
		m.scriptInvalidate(&t, l.node, l.ver)
	case lateSet:
		m.scriptSet(&t, l.node, token, 0)
	case lateHold:
		m.scriptHold(&t, l.node, l.token)
	}
	emit(label{"Redis: executes a late command", int8(l.node)}, &t, broken)
}

// links is link.go and recovery.go: what node n hears, notices, and tells again.
func (m *protocol) links(s *state, n uint8, emit func(label, *state, string)) {
	c := &s.n[n]
	who := int8(n)
	t := *s
	d := &t.n[n]
	if c.sent > 0 && c.link == linkUp {
		m.hear(s, n, emit)
	}
	if m.evict && c.mem.has {
		t := *s
		t.n[n].mem = entry{}
		emit(label{"memory evicts", who}, &t, "")
	}
	if s.left.cut > 0 && c.link == linkUp && !c.blind {
		t := *s
		t.left.cut--
		m.cut(&t, n)
		emit(label{"the link is cut, what is under way on it is lost", who}, &t, "")
	}
	switch {
	case c.link == linkCut && !c.blind:
		d.blind, d.gated = true, true
		emit(label{"the link is lost: the gate closes", who}, &t, "")
	case c.link == linkCut && (c.gated || c.foreign) && !s.away:
		m.verify(&t, n)
		emit(label{"verified: all is told again, the gate opens", who}, &t, "")
	case c.link == linkCut && !s.away:
		if !m.has(restoreLast) && m.has(restoreBump) {
			m.bumpEpoch(&t, n)
			d.link = linkSubscribed + 1
			emit(label{"memory is emptied before the subscription", who}, &t, "")
			return
		}
		d.link = linkSubscribed
		emit(label{"subscribed", who}, &t, "")
	case c.link == linkSubscribed+1 && !s.away:
		d.link = linkSubscribed
		emit(label{"subscribed", who}, &t, "")
	case c.link == linkSubscribed && !s.away:
		if m.has(pollFirst) {
			m.learn(&t, n, s.r.top)
		}
		if m.has(restoreBump) && m.has(restoreLast) {
			m.bumpEpoch(&t, n)
		}
		d.link, d.blind = linkUp, false
		d.heard = max(d.heard, s.r.told)
		emit(label{"restored: the prefix table is fetched, memory emptied, the link believed", who}, &t, "")
	case c.link == linkUp && !m.has(pollFirst) && s.r.top > c.newest && !s.away:
		m.learn(&t, n, s.r.top)
		emit(label{"poll", who}, &t, "")
	}
	if s.away || !m.has(journalReplay) {
		return
	}
	m.replay(s, n, emit)
}

// replay is the journal's: the command, and its answer.
func (m *protocol) replay(s *state, n uint8, emit func(label, *state, string)) {
	c := &s.n[n]
	if c.gen > 0 && c.replaying == 0 {
		t := *s
		m.scriptInvalidate(&t, n, c.floor)
		t.n[n].replaying, t.n[n].replayGen = 1, c.gen
		emit(label{"the journal is replayed", int8(n)}, &t, "")
	}
	if c.replaying == 1 {
		t := *s
		d := &t.n[n]
		if c.replayGen == c.gen || !m.has(taintGeneration) {
			d.tainted, d.gen = false, 0
		}
		d.replaying, d.replayGen = 0, 0
		emit(label{"the replay is answered", int8(n)}, &t, "")
	}
	if c.prefixTainted {
		t := *s
		m.replayPrefix(&t, n)
		emit(label{"the journal is replayed (prefix)", int8(n)}, &t, "")
	}
}

func (m *protocol) replayPrefix(s *state, n uint8) {
	m.learn(s, n, m.scriptPrefix(s, n, s.n[n].floor))
	s.n[n].prefixTainted = false
}

// verify is link.verify, in one step.
func (m *protocol) verify(s *state, n uint8) {
	c := &s.n[n]
	if c.foreign {
		if m.has(putBack) {
			for i, w := range m.writes {
				if pc := s.w[i].pc; w.kind == mutate && w.node == n && pc > 0 && pc < 4 && s.w[i].token != 0 {
					m.scriptHold(s, n, s.w[i].token)
				}
			}
		}
		if m.has(raiseTop) {
			s.r.top = max(s.r.top, m.known(s, n))
		}
		if c.recent && m.has(recentReplay) {
			m.scriptInvalidate(s, n, c.floor)
		}
		if c.recentPrefix && m.has(recentReplay) {
			m.replayPrefix(s, n)
		}
	}
	if m.has(journalReplay) {
		if c.tainted {
			m.scriptInvalidate(s, n, c.floor)
			c.tainted, c.gen = false, 0
		}
		if c.prefixTainted {
			m.replayPrefix(s, n)
		}
	}
	m.bumpEpoch(s, n)
	c.foreign, c.gated = false, false
}

func (m *protocol) hear(s *state, n uint8, emit func(label, *state, string)) {
	t := *s
	c := &t.n[n]
	msg := c.queue[0]
	copy(c.queue[:], c.queue[1:])
	c.queue[queueLen-1] = message{}
	c.sent--
	switch msg.kind {
	case msgPrefix:
		m.learn(&t, n, msg.seq)
		c.heard = max(c.heard, msg.ver)
	case msgExpire:
		m.bump(&t, n)
		c.soft = max(c.soft, msg.ver)
	default:
		m.bump(&t, n)
		c.heard = max(c.heard, msg.ver)
	}
	emit(label{"a message is heard", int8(n)}, &t, "")
}
