package cache_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/stretchr/testify/require"
)

// everyone asks for "k" on every node at once.
func (w *world) everyone(cs []*rows, callers int) (all []<-chan answer) {
	w.Helper()
	for range callers {
		for _, c := range cs {
			all = append(all, async(func() (string, error) { return c.Get(bg, "k") }))
		}
	}
	return all
}

func TestF5OneLoadOnThreeNodes(t *testing.T) {
	inSomeWorlds(t, []int{0, 1, 3}, func(w *world) {
		src := newSource("k", "v")
		src.slow(time.Second)
		cs := w.openAll(src, cache.Options{})
		for _, ch := range w.everyone(cs, 50) {
			a := <-ch
			require.NoError(w, a.err)
			require.Equal(w, "v", a.value)
			require.LessOrEqual(w, a.after, 1010*time.Millisecond, "the fill wakes those who wait")
		}
		require.Equal(w, 1, src.loads("k"))
		var sum cache.Stats
		for _, c := range cs {
			balanced(w, c.Stats(), 50)
			sum = sum.Add(c.Stats())
		}
		balanced(w, sum, 50*len(cs))
		require.EqualValues(w, 1, sum.Loads)
		require.EqualValues(w, len(cs)-1, sum.RedisHits)
		require.EqualValues(w, len(cs)-1, sum.Waits)
		require.EqualValues(w, 49*len(cs), sum.Joined)
	})
}

// A load that takes many times a lease is still the only one.
func TestF5OneLongLoad(t *testing.T) {
	inSomeWorlds(t, []int{3}, func(w *world) {
		src := newSource("k", "v")
		src.slow(25 * time.Second)
		cs := w.openAll(src, cache.Options{LoadTimeout: 30 * time.Second, TTL: staleAWhile.TTL})
		for _, ch := range w.everyone(cs, 5) {
			a := <-ch
			require.NoError(w, a.err)
			require.Equal(w, "v", a.value)
		}
		require.Equal(w, 1, src.loads("k"))
	})
}

// Absence is an answer like any other.
func TestF5OneLoadOfWhatIsAbsent(t *testing.T) {
	inSomeWorlds(t, []int{3}, func(w *world) {
		src := newSource()
		src.slow(time.Second)
		for _, ch := range w.everyone(w.openAll(src, cache.Options{}), 10) {
			require.ErrorIs(w, (<-ch).err, cache.ErrNotFound)
		}
		require.Equal(w, 1, src.loads("k"))
	})
}

// If the load of the one who holds the lease comes to nothing, the others go on at once.
func TestF5HolderFails(t *testing.T) {
	for name, harm := range map[string]func() error{
		"error":  func() error { return errDown },
		"panic":  func() error { panic("in a load") },
		"goexit": func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			inSomeWorlds(t, []int{3}, func(w *world) {
				first := make(chan struct{}, 1)
				loads := 0
				var cs []*rows
				for _, store := range w.nodes {
					c, err := cache.New(func(context.Context, string) (string, error) {
						<-time.After(time.Second)
						loads++ // one at a time
						select {
						case first <- struct{}{}:
							return "", harm()
						default:
							return "v", nil
						}
					}, cache.Options{Store: store, Name: "rows"})
					require.NoError(w, err)
					cs = append(cs, c)
				}
				failed := 0
				for _, ch := range w.everyone(cs, 10) {
					a := <-ch
					if a.err != nil {
						failed++
						require.Equal(w, time.Second, a.after)
						continue
					}
					require.Equal(w, "v", a.value)
					require.LessOrEqual(w, a.after, 2010*time.Millisecond)
				}
				require.Equal(w, 10, failed, "the callers of one node")
				require.Equal(w, 2, loads)
			})
		})
	}
}

// If the holder's node has vanished, one of the others loads once its lease has ended.
func TestF5HolderVanishes(t *testing.T) {
	for _, began := range []time.Duration{0, 500 * time.Millisecond, 2 * time.Second} {
		t.Run(began.String(), func(t *testing.T) {
			inSomeWorlds(t, []int{3}, func(w *world) {
				src := newSource("k", "v")
				cs := w.openAll(src, cache.Options{})
				lost := tiered.Fetch{Key: "rows:k", Codec: tiered.CBOR, Lease: 3 * time.Second, Stamp: w.nodes[2].Stamp("rows:k")}
				w.nodes[2].Acquire(&lost)
				require.Equal(w, tiered.Granted, lost.Outcome)
				pass(began)
				for _, ch := range w.everyone(cs[:2], 10) {
					a := <-ch
					require.NoError(w, a.err)
					require.Equal(w, "v", a.value)
					require.LessOrEqual(w, a.after, 3200*time.Millisecond)
				}
				require.Equal(w, 1, src.loads("k"))
				get(w, cs[2], "k", "v")
				require.Equal(w, 1, src.loads("k"))
			})
		})
	}
}

// Many keys at once, on all nodes, in any order: each is loaded once.
func TestF5ManyKeysOnThreeNodes(t *testing.T) {
	inSomeWorlds(t, []int{3}, func(w *world) {
		src := newSource("a", "A", "b", "B", "c", "C", "d", "D", "k", "K")
		src.slow(time.Second)
		cs := w.openAll(src, cache.Options{})
		var all []<-chan answer
		for i, ks := range [][]string{{"a", "b", "c", "d"}, {"d", "c", "b", "a"}, {"b", "a", "d", "k"}} {
			for _, c := range []*rows{cs[i], cs[(i+1)%3]} {
				all = append(all, async(func() (string, error) { _, err := c.GetMany(bg, ks); return "", err }))
			}
		}
		for _, ch := range all {
			a := <-ch
			require.NoError(w, a.err)
			require.LessOrEqual(w, a.after, 1100*time.Millisecond)
		}
		require.Equal(w, 5, src.loads(""))
	})
}
