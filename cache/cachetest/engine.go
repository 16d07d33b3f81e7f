package cachetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/freshet-go/freshet/tiered"
)

// TestEngine tests that a memory engine is one: that it gives back what it was given, at once and the newest, keeps
// within its bytes, keeps what is asked for again, and ends when it is closed. It takes a few seconds, on real time: an
// engine may do its bookkeeping later, on goroutines of its own.
//
// What an engine need not do: keep anything in particular, nor forget what was replaced or invalidated, since each item
// is judged by its own stamp on every read.
func TestEngine(t *testing.T, engine tiered.Engine) {
	t.Helper()
	for _, c := range engineChecks {
		t.Run(c.name, func(t *testing.T) {
			if err := c.check(engine); err != nil {
				t.Error("cachetest:", err)
			}
		})
	}
}

// engineChecks return what is wrong, so that they can be tested with engines that are.
var engineChecks = []struct {
	name  string
	check func(tiered.Engine) error
}{
	{"gives back what was set", givesBack},
	{"gives back the latest", givesBackLatest},
	{"takes any weight", takesAnyWeight},
	{"is bounded", isBounded},
	{"keeps what is asked for", keepsHot},
	{"does not allocate on Get", getIsFree},
	{"works concurrently and after Close", isConcurrent},
	{"ends its goroutines", endsGoroutines},
}

// patience is for bookkeeping that an engine does on the side.
var patience = 10 * time.Second

const mebibyte = 1 << 20

// item is a tiered.Item that nothing but its test changes.
type item struct {
	n        int
	weight   int64
	replaced atomic.Bool
}

func (i *item) Weight() int64  { return i.weight }
func (i *item) Replaced() bool { return i.replaced.Load() }
func (i *item) Replace()       { i.replaced.Store(true) }

// hashes are spread as a hash function spreads them, and the same in every run.
func hashes(n int) []uint64 {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]uint64, n)
	for i := range all {
		all[i] = r.Uint64()
	}
	return all
}

func with(engine tiered.Engine, bytes int64, f func(tiered.Memory) error) error {
	m, err := engine(bytes)
	if err != nil {
		return err
	}
	defer m.Close()
	return f(m)
}

func givesBack(engine tiered.Engine) error {
	return with(engine, 4*mebibyte, func(m tiered.Memory) error {
		if _, ok := m.Get(1); ok {
			return errors.New("an empty engine has something")
		}
		for i, h := range append(hashes(1000), 0, 1, 1<<63) {
			it := &item{n: i, weight: 64}
			m.Set(h, it)
			if got, ok := m.Get(h); !ok || got != tiered.Item(it) {
				return fmt.Errorf("new item %d is not found right after Set, although there is room (found: %v)", i, ok)
			}
		}
		return nil
	})
}

func givesBackLatest(engine tiered.Engine) error {
	return with(engine, 4*mebibyte, func(m tiered.Memory) error {
		for i, h := range hashes(2000) {
			one, two := &item{n: 1, weight: 64}, &item{n: 2, weight: 64}
			m.Set(h, one)
			one.Replace() // as a Store does before it keeps another
			m.Set(h, two)
			if got, ok := m.Get(h); !ok || got != tiered.Item(two) {
				return fmt.Errorf("item %d: the second Set is not found right after it (found: %v)", i, ok)
			}
		}
		return nil
	})
}

func takesAnyWeight(engine tiered.Engine) error {
	return with(engine, mebibyte, func(m tiered.Memory) error {
		for i, weight := range []int64{0, 1, mebibyte - 1, mebibyte, 1 << 40, 1 << 62} {
			m.Set(uint64(i), &item{weight: weight})
			m.Get(uint64(i))
		}
		return within(func() error { return overweight(m, mebibyte) })
	})
}

func overweight(m tiered.Memory, want int64) error {
	used, limit := m.Usage()
	if limit != want {
		return fmt.Errorf("the limit is %d bytes, want %d", limit, want)
	}
	if used < 0 || used > limit {
		return fmt.Errorf("%d bytes in use, the limit is %d", used, limit)
	}
	return nil
}

func isBounded(engine tiered.Engine) error {
	for _, weight := range []func(i int) int64{
		func(int) int64 { return 50 },
		func(i int) int64 { return int64(i%7) * 3000 },
		func(int) int64 { return mebibyte / 6 },
		func(int) int64 { return 2 * mebibyte },
	} {
		err := with(engine, mebibyte, func(m tiered.Memory) error {
			keys := hashes(5000)
			for i, h := range keys {
				m.Set(h, &item{weight: weight(i)})
			}
			return within(func() error {
				var found int64
				for i, h := range keys {
					if _, ok := m.Get(h); ok {
						found += weight(i)
					}
				}
				if found > mebibyte {
					return fmt.Errorf("items of %d bytes can be found, the limit is %d", found, mebibyte)
				}
				return overweight(m, mebibyte)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func keepsHot(engine tiered.Engine) error {
	return with(engine, mebibyte, func(m tiered.Memory) error {
		hot := hashes(200)
		get := func() (hits int) {
			for i, h := range hot {
				if _, ok := m.Get(h); ok {
					hits++
				} else {
					m.Set(h, &item{n: i, weight: 500})
				}
			}
			return hits
		}
		cold := rand.New(rand.NewPCG(3, 4))
		for range 50 {
			get()
			for range 100 {
				m.Set(cold.Uint64(), &item{weight: 500})
			}
		}
		if hits := get(); hits <= len(hot)/2 {
			return fmt.Errorf("of %d items that are asked for over and over, and would fit, only %d are kept", len(hot), hits)
		}
		return nil
	})
}

func getIsFree(engine tiered.Engine) error {
	return with(engine, mebibyte, func(m tiered.Memory) error {
		m.Set(1, &item{weight: 64})
		if n := testing.AllocsPerRun(1000, func() { m.Get(1); m.Get(2) }); n > 0 && !raceEnabled {
			return fmt.Errorf("a hit and a miss allocate %v times", n)
		}
		return nil
	})
}

func isConcurrent(engine tiered.Engine) error {
	return with(engine, mebibyte, func(m tiered.Memory) error {
		var wg sync.WaitGroup
		start := make(chan struct{})
		for g := range 4 {
			wg.Go(func() {
				<-start
				for i, h := range hashes(2000) {
					m.Set(h+uint64(g%2), &item{weight: int64(i)})
					m.Get(h)
					m.Usage()
				}
			})
		}
		close(start)
		for range 2 {
			wg.Go(m.Close)
		}
		wg.Wait()
		m.Close()
		m.Set(1, &item{weight: 1})
		if _, ok := m.Get(1); ok {
			return errors.New("something is kept after Close")
		}
		return nil
	})
}

func endsGoroutines(engine tiered.Engine) error {
	before := runtime.NumGoroutine()
	for range 10 {
		err := with(engine, mebibyte, func(m tiered.Memory) error {
			for _, h := range hashes(1000) {
				m.Set(h, &item{weight: 5000})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return within(func() error {
		if now := runtime.NumGoroutine(); now > before+5 { // the program may have some come and go
			return fmt.Errorf("%d goroutines are left of 10 engines that were closed", now-before)
		}
		return nil
	})
}

// within waits until f finds nothing wrong, or returns what it found last.
func within(f func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if err := f(); err == nil || time.Now().After(end) {
			return err
		}
	}
}
