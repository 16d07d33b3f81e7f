//go:build unix

package table

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/judge"
	"github.com/stretchr/testify/require"
)

// two maps of one file stand for two processes.
func two(t *testing.T) (a, b *Table) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table")
	var both []*Table
	for range 2 {
		x, err := Open(path, 3, 10)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, x.Close()) })
		both = append(both, x)
	}
	return both[0], both[1]
}

func TestTheOriginIsShared(t *testing.T) {
	a, b := two(t)
	require.EqualValues(t, 1, a.Write(3))
	require.EqualValues(t, 2, b.Write(3))
	require.EqualValues(t, 2, a.Version(3))
	require.Zero(t, a.Version(2))
	require.Zero(t, a.Version(4))
	a.Began(9)
	require.EqualValues(t, 1, b.Loads(9))
}

func TestLocks(t *testing.T) {
	a, b := two(t)
	require.True(t, a.Lock(5, 0))
	require.False(t, b.Lock(5, 1))
	b.Unlock(5, 1)
	require.False(t, b.Lock(5, 1), "it was not its own")
	b.Reborn(0)
	require.True(t, b.Lock(5, 1), "whoever held it was killed")
}

func TestTold(t *testing.T) {
	a, b := two(t)
	require.Empty(t, b.Told(1, nil))
	for v := range uint64(3 * toldSlots) {
		a.Tell(1, judge.Told{At: int64(100 + v), Version: v, Prefix: v%2 == 1})
	}
	told := b.Told(1, nil)
	require.Len(t, told, toldSlots, "the last ones")
	for _, x := range told {
		require.GreaterOrEqual(t, x.Version, uint64(2*toldSlots))
		require.EqualValues(t, 100+x.Version, x.At)
		require.Equal(t, x.Version%2 == 1, x.Prefix)
	}
	require.Empty(t, b.Told(2, nil))
	require.EqualValues(t, 3*toldSlots-1, b.Final(1))
}

func TestFloors(t *testing.T) {
	a, b := two(t)
	a.Cover(1, 4, 7)
	a.Cover(1, 4, 6)
	require.EqualValues(t, 7, b.Floor(1, 4), "floors only rise")
	require.Zero(t, b.Floor(0, 4), "they are a node's own")
	require.EqualValues(t, 7, b.Final(4))
	b.Reborn(1)
	require.Zero(t, a.Floor(1, 4))
	require.Zero(t, a.Final(4), "nobody is left who owes it")
}

func TestDisturbancesOverlap(t *testing.T) {
	a, b := two(t)
	first, second := a.Disturb(1, Link), b.DisturbAll(Link)
	first()
	require.True(t, a.Reader(1).Link.Active)
	require.NotZero(t, a.Reader(1).Link.End)
	require.True(t, a.Reader(0).Link.Active)
	require.False(t, a.Reader(0).Away.Active)
	before := Now()
	second()
	require.False(t, a.Reader(1).Link.Active)
	require.GreaterOrEqual(t, a.Reader(2).Link.End, before)
	require.Zero(t, a.Reader(2).Paused.End)
}

func TestStallsAreRememberedForAWhile(t *testing.T) {
	a, b := two(t)
	a.NodeStalled(1, 3*time.Millisecond)
	a.NodeStalled(1, 30*time.Millisecond)
	a.NodeStalled(1, 3*time.Millisecond)
	require.EqualValues(t, 30*time.Millisecond, b.Reader(1).Stall)
	require.Zero(t, b.Reader(0).Stall)
	b.CoordinatorStalled(40 * time.Millisecond)
	require.EqualValues(t, 40*time.Millisecond, a.Reader(1).Stall, "the worse of both")
	require.EqualValues(t, 40*time.Millisecond, a.Reader(0).Stall)
}

func TestHistory(t *testing.T) {
	a, b := two(t)
	a.Note(0, 3, Wrote, 5, 1)
	b.Note(2, 3, LoadBegan, 5, 2)
	b.NoteRead(1, 3, 5)
	b.NoteRead(1, 3, 5)
	b.NoteRead(1, 3, 6)
	a.Note(0, 4, Wrote, 9, 1)
	history := a.History(3)
	require.Len(t, history, 4)
	var what []What
	for i, e := range history {
		what = append(what, e.What)
		if i > 0 {
			require.GreaterOrEqual(t, e.At, history[i-1].At)
		}
	}
	require.Equal(t, []What{Wrote, LoadBegan, Read, Read}, what)
	require.Contains(t, history[1].String(), "node 2  load began           version 5")
	for range 5 * eventSlots {
		a.Note(0, 3, Wrote, 1, 1)
	}
	require.Len(t, a.History(3), eventSlots+3)
}

func TestEveryEventHasAName(t *testing.T) {
	for w := Started; w <= Held; w++ {
		require.NotEmpty(t, w.String())
	}
}

func TestTokens(t *testing.T) {
	a, b := two(t)
	_, _, _, ok := b.Posted(0)
	require.False(t, ok)
	require.True(t, a.Post(0, 3, 7, []byte("hello, world")))
	k, version, token, ok := b.Posted(0)
	require.True(t, ok)
	require.Equal(t, 3, k)
	require.EqualValues(t, 7, version)
	require.Equal(t, "hello, world", string(token))
	require.False(t, a.Post(0, 3, 8, make([]byte, tokenMax+1)))
	require.True(t, a.Post(0, 3, 8, make([]byte, tokenMax)))
	_, version, token, _ = b.Posted(0)
	require.EqualValues(t, 8, version)
	require.Len(t, token, tokenMax)
	_, _, _, ok = b.Posted(1)
	require.False(t, ok)
}

func TestCounters(t *testing.T) {
	a, b := two(t)
	a.Count(0, Judged, 2)
	b.Count(2, Judged, 3)
	require.EqualValues(t, 5, a.Sum(Judged))
	a.Worst(1, Slowest, 5)
	a.Worst(1, Slowest, 4)
	require.EqualValues(t, 5, b.Max(Slowest))
	require.Less(t, nodeCounters+int(Counters), tokenSeq, "they have room before the tokens")
}

func TestNowIsMonotonicAndMoves(t *testing.T) {
	from := Now()
	for Now() == from {
		require.GreaterOrEqual(t, Now(), from)
	}
	require.Greater(t, Now(), from)
}
