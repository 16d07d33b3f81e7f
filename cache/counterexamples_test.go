package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// The traces of internal/model that need flights, against the code; those that do not are in package tiered. Each test is
// named after the rule whose absence the trace shows, and is red without it.

// crossing is a hook that does something once: just before a command is sent, or just after Redis has executed it and
// before its caller knows. What is done returns what the caller gets.
type crossing struct {
	commandHook
	mu   sync.Mutex
	acts []act
}

type act struct {
	when  func(redis.Cmder) bool
	after bool
	do    func() error
}

func (h *crossing) before(when func(redis.Cmder) bool, do func() error) { h.add(act{when, false, do}) }
func (h *crossing) after(when func(redis.Cmder) bool, do func() error)  { h.add(act{when, true, do}) }

func (h *crossing) add(a act) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, a)
}

// done requires that everything has come up.
func (h *crossing) done(t testing.TB) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Empty(t, h.acts)
}

func (h *crossing) take(cmd redis.Cmder, after bool) error {
	h.mu.Lock()
	for i, a := range h.acts {
		if a.after == after && a.when(cmd) {
			h.acts = append(h.acts[:i:i], h.acts[i+1:]...)
			h.mu.Unlock()
			return a.do()
		}
	}
	h.mu.Unlock()
	return nil
}

func (h *crossing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := h.take(cmd, false); err != nil {
			cmd.SetErr(err)
			return err
		}
		err := next(ctx, cmd)
		var answer redis.Error
		if err != nil && !errors.As(err, &answer) || redis.HasErrorPrefix(err, "NOSCRIPT") {
			return err // not executed; after NOSCRIPT its text follows
		}
		if lost := h.take(cmd, true); lost != nil {
			cmd.SetErr(lost)
			return lost
		}
		return err
	}
}

// reading is GET of "k".
func reading(cmd redis.Cmder) bool { return cmd.Name() == "get" && cmd.Args()[1] == "freshet:rows:k" }

// publishes tells whether a command is a script that publishes that "k" changed.
func publishes(cmd redis.Cmder) bool {
	args := cmd.Args()
	return isScript(cmd) && len(args) > 4 && args[3] == "freshet:rows:k" && args[4] == "freshet:link"
}

// sequencing is the script of a prefix invalidation.
func sequencing(cmd redis.Cmder) bool {
	return isScript(cmd) && len(cmd.Args()) > 8 && cmd.Args()[3] == "freshet:prefixes"
}

// crossed makes two nodes with a crossing each, and a cache of "k" = "old" on each, which only Redis has.
func crossed(t *testing.T, o cache.Options) (w *world, src *source, a, b *rows, ha, hb *crossing) {
	t.Helper()
	var hooks []*crossing
	w = newWorld(t, 2, func(o *tiered.Options) {
		h := &crossing{}
		hooks = append(hooks, h)
		o.Redis.AddHook(h)
	})
	src = newSource("k", "old")
	if o.TTL.IsZero() {
		o.TTL = ttl.Fixed(time.Hour)
	}
	cs := w.openAll(src, o)
	other := w.nodes[0].Options()
	other.Redis = w.nets[0].Client(t)
	warmer, err := tiered.Open(other)
	require.NoError(t, err)
	get(t, openOn(t, warmer, src, o), "k", "old")
	pass(time.Millisecond)
	require.NoError(t, warmer.Close())
	return w, src, cs[0], cs[1], hooks[0], hooks[1]
}

// second detach, prefix detaches, join only a registered flight: join by Stamp. A flight that began while Redis was being
// told still waits for its answer of before when the invalidation has returned: nobody joins it, and nothing of it stays.
func TestModelJoinByStamp(t *testing.T) {
	for killer, kill := range killers {
		if killer == "Mutate" {
			continue // the flight sees its hold
		}
		t.Run(killer, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, src, a, _, h, _ := crossed(t, cache.Options{})
				when := publishes
				if killer == "InvalidatePrefix" || killer == "InvalidatePrefix of all" {
					when = sequencing
				}
				arrives := make(chan struct{})
				var began <-chan answer
				h.before(when, func() error { // the origin is written; first bump
					h.after(reading, func() error { <-arrives; return nil }) // GET: executed, "old"
					began = async(func() (string, error) { return a.Get(bg, "k") })
					pass2(time.Millisecond)
					return nil
				})
				require.NoError(t, kill(a, src)) // Redis is told; second bump; it returns
				h.done(t)
				later := async(func() (string, error) { return a.Get(bg, "k") }) // a caller that asks now
				pass2(time.Millisecond)
				close(arrives)
				require.Equal(t, "new", (<-later).value)
				<-began
				get(t, a, "k", "new")
			})
		})
	}
}

// receiver detaches: the same on a node that has heard of it.
func TestModelJoinByStampAfterAMessage(t *testing.T) {
	for killer, kill := range killers {
		t.Run(killer, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				_, src, a, b, _, h := crossed(t, cache.Options{})
				arrives := make(chan struct{})
				h.after(reading, func() error { <-arrives; return nil })
				began := async(func() (string, error) { return b.Get(bg, "k") }) // GET: executed, "old"
				pass2(time.Millisecond)
				h.done(t)
				require.NoError(t, kill(a, src))
				pass2(time.Millisecond) // a message is heard
				later := async(func() (string, error) { return b.Get(bg, "k") })
				pass2(time.Millisecond)
				close(arrives)
				require.Equal(t, "new", (<-later).value)
				<-began
				get(t, b, "k", "new")
			})
		})
	}
}

// epoch bump detaches: the same on a node that was not told, but has lost its link meanwhile.
func TestModelJoinByStampAfterAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, src, a, b, _, _ := crossed(t, cache.Options{})
		require.NoError(t, a.Invalidate(bg, "k"))
		pass(time.Millisecond)
		src.slow(2 * time.Second)
		began := async(func() (string, error) { return b.Get(bg, "k") }) // LEASE: granted; the load reads "old"
		pass(100 * time.Millisecond)
		w.nets[1].Cut() // the link is cut, what is under way on it is lost
		src.slow(0)
		src.set("k", "new")
		require.NoError(t, a.Invalidate(bg, "k"))
		pass(500 * time.Millisecond) // restored
		require.True(t, w.nodes[1].Stats().LinkUp)
		get(t, b, "k", "new")
		require.Equal(t, "old", (<-began).value, "it asked before")
		for _, c := range []*rows{a, b} {
			get(t, c, "k", "new")
		}
	})
}

// set stamps before its fill: an Invalidate of another node comes between the fill and memory.
func TestModelSetStampsBeforeItsFill(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, src, a, b, h, _ := crossed(t, cache.Options{})
		h.after(fillsKey, func() error { // FILL: stored
			src.set("k", "new")
			require.NoError(t, b.Invalidate(bg, "k"))
			pass2(time.Millisecond) // a message is heard
			return nil
		})
		require.NoError(t, a.Set(bg, "k", "set")) // kept in memory, it returns
		h.done(t)
		get(t, a, "k", "new")
	})
}

// hold outlives its write: what readers get is not kept until the Mutate's time is over, and it dies after its commit.
func TestModelHoldOutlivesItsWrite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, src, a, b, _, _ := crossed(t, cache.Options{MutateTimeout: 4 * time.Second})
		err := a.Mutate(bg, "k", func(ctx context.Context) error {
			pass2(3900 * time.Millisecond)
			require.NoError(t, ctx.Err())
			for _, c := range []*rows{a, b} {
				get(t, c, "k", "old")
			}
			src.set("k", "new") // committed, and then the process dies
			w.nets[0].Down()
			get(t, b, "k", "new")
			pass2(3 * time.Second) // the hold expires
			get(t, b, "k", "new")
			return nil
		})
		require.ErrorIs(t, err, tiered.ErrDeferred)
	})
}

// held is not kept, unseen is not kept, no memory commit of what a flight loaded that saw no hold: a Mutate begins while a
// load is under way, on the same node and on another.
func TestModelMutateDuringALoad(t *testing.T) {
	for node := range 2 {
		t.Run([]string{"same node", "other node"}[node], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w, src, a, b, _, _ := crossed(t, cache.Options{})
				c := []*rows{a, b}[node]
				require.NoError(t, a.Invalidate(bg, "k"))
				pass(time.Millisecond)
				src.slow(time.Second)
				began := async(func() (string, error) { return c.Get(bg, "k") })
				pass(100 * time.Millisecond)
				w.nodes[0].Hold("rows:k", 10*time.Second)
				src.slow(0)
				src.set("k", "new") // committed, and then the process dies
				pass(time.Millisecond)
				get(t, c, "k", "new")
				require.Equal(t, "old", (<-began).value)
				for range 2 {
					get(t, a, "k", "new")
					get(t, b, "k", "new")
					pass(11 * time.Second) // the hold expires
				}
			})
		})
	}
}
