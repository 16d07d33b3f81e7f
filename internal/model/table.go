package model

import "fmt"

// tableRule is a rule of tiered/prefixes.go and Store.Settle.
type tableRule int

const (
	tableFirst   tableRule = iota // an invalidation is in the table before newest moves
	restampEarly                  // Settle restamps with what was newest before its lookup
	noGaps                        // newest never passes a sequence that the table lacks
	loaderFirst                   // a load's Stamp is taken before it
	numTableRules
)

var tableRuleNames = [numTableRules]string{"table before newest", "restamp with the newest of before", "no gaps", "Stamp before the load"}

const noTableRule tableRule = -1

// tableState is one node's prefix table: p is an ancestor of the key, q of others. Both are invalidated once, in any
// order; the messages may cross and get lost. A read, Settle and a load are in several steps.
type tableState struct {
	origin, top      uint8
	p, q             uint8 // their sequences; 0: not invalidated yet
	promised         uint8 // ghost: the version that p's invalidation promises
	way              [2]uint8
	lost             uint8
	tableP, newest   uint8
	learning         uint8 // a sequence that is half learned
	upTo             uint8 // or the top of a poll
	has              bool
	ver, stamp       uint8
	entry            uint8 // which one: a load replaces it
	read, readNewest uint8
	readVer, readAt  uint8
	readEntry, floor uint8
	load, loadStamp  uint8
	loadVer, loads   uint8
}

type tableModel struct{ without tableRule }

func (m *tableModel) has(r tableRule) bool          { return m.without != r }
func (m *tableModel) start() tableState             { return tableState{has: true, lost: 1, loads: 1} }
func (m *tableModel) canon(s tableState) tableState { return s }

// half learns a half of what a message says: the table, or newest.
func (m *tableModel) half(s *tableState, seq uint8, first bool) {
	if first == m.has(tableFirst) {
		if seq == s.p {
			s.tableP = seq
		}
		return
	}
	s.newest = max(s.newest, seq)
}

func (m *tableModel) next(s *tableState, emit func(label, *tableState, string)) {
	if s.p == 0 {
		t := *s
		t.origin++
		t.top++
		t.promised, t.p, t.way[0] = t.origin, t.top, t.top
		emit(label{"Redis: p is invalidated", -1}, &t, "")
	}
	if s.q == 0 {
		t := *s
		t.top++
		t.q, t.way[1] = t.top, t.top
		emit(label{"Redis: q is invalidated", -1}, &t, "")
	}
	m.learns(s, emit)
	m.reads(s, emit)
	m.loadSteps(s, emit)
}

func (m *tableModel) learns(s *tableState, emit func(label, *tableState, string)) {
	t := *s
	if s.learning != 0 {
		m.half(&t, s.learning, false)
		t.learning = 0
		emit(label{"the message is learned", -1}, &t, "")
		return
	}
	if s.upTo != 0 {
		for seq := uint8(1); seq <= s.upTo; seq++ {
			m.half(&t, seq, false)
		}
		t.upTo = 0
		emit(label{"the poll is learned", -1}, &t, "")
		return
	}
	for i, seq := range s.way {
		if seq == 0 {
			continue
		}
		t := *s
		t.way[i] = 0
		if s.lost > 0 {
			t := t
			t.lost--
			emit(label{fmt.Sprintf("message %d is lost", seq), -1}, &t, "")
		}
		if seq == s.newest+1 || !m.has(noGaps) {
			t.learning = seq
			m.half(&t, seq, true)
		}
		emit(label{fmt.Sprintf("message %d: half learned, or a gap", seq), -1}, &t, "")
	}
	if s.top > s.newest {
		t.upTo = s.top
		for seq := uint8(1); seq <= s.top; seq++ {
			m.half(&t, seq, true)
		}
		emit(label{"poll: half learned", -1}, &t, "")
	}
}

func (m *tableModel) reads(s *tableState, emit func(label, *tableState, string)) {
	t := *s
	answer := func() (broken string) {
		if s.readVer < s.floor {
			broken = "F1: an invalidated value is served"
		}
		t.read, t.readNewest, t.readVer, t.readAt, t.readEntry, t.floor = 0, 0, 0, 0, 0, 0
		return broken
	}
	switch s.read {
	case 0:
		if s.has {
			t.read, t.readNewest, t.readVer, t.readAt, t.readEntry = 1, s.newest, s.ver, s.stamp, s.entry
			if s.p != 0 && s.tableP >= s.p && s.newest >= s.p {
				t.floor = s.promised
			}
			emit(label{"read: the entry, and newest", -1}, &t, "")
		}
	case 1:
		switch {
		case s.readAt >= s.readNewest:
			broken := answer()
			emit(label{"read: nothing is newer, a hit", -1}, &t, broken)
		case s.tableP > s.readAt:
			answer()
			emit(label{"Settle: dead", -1}, &t, "")
		default:
			t.read = 2
			emit(label{"Settle: nothing in the table", -1}, &t, "")
		}
	case 2:
		if s.entry == s.readEntry {
			to := s.newest
			if m.has(restampEarly) {
				to = s.readNewest
			}
			t.stamp = max(t.stamp, to)
		}
		broken := answer()
		emit(label{"Settle: restamped, a hit", -1}, &t, broken)
	}
}

func (m *tableModel) loadSteps(s *tableState, emit func(label, *tableState, string)) {
	t := *s
	switch s.load {
	case 0:
		if s.loads > 0 {
			t.loads--
			t.load, t.loadStamp = 1, s.newest
			emit(label{"load: Stamp", -1}, &t, "")
		}
	case 1:
		t.load, t.loadVer = 2, s.origin
		emit(label{"load: the origin", -1}, &t, "")
	case 2:
		if !m.has(loaderFirst) {
			t.loadStamp = s.newest
		}
		t.has, t.ver, t.stamp = true, s.loadVer, t.loadStamp
		t.entry++
		t.load, t.loadStamp, t.loadVer = 0, 0, 0
		emit(label{"load: kept", -1}, &t, "")
	}
}

// check: nothing is under way, and what is dead would be served for ever.
func (m *tableModel) check(s *tableState) string {
	if s.p != 0 && s.way == [2]uint8{} && s.learning == 0 && s.upTo == 0 && s.top <= s.newest && s.read == 0 && s.load == 0 &&
		s.has && s.ver < s.promised && (s.stamp >= s.newest || s.tableP <= s.stamp) {
		return "F3: stale for ever"
	}
	return ""
}

func (m *tableModel) describe(s *tableState) string {
	return fmt.Sprintf("origin v%d, p=%d q=%d | table p=%d, newest %d | entry v%d stamp %d", s.origin, s.p, s.q, s.tableP, s.newest, s.ver, s.stamp)
}
