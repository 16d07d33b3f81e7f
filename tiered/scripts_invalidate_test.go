package tiered

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// states are the things that may lie under a key, by name.
func states() map[string]string {
	v := someValue(someToken)
	r := record{negative: true, fresh: 1 << 41}
	return map[string]string{
		"nothing":            "",
		"value":              v,
		"absence":            string(r.appendTo(nil, someToken, "k", "c")),
		"expired":            "X" + v[1:],
		"lease":              "L" + someToken + "0",
		"lease over a value": "L" + someToken + "0" + v,
		"hold":               hold + random,
		"foreign":            "foreign bytes",
		"foreign as a head":  strings.Repeat("V", headerSize),
	}
}

func (d desk) lay(state string) {
	d.Helper()
	require.NoError(d, d.rdb.Del(d.Context(), d.key).Err())
	switch b := states()[state]; {
	case state == "list":
		require.NoError(d, d.rdb.LPush(d.Context(), d.key, 1).Err())
	case b != "":
		d.put(b)
	}
}

// transitions checks what a script makes of each state, and that it publishes its message each time.
func transitions(t *testing.T, s *redis.Script, args []any, want map[string]string) {
	t.Helper()
	onEachServer(t, func(d desk) {
		sub := d.rdb.Subscribe(d.Context(), "ns:link")
		defer func() { require.NoError(d, sub.Close()) }()
		_, err := sub.Receive(d.Context())
		require.NoError(d, err)
		for from, to := range want {
			for _, times := range []string{"once", "repeated"} {
				if times == "once" {
					d.lay(from)
				}
				d.run(s, append([]any{"ns:link", "\x00message\xff"}, args...)...)
				require.Equal(d, states()[to], d.get(), "%s, %s", from, times)
				if to != "nothing" {
					require.Positive(d, d.ttl(), "%s: its TTL stays", from)
				} else {
					require.Zero(d, d.rdb.Exists(d.Context(), d.key).Val(), from)
				}
				m, err := sub.ReceiveMessage(d.Context())
				require.NoError(d, err)
				require.Equal(d, "\x00message\xff", m.Payload)
			}
		}
	})
}

func TestScriptInvalidate(t *testing.T) {
	transitions(t, scriptInvalidate, nil, map[string]string{
		"nothing": "nothing", "value": "nothing", "absence": "nothing", "expired": "nothing", "lease": "nothing",
		"lease over a value": "nothing", "foreign": "nothing", "list": "nothing", "hold": "hold",
	})
}

func TestScriptExpire(t *testing.T) {
	transitions(t, scriptExpire, nil, map[string]string{
		"nothing": "nothing", "value": "expired", "absence": "nothing", "expired": "expired", "lease": "nothing",
		"lease over a value": "nothing", "foreign": "nothing", "foreign as a head": "nothing", "list": "nothing", "hold": "hold",
	})
}

func TestScriptReleaseOfWhatIsNoHold(t *testing.T) {
	transitions(t, scriptRelease, []any{random, 0}, map[string]string{
		"nothing": "nothing", "value": "nothing", "absence": "nothing", "expired": "nothing", "lease": "nothing",
		"foreign": "nothing", "list": "nothing", "hold": "nothing",
	})
}

func TestScriptReleaseOfAnothersHold(t *testing.T) {
	transitions(t, scriptRelease, []any{strings.Repeat("o", 16), 0}, map[string]string{"hold": "hold", "value": "nothing"})
}

func TestScriptSet(t *testing.T) {
	onEachServer(t, func(d desk) {
		for from := range states() {
			d.lay(from)
			tok := d.run(scriptSet, "ns:link", "m", random, 60_000).(string)
			if from == "hold" {
				require.Empty(d, tok)
				require.Equal(d, states()[from], d.get())
				continue
			}
			require.Len(d, tok, 23)
			require.Equal(d, "L"+tok+"0", d.get(), from)
			require.InDelta(d, time.Minute, d.ttl(), float64(10*time.Second))
			again := d.run(scriptSet, "ns:link", "m", random, 60_000)
			require.NotEqual(d, tok, again, "repeated: a lease of its own")
		}
	})
}

func TestScriptHold(t *testing.T) {
	one, two := strings.Repeat("1", 16), strings.Repeat("2", 16)
	onEachServer(t, func(d desk) {
		place := func(tok string, ttl time.Duration) { d.run(scriptHold, "ns:link", "m", tok, ttl.Milliseconds()) }
		release := func(tok string, after time.Duration) {
			d.run(scriptRelease, "ns:link", "m", tok, after.Milliseconds())
		}
		near := func(want time.Duration) { d.Helper(); require.InDelta(d, want, d.ttl(), float64(10*time.Second)) }

		for from := range states() {
			d.lay(from)
			place(one, time.Minute)
			want := hold + one
			if from == "hold" {
				want = hold + random + one
			}
			require.Equal(d, want, d.get(), from)
		}

		d.lay("value")
		place(one, time.Minute)
		near(time.Minute)
		place(two, time.Hour)
		near(time.Hour)
		place(one, time.Minute) // repeated
		require.Equal(d, hold+one+two, d.get())
		near(time.Hour) // the longest counts
		release(one, 0)
		require.Equal(d, hold+two, d.get())
		near(time.Hour)
		release(one, 0) // repeated
		require.Equal(d, hold+two, d.get())
		release(two, 0)
		require.Empty(d, d.get())

		// Held after the write, for databases that are read through replicas.
		place(one, time.Hour)
		release(one, time.Minute)
		require.Equal(d, hold, d.get()[:headerSize])
		near(time.Minute)
		place(two, time.Second)
		near(time.Minute)
		release(two, 0)
		require.Equal(d, hold, d.get()[:headerSize], "the time after the first write is not over")
	})
}
