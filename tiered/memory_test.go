package tiered_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// thing is an Item without a Store.
type thing struct {
	n        int
	weight   int64
	replaced atomic.Bool
}

func (i *thing) Weight() int64  { return i.weight }
func (i *thing) Replaced() bool { return i.replaced.Load() }
func (i *thing) Replace()       { i.replaced.Store(true) }

func onEachEngine(t *testing.T, bytes int64, f func(t *testing.T, m tiered.Memory)) {
	t.Helper()
	for name, engine := range map[string]tiered.Engine{"Ristretto": tiered.Ristretto, "Otter": tiered.Otter} {
		t.Run(name, func(t *testing.T) {
			m, err := engine(bytes)
			require.NoError(t, err)
			t.Cleanup(m.Close)
			f(t, m)
		})
	}
}

// hashes are spread as a hash function spreads them, and the same in every run.
func hashes(n int) []uint64 {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]uint64, n)
	for i := range all {
		all[i] = r.Uint64()
	}
	return all
}

func TestMemoryGivesBackWhatWasSetAtOnce(t *testing.T) {
	onEachEngine(t, 4<<20, func(t *testing.T, m tiered.Memory) {
		_, ok := m.Get(1)
		require.False(t, ok)
		for _, h := range append(hashes(1000), 0, 1, 1<<63) { // a burst of new keys
			item := &thing{weight: 64}
			m.Set(h, item)
			got, ok := m.Get(h)
			require.True(t, ok)
			require.Same(t, item, got)
		}
	})
}

func TestMemoryGivesBackTheLatestSet(t *testing.T) {
	onEachEngine(t, 4<<20, func(t *testing.T, m tiered.Memory) {
		for _, h := range hashes(2000) {
			one, two := &thing{n: 1, weight: 64}, &thing{n: 2, weight: 64}
			m.Set(h, one)
			one.Replace() // as a Store does before it keeps another
			m.Set(h, two)
			got, ok := m.Get(h)
			require.True(t, ok)
			require.Same(t, two, got)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	const limit = 1 << 20
	for name, weights := range map[string]func(i int) int64{
		"small":    func(int) int64 { return 50 },
		"mixed":    func(i int) int64 { return int64(i%7) * 3000 },
		"large":    func(int) int64 { return limit / 6 },
		"too much": func(int) int64 { return 2 * limit },
	} {
		t.Run(name, func(t *testing.T) {
			onEachEngine(t, limit, func(t *testing.T, m tiered.Memory) {
				keys := hashes(5000)
				for i, h := range keys {
					m.Set(h, &thing{weight: weights(i)})
				}
				// Items may be counted late, but not for ever; what can be found is what is there.
				require.Eventually(t, func() bool {
					var found int64
					for i, h := range keys {
						if _, ok := m.Get(h); ok {
							found += weights(i)
						}
					}
					used, most := m.Usage()
					return most == limit && used <= limit && found <= limit
				}, waitFor, pollEvery)
			})
		})
	}
}

func TestMemoryClose(t *testing.T) {
	onEachEngine(t, 1<<20, func(t *testing.T, m tiered.Memory) {
		var wg sync.WaitGroup
		start := make(chan struct{})
		for g := range 4 {
			wg.Go(func() {
				<-start
				for i, h := range hashes(2000) {
					m.Set(h+uint64(g), &thing{weight: int64(i)})
					m.Get(h)
				}
			})
		}
		close(start)
		for range 2 {
			wg.Go(m.Close)
		}
		wg.Wait()
		m.Close()
		m.Set(1, &thing{weight: 1})
		_, ok := m.Get(1)
		require.False(t, ok, "nothing is kept after Close")
		_, limit := m.Usage()
		require.EqualValues(t, 1<<20, limit)
	})
}

func TestNoMemory(t *testing.T) {
	m, err := tiered.NoMemory(1 << 20)
	require.NoError(t, err)
	m.Set(1, &thing{weight: 1})
	_, ok := m.Get(1)
	require.False(t, ok)
	used, limit := m.Usage()
	require.Zero(t, used)
	require.Zero(t, limit)
	m.Close()
	m.Close()
}

// A hot set that fits stays, while others come and go once.
func TestMemoryKeepsWhatIsAskedFor(t *testing.T) {
	onEachEngine(t, 1<<20, func(t *testing.T, m tiered.Memory) {
		hot := map[uint64]*thing{}
		for _, h := range hashes(200) {
			hot[h] = &thing{weight: 500}
		}
		get := func() (hits int) {
			for h, item := range hot {
				if _, ok := m.Get(h); ok {
					hits++
				} else {
					m.Set(h, item)
				}
			}
			return hits
		}
		cold := rand.New(rand.NewPCG(3, 4))
		for range 50 {
			get()
			for range 100 {
				m.Set(cold.Uint64(), &thing{weight: 500})
			}
		}
		require.Greater(t, get(), 3*len(hot)/4)
	})
}
