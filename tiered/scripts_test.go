package tiered

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
)

// desk runs scripts by hand, against one key.
type desk struct {
	*testing.T
	rdb    *redis.Client
	remote *remote
	key    string // as Redis knows it
}

// onEachServer runs f against miniredis and against a real redis-server.
func onEachServer(t *testing.T, f func(desk)) {
	t.Helper()
	at := func(t *testing.T, rdb *redis.Client) {
		f(desk{t, rdb, newRemote(rdb, nil, 5*time.Second, "ns"), "ns:k"})
	}
	t.Run("miniredis", func(t *testing.T) {
		_, rdb := redistest.Mini(t)
		at(t, rdb)
	})
	t.Run("redis-server", func(t *testing.T) { at(t, redistest.Start(t).Client(t)) })
}

func (d desk) run(s *redis.Script, args ...any) any {
	d.Helper()
	r := d.remote.run(invoke(s, "k", args...))[0]
	require.NoError(d, r.err)
	return r.value
}

// put stores bytes under the key for an hour.
func (d desk) put(b string) {
	d.Helper()
	require.NoError(d, d.rdb.Set(d.Context(), d.key, b, time.Hour).Err())
}

// get returns the bytes under the key, "" if there are none.
func (d desk) get() string { return d.rdb.Get(d.Context(), d.key).Val() }

func (d desk) ttl() time.Duration { return d.rdb.PTTL(d.Context(), d.key).Val() }

// lease takes a lease where head is, and returns its token, or what is there.
func (d desk) lease(head, random string) (granted bool, text string) {
	d.Helper()
	answer := d.run(scriptLease, head, random, 60_000, "0").([]any)
	require.Len(d, answer, 2)
	return answer[0] != int64(0), answer[1].(string)
}

const random = "random\x00\xff89abcdef" // 16 bytes, not all of them text

// someValue is a V with a payload of every byte.
func someValue(tok string) string {
	var payload []byte
	for i := range 256 {
		payload = append(payload, byte(i))
	}
	r := record{fresh: 1 << 41, stale: 1 << 41, keep: 1 << 41, payload: append(payload, "\r\n$5\r\n"...)}
	return string(r.appendTo(nil, tok, "k", "c"))
}

func TestScriptLease(t *testing.T) {
	require.Len(t, random, 16)
	onEachServer(t, func(d desk) {
		granted, tok := d.lease("", random)
		require.True(d, granted)
		require.Len(d, tok, 23)
		require.True(d, strings.HasPrefix(tok, random))
		require.Equal(d, "L"+tok+"0", d.get())
		require.InDelta(d, time.Minute, d.ttl(), float64(10*time.Second))

		granted, found := d.lease("", random)
		require.False(d, granted, "the same random bytes again: a repeated command")
		require.Equal(d, "L"+tok+"1", found, "it is marked: somebody waits")
		require.Equal(d, "L"+tok+"1", d.get())
		require.Positive(d, d.ttl(), "the mark keeps the TTL")

		d.put(someValue(tok))
		granted, found = d.lease("", random)
		require.False(d, granted)
		require.Equal(d, someValue(tok), found, "binary-safe")
		granted, tok2 := d.lease(someValue(tok)[:headerSize], random)
		require.True(d, granted, "over the value it has seen")
		require.NotEqual(d, tok, tok2, "unique to its execution")
	})
}

func TestScriptLeaseOverForeignBytes(t *testing.T) {
	onEachServer(t, func(d desk) {
		for _, foreign := range []string{"x", strings.Repeat("x", 24), strings.Repeat("x", 300), "L", "V"} {
			d.put(foreign)
			granted, found := d.lease("", random)
			require.False(d, granted)
			require.Equal(d, foreign, found)
			granted, tok := d.lease(foreign[:min(len(foreign), headerSize)], random)
			require.True(d, granted, "%q", foreign)
			require.Equal(d, "L"+tok+"0", d.get())
		}
		require.NoError(d, d.rdb.Del(d.Context(), d.key).Err())
		require.NoError(d, d.rdb.LPush(d.Context(), d.key, "a list").Err())
		granted, tok := d.lease("", random)
		require.True(d, granted, "a key of another type reads as nothing, and is overwritten")
		require.Equal(d, "L"+tok+"0", d.get())
	})
}

func TestScriptLeaseSparesAHold(t *testing.T) {
	onEachServer(t, func(d desk) {
		d.put(hold + random)
		granted, found := d.lease("", random)
		require.False(d, granted)
		require.Equal(d, hold+random, found)
		require.Equal(d, hold+random, d.get())
	})
}

func TestScriptFill(t *testing.T) {
	onEachServer(t, func(d desk) {
		fill := func(head, rec string) any { return d.run(scriptFill, head, rec, 30_000, "ns:link", "wake") }
		_, tok := d.lease("", random)
		v := someValue(tok)
		require.EqualValues(d, 1, fill("L"+tok, v))
		require.Equal(d, v, d.get())
		require.InDelta(d, 30*time.Second, d.ttl(), float64(10*time.Second))
		require.EqualValues(d, 1, fill("L"+tok, v), "a repeated fill answers success")

		d.put("X" + v[1:])
		require.EqualValues(d, 0, fill("L"+tok, v), "another kind with the same token")
		require.EqualValues(d, 0, fill(v[:headerSize], v))
		require.Equal(d, byte('X'), d.get()[0])

		require.NoError(d, d.rdb.Del(d.Context(), d.key).Err())
		require.EqualValues(d, 0, fill("L"+tok, v), "after an invalidation")
		require.Empty(d, d.get())

		_, tok2 := d.lease("", random)
		require.EqualValues(d, 0, fill("L"+tok, v), "the lease of another")
		require.Equal(d, "L"+tok2+"0", d.get())
		d.put(hold + random)
		require.EqualValues(d, 0, fill("L"+tok2, v))
		require.Equal(d, hold+random, d.get())
	})
}

func TestScriptFillWakesThoseWhoMarkedTheLease(t *testing.T) {
	onEachServer(t, func(d desk) {
		sub := d.rdb.Subscribe(d.Context(), "ns:link")
		defer func() { require.NoError(d, sub.Close()) }()
		_, err := sub.Receive(d.Context())
		require.NoError(d, err)

		_, tok := d.lease("", random) // unmarked: a fill tells nobody
		d.run(scriptFill, "L"+tok, someValue(tok), 1000, "ns:link", "fill 1")
		d.put("")
		d.rdb.Del(d.Context(), d.key)
		_, tok = d.lease("", random)
		_, _ = d.lease("", random)
		d.run(scriptFill, "L"+tok, someValue(tok), 1000, "ns:link", "fill 2")
		m, err := sub.ReceiveMessage(d.Context())
		require.NoError(d, err)
		require.Equal(d, "fill 2", m.Payload)
	})
}

func TestScriptAbandon(t *testing.T) {
	onEachServer(t, func(d desk) {
		abandon := func(head string, left int) any { return d.run(scriptAbandon, head, left, "ns:link", "wake") }
		_, tok := d.lease("", random)
		require.EqualValues(d, 0, abandon("L"+random+"1234567", 1000), "the lease of another")
		require.NotEmpty(d, d.get())
		require.EqualValues(d, 1, abandon("L"+tok, 1000))
		require.Empty(d, d.get())
		require.EqualValues(d, 0, abandon("L"+tok, 1000), "again")

		// A lease over an expired value gives it back for what is left of its life, or not at all.
		expired := "X" + someValue(tok)[1:]
		for _, left := range []int{20_000, 0} {
			d.put(expired)
			answer := d.run(scriptLease, expired[:headerSize], random, 60_000, "1").([]any)
			require.EqualValues(d, 1, answer[0])
			require.Equal(d, "L"+answer[1].(string)+"0"+expired, d.get(), "it lies under the lease")
			require.EqualValues(d, 1, abandon("L"+answer[1].(string), left))
			if left > 0 {
				require.Equal(d, expired, d.get())
				require.InDelta(d, 20*time.Second, d.ttl(), float64(10*time.Second))
			} else {
				require.Empty(d, d.get())
			}
		}
	})
}

func TestScriptClaim(t *testing.T) {
	onEachServer(t, func(d desk) {
		v := someValue(someToken)
		d.put(v)
		claim := func(head string, d2 time.Duration) any { return d.run(scriptClaim, head, d2.Microseconds()) }
		require.EqualValues(d, 0, claim("V"+strings.Repeat("x", 23), time.Minute), "another value")
		require.EqualValues(d, 1, claim(v[:headerSize], time.Minute))
		require.EqualValues(d, 0, claim(v[:headerSize], time.Minute), "one for all")
		_, err := parseRecord([]byte(d.get()), "k", "c")
		require.NoError(d, err, "a claimed value is a value")
		var until [8]byte // microseconds, of which seven bytes are stored
		copy(until[1:], d.get()[headerSize:31])
		require.InDelta(d, time.Now().Add(time.Minute).UnixMicro(), binary.BigEndian.Uint64(until[:]), 10e6)
		require.Equal(d, v[31:], d.get()[31:])
		require.Positive(d, d.ttl(), "a claim keeps the TTL")

		d.put(v)
		require.EqualValues(d, 1, claim(v[:headerSize], -time.Second))
		require.EqualValues(d, 1, claim(v[:headerSize], time.Minute), "a claim that is over")
		require.NoError(d, d.rdb.Del(d.Context(), d.key).Err())
		require.EqualValues(d, 0, claim(v[:headerSize], time.Minute))
		require.Empty(d, d.get(), "a claim of nothing makes nothing")
	})
}

func TestScriptsInAPipelineAfterScriptFlush(t *testing.T) {
	onEachServer(t, func(d desk) {
		for range 2 {
			require.NoError(d, d.rdb.ScriptFlush(d.Context()).Err())
			cmds := make([]command, 5)
			for i := range cmds {
				cmds[i] = invoke(scriptSet, string(rune('a'+i)), "ns:link", "m", random, 1000)
			}
			for i, r := range d.remote.run(cmds...) {
				require.NoError(d, r.err)
				require.Equal(d, "L"+r.value.(string)+"0", d.rdb.Get(d.Context(), "ns:"+cmds[i].key).Val())
			}
		}
	})
}
