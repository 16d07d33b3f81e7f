package judge_test

import (
	"testing"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/stretchr/testify/require"
)

const (
	ms     = int64(time.Millisecond)
	second = int64(time.Second)
)

var bounds = judge.Bounds{
	Up: 250 * time.Millisecond, Link: 1250 * time.Millisecond, Away: 3 * time.Second, Poll: time.Second,
	Recovery: 3 * time.Second, Notice: 1250 * time.Millisecond, Settle: 3 * time.Second,
}

// least is the version that a read had to return; 0: any.
func least(b judge.Bounds, now int64, r judge.Reader, told ...judge.Told) uint64 {
	by, _, ok := b.Least(now, told, r)
	if !ok {
		return 0
	}
	return by.Version
}

func TestLinkUp(t *testing.T) {
	told := judge.Told{At: 10 * second, Version: 5}
	require.Zero(t, least(bounds, 10*second, judge.Reader{}, told))
	require.Zero(t, least(bounds, 10*second+250*ms, judge.Reader{}, told), "the message may be under way")
	require.EqualValues(t, 5, least(bounds, 10*second+251*ms, judge.Reader{}, told))
	require.Zero(t, least(bounds, 10*second+251*ms, judge.Reader{Stall: ms}, told), "the machine was busy")
	require.EqualValues(t, 5, least(bounds, 10*second+253*ms, judge.Reader{Stall: ms}, told))
}

func TestTheNewestOfWhatIsDue(t *testing.T) {
	told := []judge.Told{
		{At: 3 * second, Version: 7}, {At: second, Version: 5}, {At: 2 * second, Version: 6}, {At: 9 * second, Version: 8},
	}
	require.EqualValues(t, 7, least(bounds, 9*second, judge.Reader{}, told...))
	require.EqualValues(t, 5, least(bounds, 2*second, judge.Reader{}, told...))
	require.Zero(t, least(bounds, second, judge.Reader{}, told...))
	require.Zero(t, least(bounds, 9*second, judge.Reader{}))
}

func TestALaterAcknowledgementOfAnOlderVersionIsNoExcuse(t *testing.T) {
	told := []judge.Told{{At: second, Version: 6}, {At: 2 * second, Version: 5}}
	require.EqualValues(t, 6, least(bounds, 1900*ms, judge.Reader{}, told...))
	require.EqualValues(t, 6, least(bounds, 9*second, judge.Reader{}, told...))
}

func TestDisturbances(t *testing.T) {
	told := judge.Told{At: 10 * second, Version: 5}
	for name, c := range map[string]struct {
		reader judge.Reader
		state  judge.State
		from   int64 // after the acknowledgement, the first instant at which the read is judged
	}{
		"none":                      {judge.Reader{}, judge.Up, 251 * ms},
		"link":                      {judge.Reader{Link: judge.Window{Active: true}}, judge.Link, 1251 * ms},
		"link, ended lately":        {judge.Reader{Link: judge.Window{End: 8 * second}}, judge.Link, 1251 * ms},
		"link, ended long ago":      {judge.Reader{Link: judge.Window{End: 6 * second}}, judge.Up, 251 * ms},
		"redis":                     {judge.Reader{Away: judge.Window{Active: true}}, judge.Away, 3001 * ms},
		"redis and link":            {judge.Reader{Away: judge.Window{End: 9 * second}, Link: judge.Window{Active: true}}, judge.Away, 3001 * ms},
		"the process, stopped once": {judge.Reader{Paused: judge.Window{End: 8 * second}}, judge.Link, 1251 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.state, bounds.State(told.At, c.reader))
			require.Zero(t, least(bounds, told.At+c.from-ms, c.reader, told))
			require.EqualValues(t, 5, least(bounds, told.At+c.from, c.reader, told))
		})
	}
}

func TestPrefixesMayTakeAPoll(t *testing.T) {
	told := judge.Told{At: 10 * second, Version: 5, Prefix: true}
	require.EqualValues(t, 5, least(bounds, 10*second+251*ms, judge.Reader{}, told), "with the link up they are messages")
	cut := judge.Reader{Link: judge.Window{Active: true}}
	require.Zero(t, least(bounds, 12*second, cut, told))
	require.EqualValues(t, 5, least(bounds, 12*second+251*ms, cut, told))
}

func TestTheAuditorSeesAtOnce(t *testing.T) {
	auditor := bounds.ForAuditor()
	told := judge.Told{At: 10 * second, Version: 5}
	busy := judge.Reader{Away: judge.Window{Active: true}, Link: judge.Window{Active: true}, Stall: second}
	require.Zero(t, least(auditor, 10*second, judge.Reader{}, told))
	require.EqualValues(t, 5, least(auditor, 10*second+1, judge.Reader{}, told))
	require.EqualValues(t, 5, least(auditor, 10*second+1, busy, told), "nothing that happens to connections matters")
	told.Prefix = true
	require.Zero(t, least(auditor, 10*second+250*ms, judge.Reader{}, told), "it has to hear of prefixes, too")
	require.EqualValues(t, 5, least(auditor, 10*second+251*ms, judge.Reader{}, told))
}

func TestLostWritesVoidWhatWasTold(t *testing.T) {
	told := judge.Told{At: 10 * second, Version: 5}
	for _, b := range []judge.Bounds{bounds, bounds.ForAuditor()} {
		require.Zero(t, least(b, 60*second, judge.Reader{Void: judge.Window{Active: true}}, told))
		over := judge.Reader{Void: judge.Window{End: 20 * second}}
		require.Zero(t, least(b, 23*second, over, told), "the authors tell it again")
		require.EqualValues(t, 5, least(b, 25*second, over, told))
	}
	before := judge.Reader{Void: judge.Window{End: 2 * second}}
	require.EqualValues(t, 5, least(bounds, 10*second+251*ms, before, told))
}

func TestAPausedProcessMayServeUntilItsClockTicks(t *testing.T) {
	told := judge.Told{At: second, Version: 5}
	require.Zero(t, least(bounds, 10*second, judge.Reader{Paused: judge.Window{Active: true}}, told))
	on := judge.Reader{Paused: judge.Window{End: 10 * second}}
	require.Zero(t, least(bounds, 10*second+99*ms, on, told))
	require.EqualValues(t, 5, least(bounds, 10*second+101*ms, on, told))
}

func TestBehind(t *testing.T) {
	told := []judge.Told{{At: 2 * second, Version: 6}, {At: second, Version: 5}, {At: 3 * second, Version: 7}}
	behind, state := bounds.Behind(4*second, 5, told, judge.Reader{})
	require.Equal(t, 2*time.Second, behind)
	require.Equal(t, judge.Up, state)
	behind, state = bounds.Behind(4*second, 4, told, judge.Reader{Away: judge.Window{Active: true}})
	require.Equal(t, 3*time.Second, behind)
	require.Equal(t, judge.Away, state)
	behind, _ = bounds.Behind(4*second, 7, told, judge.Reader{})
	require.Zero(t, behind)
	behind, _ = bounds.Behind(2500*ms, 6, told, judge.Reader{})
	require.Zero(t, behind, "what comes later does not count")
}

func TestOnlyAnUnseenFailoverExcuses(t *testing.T) {
	require.False(t, bounds.Excused(second, judge.Reader{Void: judge.Window{Active: true}, Away: judge.Window{Active: true}}))
	require.True(t, bounds.Excused(second, judge.Reader{Unseen: judge.Window{Active: true}}))
	over := judge.Reader{Unseen: judge.Window{End: 10 * second}}
	require.True(t, bounds.Excused(11*second, over))
	require.False(t, bounds.Excused(11*second+250*ms, over))
}
