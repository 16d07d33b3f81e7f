package tiered

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// enter runs scriptPrefix, and returns the sequence and the rows after known.
func (d desk) enter(prefix string, known, after uint64, horizon time.Duration, limit int) (uint64, []prefixSeq) {
	d.Helper()
	answer := d.run(scriptPrefix, prefix, known, horizon.Microseconds(), limit, "ns:link", "head", after).([]any)
	require.Len(d, answer, 2)
	seq, err := parseSeq(answer[0])
	require.NoError(d, err)
	rows, err := parseRows(answer[1].([]any))
	require.NoError(d, err)
	return seq, rows
}

func TestScriptPrefix(t *testing.T) {
	onEachServer(t, func(d desk) {
		sub := d.rdb.Subscribe(d.Context(), "ns:link")
		defer func() { require.NoError(d, sub.Close()) }()
		_, err := sub.Receive(d.Context())
		require.NoError(d, err)
		now := uint64(time.Now().UnixMicro())
		heard := func(seq, previous uint64, prefix string) {
			d.Helper()
			m, err := sub.ReceiveMessage(d.Context())
			require.NoError(d, err)
			require.Equal(d, fmt.Sprintf("head%d %d %s", seq, previous, prefix), m.Payload)
		}

		a, rows := d.enter("users", 0, 0, time.Hour, 100)
		require.InDelta(d, now, a, 60e6, "at least the server's microseconds")
		require.Equal(d, []prefixSeq{{"users", a}}, rows)
		heard(a, 0, "users")
		b, rows := d.enter("posts:1", 0, a, time.Hour, 100)
		require.Greater(d, b, a)
		require.Equal(d, []prefixSeq{{"posts:1", b}}, rows, "only what is newer than known")
		heard(b, a, "posts:1")

		ahead := uint64(time.Now().Add(time.Hour).UnixMicro())
		c, _ := d.enter("users", ahead, b, time.Hour, 100)
		require.Equal(d, ahead+1, c, "above what the caller knows")
		heard(c, b, "users")
		e, rows := d.enter("", 0, 0, time.Hour, 100)
		require.Equal(d, c+1, e, "above the last, though the clock is behind it")
		require.Equal(d, []prefixSeq{{"posts:1", b}, {"users", c}, {"", e}}, rows, "a prefix has its last sequence only")
		heard(e, c, "")
		require.InDelta(d, 2*time.Hour, d.ttl(), float64(time.Minute), "the set outlives every value")
	})
}

func TestScriptPrefixForgetsByNow(t *testing.T) {
	onEachServer(t, func(d desk) {
		old := time.Now().Add(-2 * time.Hour).UnixMicro()
		ahead := uint64(time.Now().Add(24 * time.Hour).UnixMicro())
		require.NoError(d, d.rdb.Do(d.Context(), "ZADD", d.key, old, "old", time.Now().Add(-time.Minute).UnixMicro(), "young").Err())
		seq, rows := d.enter("users", ahead, 0, time.Hour, 100)
		require.Equal(d, ahead+1, seq)
		require.Len(d, rows, 2, "the sequence runs ahead; young is younger than an hour all the same")
		require.Equal(d, "young", rows[0].prefix)
	})
}

func TestScriptPrefixCollapsesAboveTheMaximum(t *testing.T) {
	onEachServer(t, func(d desk) {
		var last uint64
		for i := range 3 {
			last, _ = d.enter(strconv.Itoa(i), 0, 0, time.Hour, 3)
		}
		seq, rows := d.enter("one too many", 0, last, time.Hour, 3)
		require.Greater(d, seq, last)
		require.Equal(d, []prefixSeq{{"", seq}}, rows, "one invalidation of everything")
		require.EqualValues(d, 1, d.rdb.ZCard(d.Context(), d.key).Val())
	})
}

func TestScriptRaise(t *testing.T) {
	onEachServer(t, func(d desk) {
		raiseTo := func(n uint64) { d.run(scriptRaise, n, time.Hour.Milliseconds()) }
		ahead := uint64(time.Now().Add(24 * time.Hour).UnixMicro())
		raiseTo(ahead)
		raiseTo(ahead - 5)
		seq, rows := d.enter("users", 0, ahead, time.Hour, 100)
		require.Equal(d, ahead+1, seq)
		require.Equal(d, []prefixSeq{{"users", seq}}, rows)
		raiseTo(seq)
		require.EqualValues(d, 2, d.rdb.ZCard(d.Context(), d.key).Val())
		raiseTo(0)
		require.Positive(d, d.ttl())
	})
}
