package tiered

import (
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMessageRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPublisher()
		p.last = rapid.Uint64Range(0, 1<<60).Draw(t, "count")
		key := rapid.String().Draw(t, "key")
		m, err := parseMessage(p.message(msgWake, key))
		require.NoError(t, err)
		require.Equal(t, message{kind: msgWake, publisher: p.id, key: key}, m)
		m, err = parseMessage(p.message(msgInvalidate, key))
		require.NoError(t, err)
		require.Equal(t, message{kind: msgInvalidate, publisher: p.id, count: p.last, key: key}, m)
		seq, previous := rapid.Uint64().Draw(t, "seq"), rapid.Uint64().Draw(t, "previous")
		m, err = parseMessage(p.message(msgPrefix, "") + strconv.FormatUint(seq, 10) + " " + strconv.FormatUint(previous, 10) + " " + key)
		require.NoError(t, err)
		require.Equal(t, message{kind: msgPrefix, publisher: p.id, count: p.last, key: key, seq: seq, previous: previous}, m)
	})
}

func TestMalformedMessages(t *testing.T) {
	var p publisher
	head := p.message(msgPrefix, "")
	for _, s := range []string{
		"", "I", head[:len(head)-1], head, head + "1", head + "1 2", head + "x 2 p", head + "1 y p", head + "-1 2 p",
		head + "18446744073709551616 1 p", "?" + head[1:] + "1 2 p",
	} {
		_, err := parseMessage(s)
		require.ErrorIs(t, err, errMessage, "%q", s)
	}
}

func FuzzParseMessage(f *testing.F) {
	p := newPublisher()
	p.settle(p.message(msgInvalidate, ""), false)
	beat, _ := p.beat()
	f.Add(beat)
	bye, _ := p.farewell()
	f.Add(bye)
	f.Add(p.message(msgInvalidate, "users:1"))
	f.Add(p.message(msgWake, ""))
	f.Add(p.message(msgPrefix, "12 11 users"))
	f.Add("P")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMessage(s)
		require.LessOrEqual(t, len(m.voids), voidMax)
		if err == nil {
			require.Equal(t, s[0], m.kind)
			require.LessOrEqual(t, len(m.key), len(s))
		}
	})
}

func FuzzParseSeq(f *testing.F) {
	for _, s := range []string{"0", "1795000000000000", "1.795e+15", "-1", "9007199254740993", "18446744073709551615", "inf", "nan", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseSeq(s)
		if want, bad := strconv.ParseUint(s, 10, 53); bad == nil {
			require.NoError(t, err)
			require.Equal(t, want, n)
		} else if err == nil {
			float, _ := strconv.ParseFloat(s, 64)
			require.False(t, math.IsNaN(float))
			require.Equal(t, uint64(float), n)
			require.LessOrEqual(t, n, uint64(1)<<53, "what a score can tell apart")
		}
	})
}

func TestParseSeqOfNoText(t *testing.T) {
	for _, v := range []any{nil, 1, int64(1), []byte("1"), "NaN", "+Inf", "-1", "1e300"} {
		_, err := parseSeq(v)
		require.Error(t, err, "%v", v)
	}
	_, err := parseRows([]any{"users", "1", "posts", "x"})
	require.Error(t, err)
	rows, err := parseRows([]any{"users", "1", "posts", "1.5e3"})
	require.NoError(t, err)
	require.Equal(t, []prefixSeq{{"users", 1}, {"posts", 1500}}, rows)
}
