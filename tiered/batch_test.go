package tiered

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/stretchr/testify/require"
)

// slow makes a batcher whose round trips take d and fail with err, and a log of their sizes. A reply holds its key.
func slow(d time.Duration, err error) (*batcher[string, []byte], func() []int) {
	var mu sync.Mutex
	var sizes []int
	b := echo(func(keys []string) error {
		mu.Lock()
		sizes = append(sizes, len(keys))
		mu.Unlock()
		time.Sleep(d)
		return err
	})
	return b, func() []int {
		mu.Lock()
		defer mu.Unlock()
		return sizes
	}
}

// echo makes a batcher whose replies hold their keys, if before allows it.
func echo(before func(keys []string) error) *batcher[string, []byte] {
	r := &remote{budget: 50 * time.Millisecond, promise: new(prompt.Promise)}
	r.whole, r.short = hand{after: r.budget}, hand{after: patience}
	return &batcher[string, []byte]{
		remote: r,
		run: func(_ context.Context, keys []string) ([][]byte, error) {
			if err := before(keys); err != nil {
				return nil, err
			}
			replies := make([][]byte, len(keys))
			for i, k := range keys {
				replies[i] = []byte(k)
			}
			return replies, nil
		},
		most:   readChunk,
		repeat: true,
	}
}

// requireIdle waits until nothing is under way.
func requireIdle(t *testing.T, b *batcher[string, []byte]) {
	t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Zero(t, b.alone)
	require.Zero(t, b.pumps)
	require.Zero(t, b.coming)
	require.Empty(t, b.flying)
	require.Empty(t, b.queue)
}

// read reads a key. It waits until ctx ends, and then for what comes later.
func read(ctx context.Context, b *batcher[string, []byte], key string) (reply string, late bool, err error) {
	in := b.ask(ctx, key)
	if late = !in.wait(ctx); late {
		in.wait(context.Background())
	}
	in.each(func(_ int, answer []byte, failure error) { reply, err = string(answer), failure })
	return reply, late, err
}

// readAll reads n keys at once, and returns how long the slowest took.
func readAll(t *testing.T, b *batcher[string, []byte], n int, want error) time.Duration {
	t.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r, _, err := read(context.Background(), b, fmt.Sprint(i))
			if !errors.Is(err, want) {
				t.Errorf("%v instead of %v", err, want)
			} else if err == nil && r != fmt.Sprint(i) {
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
		require.Equal(t, 2*time.Millisecond, readAll(t, b, 2+readChunk+1, nil))
		require.ElementsMatch(t, []int{1, 1, readChunk, 1}, sizes()[3:], "in chunks, two in flight")
		requireIdle(t, b)
	})
}

func TestAFailureFailsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		b, sizes := slow(40*time.Millisecond, down)
		require.Equal(t, 40*time.Millisecond, readAll(t, b, 100, down), "nobody waits for two budgets")
		require.Equal(t, []int{1, 1}, sizes())
		requireIdle(t, b)
		require.Equal(t, 40*time.Millisecond, readAll(t, b, 1, down), "the next is sent again")
	})
}

func TestSlowStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, sizes := slow(time.Millisecond, nil)
		b.slowly()
		require.Equal(t, 7*time.Millisecond, readAll(t, b, 127, nil))
		require.Equal(t, []int{1, 2, 4, 8, 16, 32, 64}, sizes(), "one in flight")
		require.Equal(t, 3*time.Millisecond, readAll(t, b, 2*readChunk, nil))
		require.Equal(t, []int{1, readChunk}, sizes()[7:9], "full size again")
	})
}

// A client that does not come back keeps neither those who asked nor those who queue.
func TestAClientThatDoesNotComeBack(t *testing.T) {
	for name, promises := range map[string]bool{"as it says": false, "although it says so": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, _ := slow(time.Hour, nil)
				if !promises {
					b.remote.promise = nil
				} else { // has lied before
					b.remote.lied.Store(time.Now().UnixNano())
					b.remote.lies.Add(1)
				}
				require.Equal(t, b.remote.budget, readAll(t, b, 100, errUnseen))
				requireIdle(t, b)
				time.Sleep(time.Hour) // now it comes back
				requireIdle(t, b)
			})
		})
	}
}

// Those who queue behind callers that the client keeps on their own goroutines do not wait for them.
func TestCallersWhomTheClientKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := slow(time.Hour, nil)
		for range tripsInFlight {
			go b.ask(t.Context(), "kept")
		}
		synctest.Wait()
		for range 3 {
			require.Equal(t, b.remote.budget, readAll(t, b, 100, errUnseen))
		}
		time.Sleep(3 * time.Hour)
		requireIdle(t, b)
		require.NotZero(t, b.remote.lies.Load())
	})
}

func TestACallerWhoLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := slow(40*time.Millisecond, nil)
		b.remote.took.Store(int64(nearby) + 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		in := b.ask(ctx, "k")
		require.False(t, in.wait(ctx))
		require.Equal(t, time.Millisecond, time.Since(began))
		in.wait(context.Background())
		in.each(func(i int, reply []byte, err error) {
			require.Zero(t, i)
			require.Equal(t, "k", string(reply))
			require.NoError(t, err)
		})
		require.Equal(t, 40*time.Millisecond, time.Since(began))
	})
}

func TestBatcherConcurrently(t *testing.T) {
	var n atomic.Uint64
	down := errors.New("down")
	b := echo(func([]string) error {
		if n.Add(1)%10 == 0 {
			return down
		}
		return nil
	})
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			for range 200 {
				k := fmt.Sprint(rand.N(50))
				r, _, err := read(context.Background(), b, k)
				if err == nil && r != k || err != nil && !errors.Is(err, down) {
					t.Errorf("%q, %v instead of %q", r, err, k)
				}
			}
		})
	}
	wg.Wait()
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.alone == 0 && b.pumps == 0 && len(b.queue) == 0
	}, 20*time.Second, time.Millisecond)
}
