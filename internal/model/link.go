package model

import (
	"fmt"
	"math/bits"
)

// linkRule is a rule of counts, heartbeats and tokens.
type linkRule int

const (
	beatSettled     linkRule = iota // a heartbeat carries the count up to which all are settled, not the last one given
	beatVoids                       // and which of them are void
	beatsJudge                      // a count that arrives early is no loss: only a heartbeat judges
	lossBumps                       // a receiver that lacks a count that is settled and not void empties its memory
	contactBumps                    // and so does one that hears the first heartbeat of a publisher
	silenceBumps                    // and one that hears no more of a publisher that it knows
	farewellJudges                  // a farewell says up to which count all were given, and is judged like a heartbeat
	farewellSettled                 // nobody says farewell while a count is not settled
	newCount                        // a replay has a count of its own
	contiguousToken                 // a token is met by the contiguous watermark, not by the highest count heard
	highestToken                    // a token has the highest count that was given, not the settled one
	deferredToken                   // a token that covers a deferred invalidation says so, and its reader bypasses Redis, too
	deferredFirst                   // whether one is deferred is asked before the count is read
	unknownToken                    // a token of an unknown publisher bypasses memory
	tokenJoins                      // a read with a token joins no flight that began below it
	numLinkRules
)

var linkRuleNames = [numLinkRules]string{
	"heartbeat: the settled count", "heartbeat: voids", "only heartbeats judge", "a loss empties memory",
	"first contact empties memory", "silence of a publisher empties memory", "farewell: judged", "farewell: all settled",
	"replay under a new count",
	"token: contiguous watermark", "token: highest count given", "token: deferred", "token: deferred is asked first",
	"token: unknown publisher", "token: joins no older flight",
}

const maxCounts = 3 // count c is bit c of a set

// linkState is a publisher, A, whose commands go over many connections, so that counts cross; and a receiver, B.
// Invalidations are not told apart from their counts: count c invalidates version c of a thing of its own. A replay of a
// void count v is another count that invalidates v's thing.
type linkState struct {
	given              uint8
	executed           uint8 // in Redis
	acked, void        uint8 // answered; given up without an answer
	of                 [maxCounts + 1]uint8
	journal            uint8 // things that Redis may not have been told of
	replaying          uint8 // the count of a replay under way
	returned           uint8 // things whose Invalidate has returned
	queue              [5]uint8
	queueVoids         [5]uint8
	length             uint8
	beats, lost, fails uint8 // left
	dead               bool  // the publisher; its commands may still be under way
	ended              bool  // with a farewell: they may still be answered
	cutOff             bool  // B has counted A out

	known     bool // B knows the publisher
	seen      uint8
	reflected uint8 // ghost: things that B's memory cannot be too old for
	clean     uint8 // ghost: things that Redis has removed
	lossy     bool

	// A token is taken in two steps, and then read with.
	taking         uint8 // 0: not yet; 1: half; 2: taken
	count          uint8
	deferred       bool
	mustSee        uint8 // ghost: what had returned when its taking began
	flying         bool  // a flight on B that has read Redis, for anybody
	flight         uint8 // ghost: what it reflects
	flightSeenUpTo uint8 // the watermark when it began
}

// linkModel bounds what happens, and says which rule is missing.
type linkModel struct {
	name                       string
	counts, beats, lost, fails uint8
	dies, ends, tokens         bool // ends: with a farewell
	full                       bool
	without                    linkRule // noLinkRule: none
}

const noLinkRule linkRule = -1

// links are the bounds searched.
var links = []linkModel{
	{name: "losses", counts: 2, beats: 2, lost: 1, dies: true},
	{name: "farewells", counts: 2, beats: 1, lost: 1, fails: 1, ends: true},
	{name: "voids", counts: 3, beats: 2, lost: 1, fails: 1},
	{name: "tokens", counts: 2, beats: 1, lost: 1, tokens: true},
	{name: "tokens and voids", counts: 3, beats: 1, fails: 1, tokens: true},
	{name: "all", counts: 3, beats: 2, lost: 1, fails: 1, dies: true, ends: true, tokens: true, full: true},
}

func (m *linkModel) has(r linkRule) bool { return m.without != r }
func (m *linkModel) start() linkState {
	return linkState{beats: m.beats, lost: m.lost, fails: m.fails}
}
func (m *linkModel) canon(s linkState) linkState { return s }

func contiguous(set uint8) uint8 { return uint8(bits.TrailingZeros8(^(set | 1))) - 1 }
func highest(set uint8) uint8    { return uint8(bits.Len8(set|1)) - 1 }
func upTo(c uint8) uint8         { return 1<<(c+1) - 2 }

const (
	beat     = 16 // a message above it is a heartbeat; any other an invalidation
	farewell = 32 // one from here on a farewell
)

func (m *linkModel) publish(s *linkState, what string, msg, voids uint8, emit func(label, *linkState, string)) {
	if s.lost > 0 {
		t := *s
		t.lost--
		t.lossy = true
		emit(label{what + ", the message is lost", a8}, &t, "")
	}
	t := *s
	if int(t.length) == len(t.queue) {
		return
	}
	t.queue[t.length], t.queueVoids[t.length] = msg, voids
	t.length++
	emit(label{what, a8}, &t, "")
}

const a8, b8 int8 = 0, 1

// empty is an epoch bump on B: what Redis has removed, its memory does not have.
func (s *linkState) empty() { s.reflected |= s.clean }

func (m *linkModel) next(s *linkState, emit func(label, *linkState, string)) {
	switch {
	case !s.dead:
		m.publisher(s, emit)
	case s.ended:
		m.answers(s, emit)
	}
	for c := uint8(1); c <= s.given; c++ {
		if bit := uint8(1) << c; s.executed&bit == 0 {
			t := *s
			t.executed |= bit
			t.clean |= 1 << s.of[c]
			m.publish(&t, fmt.Sprintf("Redis executes and publishes %d", c), c, 0, emit)
		}
	}
	m.receiver(s, emit)
	if m.tokens {
		m.token(s, emit)
	}
}

func (m *linkModel) publisher(s *linkState, emit func(label, *linkState, string)) {
	if s.given < m.counts {
		t := *s
		t.given++
		t.of[t.given] = t.given
		emit(label{fmt.Sprintf("Invalidate is given the count %d", t.given), a8}, &t, "")
	}
	m.answers(s, emit)
	if s.journal != 0 && s.replaying == 0 {
		thing := uint8(bits.TrailingZeros8(s.journal))
		switch {
		case m.has(newCount) && s.given < m.counts:
			t := *s
			t.given++
			t.of[t.given], t.replaying = thing, t.given
			emit(label{fmt.Sprintf("the journal replays %d under the count %d", thing, t.given), a8}, &t, "")
		case !m.has(newCount): // under the old one, which stays void
			t := *s
			t.executed |= 1 << thing
			t.clean |= 1 << thing
			t.journal = 0
			m.publish(&t, fmt.Sprintf("the journal replays %d under its old count, and is answered", thing), thing, 0, emit)
		}
	}
	if s.beats > 0 && s.given > 0 {
		c := s.given
		if m.has(beatSettled) {
			c = contiguous(s.acked | s.void)
		}
		if c > 0 {
			t := *s
			t.beats--
			voids := s.void
			if !m.has(beatVoids) {
				voids = 0
			}
			m.publish(&t, fmt.Sprintf("heartbeat %d, void %03b", c, voids>>1), beat+c, voids, emit)
		}
	}
	if settled := contiguous(s.acked|s.void) == s.given; m.ends && (settled || !m.has(farewellSettled)) {
		t := *s
		t.dead, t.ended = true, true
		m.publish(&t, fmt.Sprintf("farewell %d, void %03b", s.given, s.void>>1), farewell+s.given, s.void, emit)
	}
	if m.dies {
		t := *s
		t.dead = true
		emit(label{"the publisher dies", a8}, &t, "")
	}
}

// answers are what becomes of the commands under way.
func (m *linkModel) answers(s *linkState, emit func(label, *linkState, string)) {
	for c := uint8(1); c <= s.given; c++ {
		bit := uint8(1) << c
		if (s.acked|s.void)&bit != 0 {
			continue
		}
		replay := s.of[c] != c
		if s.executed&bit != 0 {
			t := *s
			t.acked |= bit
			if replay {
				t.journal &^= 1 << s.of[c]
				t.replaying = 0
			} else {
				t.returned |= bit
			}
			emit(label{fmt.Sprintf("the answer for %d", c), a8}, &t, "")
		}
		if s.fails > 0 && !replay {
			t := *s
			t.fails--
			t.void |= bit
			t.journal |= bit
			t.returned |= bit
			emit(label{fmt.Sprintf("no answer for %d: void, deferred; it returns", c), a8}, &t, "")
		}
	}
}

func (m *linkModel) receiver(s *linkState, emit func(label, *linkState, string)) {
	if s.dead && s.known && !s.cutOff && s.length == 0 && m.has(silenceBumps) {
		t := *s
		t.cutOff = true
		t.empty()
		emit(label{"silence: memory is emptied", b8}, &t, "")
	}
	if m.tokens && !s.flying {
		t := *s
		t.flying, t.flight, t.flightSeenUpTo = true, s.clean, contiguous(s.seen)
		emit(label{"a flight reads Redis", b8}, &t, "")
	}
	if s.length == 0 {
		return
	}
	t := *s
	msg, voids := s.queue[0], s.queueVoids[0]
	copy(t.queue[:], t.queue[1:])
	copy(t.queueVoids[:], t.queueVoids[1:])
	t.length--
	t.queue[len(t.queue)-1], t.queueVoids[len(t.queue)-1] = 0, 0
	if msg < beat {
		t.seen |= 1 << msg
		t.reflected |= 1 << s.of[msg]
		broken := ""
		if !m.has(beatsJudge) && msg > contiguous(s.seen)+1 {
			t.seen |= upTo(msg)
			t.empty()
			broken = needless(s)
		}
		emit(label{fmt.Sprintf("hears %d", msg), b8}, &t, broken)
		return
	}
	c, ends := msg-beat, msg >= farewell
	if ends {
		c = msg - farewell
	}
	lacks := upTo(c) &^ (s.seen | voids)
	what, broken := "heartbeat", ""
	switch {
	case ends && !m.has(farewellJudges):
		what = "farewell"
	case ends && lacks == 0:
		what = "farewell: nothing is missing"
	case ends:
		what = "farewell shows a loss: memory is emptied"
		t.empty()
	case !s.known && c > 1 || !s.known && lacks != 0:
		what = "first heartbeat: memory is emptied"
		if m.has(contactBumps) {
			t.empty()
		}
	case lacks != 0:
		what = "heartbeat shows a loss: memory is emptied"
		if m.has(lossBumps) {
			t.empty()
		}
		broken = needless(s)
	}
	t.known, t.cutOff = true, t.cutOff || ends
	t.seen |= upTo(c)
	emit(label{what, b8}, &t, broken)
}

func needless(s *linkState) string {
	if s.lossy {
		return ""
	}
	return "memory is emptied needlessly"
}

// token is a client that has seen what returned on A, and reads on B.
func (m *linkModel) token(s *linkState, emit func(label, *linkState, string)) {
	count := s.given
	if !m.has(highestToken) {
		count = contiguous(s.acked | s.void)
	}
	t := *s
	switch s.taking {
	case 0:
		if t.taking, t.mustSee = 1, s.returned; m.has(deferredFirst) {
			t.deferred = s.journal != 0
		} else {
			t.count = count
		}
		emit(label{"a token is begun", a8}, &t, "")
		return
	case 1:
		if t.taking = 2; m.has(deferredFirst) {
			t.count = count
		} else {
			t.deferred = s.journal != 0
		}
		emit(label{fmt.Sprintf("the token: count %d, deferred %v", t.count, t.deferred), a8}, &t, "")
		return
	}
	if !m.has(deferredToken) {
		t.deferred = false
	}
	if t.deferred { // it loads
		return
	}
	mark := highest(s.seen)
	if m.has(contiguousToken) {
		mark = contiguous(s.seen)
	}
	met := mark >= s.count && s.known || !m.has(unknownToken) && !s.known
	if met && s.mustSee&^s.reflected != 0 {
		emit(label{"a read with the token, from memory", b8}, s, "a token's read is stale")
	}
	if s.flying && (!m.has(tokenJoins) || s.known && s.flightSeenUpTo >= s.count) && s.mustSee&^(s.flight) != 0 {
		emit(label{"a read with the token joins a flight", b8}, s, "a token's read is stale")
	}
	if s.mustSee&^s.clean != 0 {
		emit(label{"a read with the token, from Redis", b8}, s, "a token's read is stale")
	}
}

// check: B has heard of everything, or of a silence, and is none the wiser.
func (m *linkModel) check(s *linkState) string {
	told := uint8(0)
	for c := uint8(1); c <= s.given; c++ {
		if s.acked&(1<<c) != 0 {
			told |= 1 << s.of[c]
		}
	}
	over := s.length == 0 && told&^s.reflected != 0
	switch {
	case over && !s.dead && contiguous(s.seen) == s.given && contiguous(s.acked|s.void) == s.given && s.known:
		return "F3: a loss is not noticed"
	case over && s.dead && s.known && (s.cutOff || !m.has(silenceBumps)):
		return "F3: a loss before the publisher's death is not noticed"
	}
	return ""
}

func (m *linkModel) describe(s *linkState) string {
	return fmt.Sprintf("given %d executed %03b answered %03b void %03b journal %03b | B knows A %v, seen %03b, reflects %03b", s.given,
		s.executed>>1, s.acked>>1, s.void>>1, s.journal>>1, s.known, s.seen>>1, s.reflected>>1)
}
