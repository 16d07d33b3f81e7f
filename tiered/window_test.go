package tiered

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// parcel is an Item of a given weight.
type parcel struct {
	id     int
	weight int64
}

func (p *parcel) Weight() int64  { return p.weight }
func (p *parcel) Replaced() bool { return false }
func (p *parcel) Replace()       {}

const (
	parcelsPerShard = 4
	shardShift      = 62 // the top bits choose the shard
)

// newSmallWindow makes a window in which each shard takes four parcels of weight 100, and a log of what gets a second
// chance.
func newSmallWindow() (*window, *[]uint64) {
	var second []uint64
	return newWindow(windowShards*parcelsPerShard*(100+windowOverhead), func(h uint64, _ Item) { second = append(second, h) }), &second
}

func TestWindowEvictsTheLeastRecentlyUsed(t *testing.T) {
	w, second := newSmallWindow()
	for h := range uint64(4) { // of one shard: the top bits are equal
		w.set(h, &parcel{weight: 100})
	}
	_, ok := w.get(1)
	require.True(t, ok)
	w.set(0, &parcel{id: 2, weight: 100}) // as good as used; the order is now 2 3 1 0
	w.set(4, &parcel{weight: 100})
	w.set(5, &parcel{weight: 100})
	require.Empty(t, *second, "2 and 3 were never read")
	for h, want := range map[uint64]bool{0: true, 1: true, 2: false, 3: false, 4: true, 5: true} {
		_, ok := w.shards[0].nodes[h]
		require.Equal(t, want, ok, h)
	}
	w.set(6, &parcel{weight: 100})
	require.Equal(t, []uint64{1}, *second, "1 was read: it gets a second chance elsewhere")
	got, ok := w.get(0)
	require.True(t, ok)
	require.Equal(t, 2, got.(*parcel).id)
	require.EqualValues(t, 4*(100+windowOverhead), w.bytes())
	w.clear()
	require.Zero(t, w.bytes())
	_, ok = w.get(0)
	require.False(t, ok)
}

func TestWindowShardsAreApart(t *testing.T) {
	w, _ := newSmallWindow()
	for shard := range uint64(windowShards) {
		for i := range uint64(parcelsPerShard) {
			w.set(shard<<shardShift|i, &parcel{weight: 100})
		}
	}
	for shard := range uint64(windowShards) {
		for i := range uint64(parcelsPerShard) {
			_, ok := w.get(shard<<shardShift | i)
			require.True(t, ok)
		}
	}
}

// model is a window shard as a list, newest last.
type model []windowNode

func (m model) find(h uint64) int {
	return slices.IndexFunc(m, func(n windowNode) bool { return n.hash == h })
}

func TestWindowAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, second := newSmallWindow()
		limit := w.shards[0].limit
		var m model
		var wantSecond []uint64
		used := func() (n int64) {
			for _, node := range m {
				n += node.item.Weight() + windowOverhead
			}
			return n
		}
		for id := range rapid.IntRange(1, 60).Draw(t, "steps") {
			h := rapid.Uint64Range(0, 8).Draw(t, "hash")
			i := m.find(h)
			if rapid.Bool().Draw(t, "get") {
				item, ok := w.get(h)
				require.Equal(t, i >= 0, ok)
				if ok {
					n := m[i]
					n.read = true
					m = append(slices.Delete(m, i, i+1), n)
					require.Same(t, n.item, item)
				}
				continue
			}
			item := &parcel{id, rapid.Int64Range(0, 300).Draw(t, "weight")}
			n := windowNode{hash: h}
			if i >= 0 {
				n = m[i]
				m = slices.Delete(m, i, i+1)
			}
			n.item = item
			m = append(m, n)
			for used() > limit {
				if m[0].read {
					wantSecond = append(wantSecond, m[0].hash)
				}
				m = m[1:]
			}
			w.set(h, item)
			require.Equal(t, used(), w.bytes())
		}
		require.Equal(t, wantSecond, *second)
	})
}

// A bound that each shard may exceed is none.
func TestWindowIsBounded(t *testing.T) {
	const limit = 1 << 20
	w := newWindow(limit, func(uint64, Item) {})
	for shard := range uint64(windowShards) {
		w.set(shard<<shardShift, &parcel{weight: limit / 2})
	}
	require.LessOrEqual(t, w.bytes(), int64(limit))
}

func TestWindowTakesNothingLargerThanItself(t *testing.T) {
	w, second := newSmallWindow()
	w.set(1, &parcel{weight: 1 << 40})
	_, ok := w.get(1)
	require.False(t, ok)
	require.Zero(t, w.bytes())
	require.Empty(t, *second)
}

func TestWindowConcurrently(t *testing.T) {
	var mu sync.Mutex
	seconds := 0
	var w *window
	w = newWindow(1<<14, func(h uint64, item Item) {
		mu.Lock()
		seconds++
		mu.Unlock()
		w.get(h) // no lock is held
	})
	var wg sync.WaitGroup
	for g := range uint64(4) {
		wg.Go(func() {
			for i := range uint64(2000) {
				h := (i*31 + g) << 57
				w.set(h, &parcel{weight: int64(i % 200)})
				w.get(h)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, w.bytes(), int64(1<<14))
	require.Positive(t, seconds)
}
