package tiered

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// obeying makes a batcher whose round trips take d, as long as their contexts live.
func obeying(d time.Duration) *batcher[string, []byte] {
	b := echo(nil)
	b.run = func(ctx context.Context, keys []string) (replies [][]byte, err error) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		for _, k := range keys {
			replies = append(replies, []byte(k))
		}
		return replies, nil
	}
	return b
}

// Who makes his own round trip notices soon that his context was cancelled. What he asked is answered all the same.
func TestACallerOnHisOwnRoundTripIsCancelledSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := obeying(20 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		began := time.Now()
		in := b.ask(ctx, "k")
		require.False(t, in.wait(ctx))
		require.LessOrEqual(t, time.Since(began), time.Millisecond+patience)
		in.wait(context.Background())
		in.each(func(_ int, reply []byte, err error) {
			require.NoError(t, err)
			require.Equal(t, "k", string(reply))
		})
		require.LessOrEqual(t, time.Since(began), b.remote.budget)
		requireIdle(t, b)
	})
}

// Nobody's context ends a round trip that others wait for.
func TestLeavingEndsNobodyElsesRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sizes := slow(10*time.Millisecond, nil)
		b.remote.promise = nil
		cancelled, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				ctx := t.Context()
				if i%2 == 0 {
					ctx = cancelled
				}
				reply, late, err := read(ctx, b, "k")
				if reply != "k" || err != nil || late != (i%2 == 0) {
					t.Errorf("%d: %q, %v, %v", i, reply, late, err)
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		cancel()
		wg.Wait()
		require.LessOrEqual(t, len(sizes()), 3)
		requireIdle(t, b)
	})
}

func TestAPanicOfTheClientIsNoAnswer(t *testing.T) {
	for name, run := range map[string]func(){"panic": func() { panic("in a hook") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := echo(nil)
				b.remote.promise = nil
				b.run = func(context.Context, []string) ([][]byte, error) {
					run()
					return nil, nil
				}
				require.LessOrEqual(t, readAll(t, b, 100, errUnseen), b.remote.budget)
				requireIdle(t, b)
			})
		})
	}
	t.Run("alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := echo(func([]string) error { panic("in the client") })
			require.Zero(t, readAll(t, b, 1, errUnseen))
			requireIdle(t, b)
		})
	})
}

// Questions of many go in as few batches as they fit in, and each caller gets his own answers.
func TestManyQuestionsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, promise := range []bool{true, false} {
			b, sizes := slow(time.Millisecond, nil)
			if !promise {
				b.remote.promise = nil
			}
			var wg sync.WaitGroup
			for caller := range 5 {
				wg.Go(func() {
					keys := make([]string, 200)
					for i := range keys {
						keys[i] = string(rune(1000*caller + i + 1))
					}
					in := b.ask(t.Context(), keys...)
					in.wait(context.Background())
					next := 0
					in.each(func(i int, reply []byte, err error) {
						if i != next || err != nil || string(reply) != keys[i] {
							t.Errorf("%d instead of %d: %q, %v", i, next, reply, err)
						}
						next++
					})
					if next != len(keys) {
						t.Errorf("%d answers", next)
					}
				})
			}
			wg.Wait()
			sum := 0
			for _, n := range sizes() {
				require.LessOrEqual(t, n, readChunk)
				sum += n
			}
			require.Equal(t, 1000, sum)
			requireIdle(t, b)
		}
	})
}

// What must not go out any more when its turn comes does not.
func TestACommandThatIsNotToGoOutAnyMore(t *testing.T) {
	onEachServer(t, func(d desk) {
		set := func(key string) command { return invoke(scriptSet, key, "ns:link", "m", random, 1000) }
		late := set("late")
		late.still = func() bool { return false }
		results := d.remote.run(set("a"), late, set("b"))
		require.NoError(d, results[0].err)
		require.ErrorIs(d, results[1].err, errStale)
		require.NoError(d, results[2].err)
		require.EqualValues(d, 2, d.rdb.Exists(d.Context(), "ns:a", "ns:b", "ns:late").Val())
		require.ErrorIs(d, d.remote.run(late)[0].err, errStale)
	})
}
