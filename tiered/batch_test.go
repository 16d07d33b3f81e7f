package tiered

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slow makes a batcher whose round trips take d and fail with err, and a log of their sizes. A reply holds its key.
func slow(d time.Duration, err error) (*batcher, func() []int) {
	var mu sync.Mutex
	var sizes []int
	return &batcher{run: func(keys []string, _ time.Duration) ([][]byte, error) {
			mu.Lock()
			sizes = append(sizes, len(keys))
			mu.Unlock()
			time.Sleep(d)
			if err != nil {
				return nil, err
			}
			replies := make([][]byte, len(keys))
			for i, k := range keys {
				replies[i] = []byte(k)
			}
			return replies, nil
		}}, func() []int {
			mu.Lock()
			defer mu.Unlock()
			return sizes
		}
}

// readAll reads n keys at once, and returns how long the slowest took.
func readAll(t *testing.T, b *batcher, n int, want error) time.Duration {
	t.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r, err := b.read(fmt.Sprint(i))
			if !errors.Is(err, want) {
				t.Errorf("%v instead of %v", err, want)
			} else if err == nil && string(r) != fmt.Sprint(i) {
				t.Errorf("the reply of %s for %d", r, i)
			}
		})
	}
	wg.Wait()
	return time.Since(began)
}

func TestALoneReadIsSentAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sizes := slow(time.Millisecond, nil)
		require.Equal(t, time.Millisecond, readAll(t, b, 1, nil))
		require.Equal(t, 2*time.Millisecond, readAll(t, b, 1, nil)+readAll(t, b, 1, nil))
		require.Equal(t, []int{1, 1, 1}, sizes())
	})
}

func TestReadsShareRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sizes := slow(time.Millisecond, nil)
		require.Equal(t, 2*time.Millisecond, readAll(t, b, 100, nil))
		require.Equal(t, []int{1, 1, 98}, sizes(), "two in flight, all others together")
		require.Equal(t, 3*time.Millisecond, readAll(t, b, 2+readChunk+1, nil)+time.Millisecond)
		require.ElementsMatch(t, []int{1, 1, readChunk, 1}, sizes()[3:], "in chunks, two in flight")
		require.Zero(t, b.inFlight)
		require.Nil(t, b.queue)
	})
}

func TestAFailureFailsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		b, sizes := slow(50*time.Millisecond, down)
		require.Equal(t, 50*time.Millisecond, readAll(t, b, 100, down), "nobody waits for two budgets")
		require.Equal(t, []int{1, 1}, sizes())
		require.Zero(t, b.inFlight)
		require.Equal(t, 50*time.Millisecond, readAll(t, b, 1, down), "the next is sent again")
	})
}

func TestBatcherConcurrently(t *testing.T) {
	var n atomic.Uint64
	down := errors.New("down")
	b := &batcher{budget: time.Minute}
	b.run = func(keys []string, _ time.Duration) ([][]byte, error) {
		if n.Add(1)%10 == 0 {
			return nil, down
		}
		replies := make([][]byte, len(keys))
		for i, k := range keys {
			replies[i] = []byte(k)
		}
		return replies, nil
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			for range 200 {
				k := fmt.Sprint(rand.N(50))
				r, err := b.read(k)
				if err == nil && string(r) != k || err != nil && !errors.Is(err, down) {
					t.Errorf("%q, %v instead of %q", r, err, k)
				}
			}
		})
	}
	wg.Wait()
	require.Zero(t, b.inFlight)
	require.Empty(t, b.queue)
}
