package model

// This file is a read: cache/fly.go, cache/loads.go and tiered/fetch.go. A caller is not in the state: it starts a flight
// or joins one, which then remembers the most that any of its callers was promised.

func (m *protocol) reads(s *state, emit func(label, *state, string)) {
	for n := range uint8(nodes) {
		if s.n[n].dead || !m.readers[n] {
			continue
		}
		joinable := m.joinable(s, n)
		switch {
		case joinable >= 0 && s.f[joinable].pc == fills:
			c := &s.n[n]
			if broken := verdict(&flight{floor: c.floor, heard: c.heard, soft: c.soft}, s.f[joinable].ver, false, false); broken != "" {
				emit(label{"a caller joins the flight, which has landed", int8(n)}, s, broken)
			}
		case joinable >= 0:
			t := *s
			if m.promise(&t, joinable); t != *s {
				emit(label{"a caller joins the flight", int8(n)}, &t, "")
			}
		}
		free := m.free(s)
		if free < 0 {
			continue
		}
		if joinable < 0 && !m.remembers(s, n) {
			t := *s
			m.depart(&t, free, n, fetches)
			emit(label{"a caller leads a flight under a new Stamp", int8(n)}, &t, "")
		}
		if s.left.reload > 0 {
			t := *s
			t.left.reload--
			m.depart(&t, free, n, reload)
			t.f[free].floor = s.origin
			emit(label{"Refresh leads a flight", int8(n)}, &t, "")
		}
		if s.left.ahead > 0 && joinable < 0 {
			t := *s
			t.left.ahead--
			m.depart(&t, free, n, ahead)
			f := &t.f[free]
			f.floor, f.heard, f.soft, f.held = 0, 0, 0, 0 // nobody waits
			emit(label{"a refresh begins in the background", int8(n)}, &t, "")
		}
	}
	for i := range m.flights {
		if s.f[i].pc != idle {
			m.fly(s, i, emit)
		}
	}
}

func (m *protocol) free(s *state) int {
	for i := range m.flights {
		if s.f[i].pc == idle {
			return i
		}
	}
	return -1
}

func (m *protocol) depart(s *state, i int, n, purpose uint8) {
	s.f[i] = flight{pc: asks, node: n, purpose: purpose, joinable: true, stamp: m.stampNow(s, n)}
	s.n[n].registered = uint8(i) + 1
	m.promise(s, i)
}

// joinable returns the flight that a caller on node n joins, or -1.
func (m *protocol) joinable(s *state, n uint8) int {
	i := int(s.n[n].registered) - 1
	if i < 0 || !s.f[i].joinable && m.has(joinByStamp) {
		return -1
	}
	return i
}

// promise lets a caller wait for flight i: its answer must do for that caller, too.
func (m *protocol) promise(s *state, i int) {
	f := &s.f[i]
	n := &s.n[f.node]
	f.floor, f.heard, f.soft = max(f.floor, n.floor), max(f.heard, n.heard), max(f.soft, n.soft)
	f.held = max(f.held, m.heldFloor(s, f.node))
}

// verdict names the promise that an answer breaks.
func verdict(f *flight, ver uint8, stale, fromRedis bool) string {
	switch {
	case ver < f.floor:
		return "F1 same node"
	case ver < f.heard:
		return "F3 after the message"
	case ver < f.held && fromRedis:
		return "F4 writer crash"
	case ver < f.soft && !stale:
		return "Expire"
	}
	return ""
}

// end forgets a flight.
func (m *protocol) end(s *state, i int) {
	if n := s.f[i].node; s.n[n].registered == uint8(i)+1 {
		s.n[n].registered = 0
	}
	s.f[i] = flight{}
}

func (m *protocol) fly(s *state, i int, emit func(label, *state, string)) {
	f := &s.f[i]
	n := int8(f.node)
	if s.left.die > 0 && f.pc != fills {
		t := *s
		t.left.die--
		m.end(&t, i)
		emit(label{"the flight dies, its lease stays", n}, &t, "")
	}
	switch f.pc {
	case asks:
		m.ask(s, i, emit)
	case leases:
		m.lease(s, i, emit)
	case loads:
		if s.left.loadFail > 0 {
			t := *s
			t.left.loadFail--
			broken := ""
			if f.spare > 0 && m.valid(s, f.node, f.stamp) {
				broken = verdict(f, f.spare-1, true, true)
			}
			m.end(&t, i)
			emit(label{"the load fails: stale-if-error", n}, &t, broken)
		}
		t := *s
		l := &t.f[i]
		l.pc, l.ver, l.old, l.spare = lands, s.origin, false, 0
		if l.pre = l.stamp.prefix; l.purpose == fetches && l.outcome == foundIt {
			l.outcome = granted
		}
		emit(label{"the load reads the origin", n}, &t, "")
	case lands:
		m.land(s, i, emit)
	case fills:
		m.fill(s, i, emit)
	}
}

// ask is Look: GET, and what it says.
func (m *protocol) ask(s *state, i int, emit func(label, *state, string)) {
	n := s.f[i].node
	who := int8(n)
	t := *s
	f := &t.f[i]
	if m.bypassed(s, n) || s.away {
		f.pc, f.outcome = loads, unseen
		emit(label{"GET is not sent, or fails", who}, &t, "")
		return
	}
	if s.left.lost > 0 {
		t := *s
		t.left.lost--
		t.f[i].pc, t.f[i].outcome = loads, unseen
		emit(label{"GET gets no answer", who}, &t, "")
	}
	m.judge(&t, i)
	emit(label{"GET, executed", who}, &t, "")
	if m.batch && !m.has(shareUnsent) {
		for j := range m.flights {
			if o := &s.f[j]; j != i && o.pc == lands && o.outcome == foundIt && o.node == n {
				t := *s
				f := &t.f[i]
				f.pc, f.outcome, f.ver, f.pre = lands, foundIt, o.ver, o.pre
				emit(label{"GET shares the answer of one already sent", who}, &t, "")
			}
		}
	}
}

// judge decides what the record in Redis is good for.
func (m *protocol) judge(s *state, i int) {
	f := &s.f[i]
	n := &s.n[f.node]
	k := s.r.key
	f.head, f.outcome, f.spare, f.seen = k.head, undecided, 0, k.kind != hold
	alive := k.prefix >= n.newest || !m.has(prefixOnRead)
	if (k.kind == value || k.kind == expired) && k.prefix > n.newest && m.has(teach) {
		n.met = max(n.met, k.prefix)
	}
	switch {
	case k.kind == hold:
		f.pc, f.outcome = loads, held
	case k.kind == lease && k.token == n.orphan: // of this node, and nobody's
		f.pc = leases
	case k.kind == lease && f.purpose == reload: // Seize
		f.pc = leases
	case k.kind == lease: // Await
		f.pc, f.head, f.seen = leases, head{}, false
	case k.kind == value && alive && f.purpose == fetches:
		f.pc, f.outcome, f.ver, f.pre = lands, foundIt, k.ver, k.prefix
	case k.kind == value && alive: // reload, or Claim, which leaves the head as it is
		f.pc, f.outcome = loads, foundIt
	default:
		if f.pc = leases; k.kind == expired && alive {
			f.spare = k.ver + 1
		}
	}
}

// lease is the lease script, and Await: it tries until it is granted, or gives up.
func (m *protocol) lease(s *state, i int, emit func(label, *state, string)) {
	n := s.f[i].node
	who := int8(n)
	unanswered := func(f *flight) {
		if f.pc, f.outcome = loads, unseen; f.seen {
			f.outcome = alone
		}
	}
	t := *s
	f := &t.f[i]
	if m.bypassed(s, n) || s.away {
		f.pc, f.outcome = loads, unseen
		if !m.bypassed(s, n) {
			unanswered(f)
		}
		emit(label{"LEASE is not sent, or fails", who}, &t, "")
		return
	}
	if !f.seen { // Await: each try under a Stamp of its own
		f.stamp = m.stampNow(s, n)
		if s.r.key.kind == lease && s.r.key.token != s.n[n].orphan {
			f.outcome, f.pc = alone, loads
			emit(label{"Await gives up", who}, &t, "")
			return
		}
	}
	token := m.newToken(s, n)
	if !m.scriptLease(&t, f.head, token) {
		m.judge(&t, i)
		emit(label{"LEASE, refused", who}, &t, "")
		return
	}
	if s.left.lost > 0 {
		d := t
		d.left.lost--
		unanswered(&d.f[i])
		d.n[n].orphan = token
		emit(label{"LEASE, executed, no answer", who}, &d, "")
		d = *s
		d.left.lost--
		unanswered(&d.f[i])
		d.n[n].orphan = token
		d.late = late{kind: lateLease, node: n, head: s.f[i].head, token: token}
		emit(label{"LEASE, no answer, not executed yet", who}, &d, "")
	}
	f.pc, f.outcome, f.token, f.head = loads, granted, token, head{lease, token}
	emit(label{"LEASE, granted", who}, &t, "")
	if s.left.dup > 0 {
		t.left.dup--
		t.late = late{kind: lateLease, node: n, head: s.f[i].head, token: token}
		emit(label{"LEASE, granted; a second copy is under way", who}, &t, "")
	}
}

// land is cache.land: memory and the callers have the result before Redis has it.
func (m *protocol) land(s *state, i int, emit func(label, *state, string)) {
	n := s.f[i].node
	who := int8(n)
	t := *s
	f := &t.f[i]
	if f.outcome == foundIt && f.purpose == fetches {
		switch {
		case s.n[n].foreign && !s.n[n].gated && m.has(gate):
			return // doc.go: the link breaks before an answer of the new master arrives
		case (!f.stamp.epoch || s.n[n].gated) && m.has(outlived) && m.has(gate):
			f.pc, f.outcome, f.ver, f.pre = loads, unseen, 0, 0
			emit(label{"the answer is outlived", who}, &t, "")
			return
		}
		if !m.has(stampFirst) {
			f.stamp = m.stampNow(s, n)
		}
		if m.keepable(s, n, f.stamp, f.outcome) {
			m.keep(&t, n, f.stamp, f.ver, f.stamp.prefix)
		}
		broken := verdict(f, f.ver, false, true)
		m.end(&t, i)
		emit(label{"what was found is kept, the callers have it", who}, &t, broken)
		return
	}
	if f.purpose == reload { // Supersede
		own := f.stamp
		m.bump(&t, n)
		f.stamp = own
	}
	wait := f.outcome == granted && !m.has(refusedNotKept)
	if !m.has(prefixBefore) {
		f.stamp.prefix, f.pre = s.n[n].newest, s.n[n].newest
	}
	if (wait || f.outcome != granted) && m.keepable(s, n, f.stamp, f.outcome) {
		m.keep(&t, n, f.stamp, f.ver, f.stamp.prefix)
	}
	broken := verdict(f, f.ver, false, false)
	f.floor, f.heard, f.soft, f.held = 0, 0, 0, 0
	f.pc = fills // it is joined until then, also if it has nothing to fill: others of its batch may
	emit(label{"what was loaded is kept if it may be, the callers have it", who}, &t, broken)
}

// fill is FillAll.
func (m *protocol) fill(s *state, i int, emit func(label, *state, string)) {
	n := s.f[i].node
	who := int8(n)
	f := &s.f[i]
	done := func(t *state, stored bool) {
		if l := t.f[i]; stored && m.has(refusedNotKept) && m.keepable(t, n, l.stamp, l.outcome) {
			m.keep(t, n, l.stamp, l.ver, l.stamp.prefix)
		}
		m.end(t, i)
	}
	t := *s
	if f.outcome != granted && f.outcome != foundIt {
		done(&t, false)
		emit(label{"the flight is forgotten", who}, &t, "")
		return
	}
	if m.slow && s.n[n].foreign && !s.n[n].gated {
		return
	}
	if s.n[n].gated && m.has(gate) || s.away || !f.stamp.epoch && m.has(epochOnFill) {
		done(&t, false)
		emit(label{"FILL is not sent, or fails", who}, &t, "")
		return
	}
	token := f.token
	if f.outcome == foundIt {
		token = m.newToken(s, n)
	}
	stored := m.scriptFill(&t, f.head, token, f.ver, f.pre)
	broken := ""
	if stored && f.old && !s.n[n].foreign {
		broken = "F2 shared tier"
	}
	done(&t, stored)
	emit(label{map[bool]string{true: "FILL, stored", false: "FILL, refused"}[stored], who}, &t, broken)
	again := late{kind: lateFill, node: n, head: f.head, token: token, ver: f.ver, prefix: f.pre, old: f.old}
	if s.left.lost > 0 {
		d := *s
		d.left.lost--
		d.n[n].orphan = f.token
		d.late = again
		done(&d, false)
		emit(label{"FILL, no answer, not executed yet", who}, &d, "")
	}
	if s.left.dup > 0 {
		t.left.dup--
		t.late = again
		emit(label{"FILL, executed; a second copy is under way", who}, &t, broken)
	}
}
