package tiered

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// hear does what the link does with a message.
func (ps *peers) hear(t require.TestingT, s string) {
	m, err := parseMessage(s)
	require.NoError(t, err)
	ps.note(m)
}

func TestPeersJudgeByBeatsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ps := newPublisher(), peers{}
		var emptied int
		judge := func() bool { return ps.judge(func() { emptied++ }) }
		one, two, three := p.message(msgInvalidate, "a"), p.message(msgInvalidate, "b"), p.message(msgInvalidate, "c")

		ps.hear(t, three) // messages overtake each other
		ps.hear(t, one)
		require.False(t, judge())
		require.False(t, judge())
		require.True(t, ps.reached(p.id, 1))
		require.False(t, ps.reached(p.id, 3), "the second is missing")

		p.settle(three, true)
		p.settle(one, true)
		beat, through := p.beat()
		require.EqualValues(t, 1, through)
		ps.hear(t, beat)
		require.False(t, judge())
		require.False(t, judge(), "the second is not settled, and no loss")

		p.settle(two, true)
		beat, through = p.beat()
		require.EqualValues(t, 3, through)
		ps.hear(t, beat)
		require.False(t, judge(), "it may come from another node of a Cluster, later than the beat")
		require.True(t, judge())
		require.Equal(t, 1, emptied)
		require.True(t, ps.reached(p.id, 3), "an empty memory is not older")
		ps.hear(t, beat)
		require.False(t, judge())
		require.False(t, judge())
	})
}

func TestPeersForgiveVoidMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ps := newPublisher(), peers{}
		lost := p.message(msgInvalidate, "a")
		p.settle(lost, false)
		sent := p.message(msgInvalidate, "a")
		p.settle(sent, true)
		beat, through := p.beat()
		require.EqualValues(t, 2, through)
		ps.hear(t, sent)
		ps.hear(t, beat)
		never := func() { require.Fail(t, "emptied") }
		require.False(t, ps.judge(never))
		require.False(t, ps.judge(never))
		require.True(t, ps.reached(p.id, 2))

		for range 3 * voidMax {
			p.settle(p.message(msgInvalidate, "a"), false)
		}
		beat, _ = p.beat()
		require.Len(t, beat, messageHeader+8*voidMax)
		time.Sleep(voidFor + 1)
		beat, _ = p.beat()
		require.Len(t, beat, messageHeader)
	})
}

func TestPeersThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, q, ps := newPublisher(), newPublisher(), peers{}
		ps.hear(t, p.message(msgInvalidate, "a"))
		said := q.message(msgInvalidate, "a")
		ps.hear(t, said)
		_, ok := q.farewell()
		require.False(t, ok, "a message is under way")
		q.settle(said, true)
		ps.hear(t, bye(t, &q))
		emptied := 0
		for range 3 {
			require.False(t, ps.judge(func() { emptied++ }))
		}
		require.Zero(t, emptied)
		require.NotContains(t, ps.all, q.id)
		time.Sleep(peerGone + 1)
		require.False(t, ps.judge(func() { emptied++ }))
		require.Equal(t, 1, emptied, "what it said last may be lost")
		require.Empty(t, ps.all)
		require.False(t, ps.judge(func() { emptied++ }))
		require.False(t, ps.reached(p.id, 0), "it is not known any more")
	})
}

// What a node says last may be lost like all else. What it says earlier may come later.
func TestPeersThatEndWithALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ps := newPublisher(), peers{}
		first := p.message(msgInvalidate, "a")
		ps.hear(t, first)
		p.settle(first, true)
		beat, _ := p.beat()
		ps.hear(t, beat)
		p.settle(p.message(msgInvalidate, "b"), true)
		p.settle(p.message(msgInvalidate, "c"), false)
		ps.hear(t, bye(t, &p))
		ps.hear(t, beat)
		emptied, lost := 0, 0
		for range 5 {
			if ps.judge(func() { emptied++ }) {
				lost++
			}
		}
		require.Equal(t, [2]int{1, 1}, [2]int{emptied, lost})
		require.Empty(t, ps.all)
	})
}

// bye is the farewell of a publisher that has nothing under way.
func bye(t *testing.T, p *publisher) string {
	t.Helper()
	s, ok := p.farewell()
	require.True(t, ok)
	return s
}

// A node that comes later cannot know what it has missed since its link came up.
func TestPeersThatAreOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ps := newPublisher(), peers{}
		for range 5 {
			p.settle(p.message(msgInvalidate, "a"), true)
		}
		beat, _ := p.beat()
		ps.hear(t, beat)
		require.False(t, ps.reached(p.id, 5))
		emptied := 0
		for range 4 {
			require.False(t, ps.judge(func() { emptied++ }), "no loss, as far as anybody knows")
		}
		require.Equal(t, 1, emptied)
		require.True(t, ps.reached(p.id, 5))
		p.settle(p.message(msgInvalidate, "a"), true)
		beat, _ = p.beat()
		ps.hear(t, beat)
		require.False(t, ps.judge(func() { emptied++ }))
		require.True(t, ps.judge(func() { emptied++ }))
		require.Equal(t, 2, emptied)
	})
}

// Whatever is lost, voided, doubled or overtaken: once a beat that covers all was judged, nothing is missing that an empty
// memory does not make up for, and without a loss memory is never emptied.
func TestPeersProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, ps := newPublisher(), peers{}
		applied := map[uint64]bool{} // or covered
		executed := map[uint64]bool{}
		missing, emptied := false, false
		judge := func() {
			ps.judge(func() {
				emptied = true
				for c := range executed {
					applied[c] = true
				}
			})
		}
		var under []string
		steps := rapid.IntRange(1, 60).Draw(rt, "steps")
		for range steps {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1:
				under = append(under, p.message(msgInvalidate, "k"))
			case 2, 3:
				if len(under) == 0 {
					continue
				}
				i := rand.IntN(len(under))
				s := under[i]
				under = append(under[:i], under[i+1:]...)
				m, _ := parseMessage(s)
				switch rapid.IntRange(0, 3).Draw(rt, "fate") {
				case 0: // no answer; perhaps executed
					p.settle(s, false)
					applied[m.count] = true // its replay is another message
				case 1:
					executed[m.count] = true
					missing = true
					p.settle(s, true)
				default:
					executed[m.count] = true
					ps.hear(rt, s)
					applied[m.count] = true
					p.settle(s, true)
					if rapid.Bool().Draw(rt, "twice") {
						ps.hear(rt, s)
					}
				}
			case 4:
				b, _ := p.beat()
				ps.hear(rt, b)
			case 5:
				judge()
			}
			for c := uint64(1); c <= p.last; c++ {
				if ps.reached(p.id, c) && !applied[c] {
					rt.Fatalf("count %d is said to be reached, and is not", c)
				}
			}
		}
		for _, s := range under {
			m, _ := parseMessage(s)
			executed[m.count], applied[m.count] = true, true
			ps.hear(rt, s)
			p.settle(s, true)
		}
		b, through := p.beat()
		require.Equal(rt, p.last, through)
		ps.hear(rt, b)
		judge()
		judge()
		for c := uint64(1); c <= p.last; c++ {
			require.True(rt, applied[c], "count %d was lost, and nobody noticed", c)
		}
		if !missing {
			require.False(rt, emptied, "nothing was lost")
		}
	})
}
