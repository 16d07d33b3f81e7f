package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// fromRedis opens a cache that has only Redis.
func fromRedis[K comparable, V any](t *testing.T, load func(context.Context, K) (V, error), o cache.Options) *cache.Cached[K, V] {
	t.Helper()
	_, rdb := redistest.Mini(t)
	store, err := tiered.Open(tiered.Options{Redis: rdb, Engine: tiered.NoMemory, Budget: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	o.Store, o.Name = store, "c"
	c, err := cache.New(load, o)
	require.NoError(t, err)
	return c
}

// The tickets of reads from Redis are used again. No reader may see what another's ticket, or the next, brings: not one who
// has joined, nor one who gave up.
func TestNobodySeesATicketThatIsUsedAgain(t *testing.T) {
	c := fromRedis(t, func(_ context.Context, k int) (string, error) { return fmt.Sprint("value of ", k), nil },
		cache.Options{TTL: ttl.Fixed(time.Hour)})
	const keys, callers, rounds = 8, 16, 200
	right := func(k int, v string) bool { return v == fmt.Sprint("value of ", k) }
	var callersDone sync.WaitGroup
	for caller := range uint64(callers) {
		callersDone.Go(func() {
			r := rand.New(rand.NewPCG(1, caller))
			for range rounds {
				ctx, cancel := context.WithCancel(bg)
				if r.IntN(4) == 0 {
					go cancel()
				}
				if r.IntN(2) == 0 {
					k := r.IntN(keys)
					v, err := c.Get(ctx, k)
					if err == nil && !right(k, v) || err != nil && !errors.Is(err, context.Canceled) {
						t.Errorf("Get(%d) = %q, %v", k, v, err)
					}
				} else {
					vs, err := c.GetMany(ctx, r.Perm(keys)[:1+r.IntN(keys)])
					for k, v := range vs {
						if !right(k, v) {
							t.Errorf("GetMany: %d is %q", k, v)
						}
					}
					if err != nil && !errors.Is(err, context.Canceled) {
						t.Error("GetMany:", err)
					}
				}
				cancel()
			}
		})
	}
	callersDone.Wait()
	s := c.Stats()
	require.NotZero(t, s.RedisHits)
	require.NotZero(t, s.Joined)
	balanced(t, s, -1)
}

// short keeps its text inside itself, and points to it.
type short struct {
	buf  [8]byte
	text []byte
}

func (s short) MarshalBinary() ([]byte, error) { return s.text, nil }

func (s *short) UnmarshalBinary(b []byte) error {
	s.text = s.buf[:copy(s.buf[:], b)]
	return nil
}

// A value may point into the place where it was decoded: that must not become another's.
func TestValuesThatPointIntoThemselves(t *testing.T) {
	c := fromRedis(t, func(_ context.Context, k int) (short, error) { return short{text: fmt.Append(nil, k)}, nil },
		cache.Options{TTL: ttl.Fixed(time.Hour)})
	want := map[int]string{1: "1", 2: "2", 3: "3"}
	keys := []int{1, 2, 3}
	for range 3 { // loads, then Redis
		var first []short
		for _, k := range keys {
			v, err := c.Get(bg, k)
			require.NoError(t, err)
			first = append(first, v)
		}
		many, err := c.GetMany(bg, keys)
		require.NoError(t, err)
		_, err = c.GetMany(bg, []int{3, 1, 2})
		require.NoError(t, err)
		for i, k := range keys {
			require.Equal(t, want[k], string(first[i].text))
			require.Equal(t, want[k], string(many[k].text))
		}
	}
	require.NotZero(t, c.Stats().RedisHits)
}
