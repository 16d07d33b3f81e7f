package size_test

import (
	"fmt"
	"math/big"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/size"
)

type user struct {
	ID      int64
	Name    string
	email   string
	Created time.Time
	Tags    []string
	Address *address
	Extra   any
}

type address struct {
	Street, City string
	IP           netip.Addr
}

type tree struct {
	left, right *tree
	payload     []byte
}

func TestEstimatesAgreeWithTheHeap(t *testing.T) {
	t.Run("int64", agrees(func(i int) int64 { return int64(i) }))
	t.Run("string", agrees(func(i int) string { return filler(20 + i%300) }))
	t.Run("bytes", agrees(func(i int) []byte { return make([]byte, i%100, 100+i%3000) }))
	t.Run("pointer", agrees(func(i int) *address { return &address{Street: filler(30), City: filler(12)} }))
	t.Run("struct", agrees(newUser))
	t.Run("pointer to struct", agrees(func(i int) *user { u := newUser(i); return &u }))
	t.Run("structs", agrees(func(i int) []user { return []user{newUser(i), newUser(i + 1)} }))
	t.Run("any string", agrees(func(i int) any { return filler(10 + i%100) }))
	t.Run("any struct", agrees(func(i int) any { return newUser(i) }))
	t.Run("any map", agrees(func(i int) any {
		return map[string]any{"id": float64(i), "name": filler(20), "tags": []any{filler(8), filler(9)}}
	}))
	t.Run("small map", agrees(func(i int) map[int64]int64 { return numbers(1 + i%8) }))
	t.Run("map", agrees(func(i int) map[int64]int64 { return numbers(9 + i%200) }))
	t.Run("large map", agrees(func(i int) map[int64]int64 { return numbers(2000 + 100*(i%20)) }))
	t.Run("map of large", agrees(func(i int) map[int][300]byte {
		m := map[int][300]byte{}
		for k := range 5 + i%20 {
			m[k] = [300]byte{}
		}
		return m
	}))
	t.Run("map of strings", agrees(func(i int) map[string]string {
		m := map[string]string{}
		for k := range 5 + i%50 {
			m[fmt.Sprintf("key-%02d", k)] = filler(40)
		}
		return m
	}))
	t.Run("long slice of strings", agrees(func(i int) []string {
		s := make([]string, 5000)
		for k := range s {
			s[k] = filler(10 + k%100)
		}
		return s
	}))
	t.Run("slices of slices", agrees(func(i int) [][]string {
		s := make([][]string, 200)
		for k := range s {
			s[k] = []string{}
			for range 100 {
				s[k] = append(s[k], filler(30))
			}
		}
		return s
	}))
	t.Run("tree", agrees(func(i int) *tree { return newTree(8) }))
	t.Run("big int", agrees(func(i int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(500+i)) }))
	t.Run("shared", agrees(func(i int) []*address {
		one := &address{Street: filler(1000)}
		return []*address{one, one, one, one, one, one}
	}))
}

// agrees compares the estimates of many values with what the heap grew by.
func agrees[V any](build func(i int) V) func(*testing.T) {
	return func(t *testing.T) {
		sizer := size.For[V]()
		first := build(0)
		n := int(max(4, 4<<20/sizer(&first))) // enough to drown what else is allocated

		before := heap()
		values := allocate[V](n)
		for i := range values {
			values[i] = build(i)
		}
		grown := float64(heap() - before)

		var estimate float64
		for i := range values {
			estimate += float64(sizer(&values[i]))
		}
		runtime.KeepAlive(values)
		t.Logf("%d values: heap %.0f, estimate %.0f: %.2f", n, grown, estimate, estimate/grown)
		require.InDelta(t, 1, estimate/grown, 0.4)
	}
}

func allocate[V any](n int) []V { return make([]V, n) }

func heap() int64 {
	runtime.GC() // twice: the first may leave what finalizers and pools hold
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func newUser(i int) user {
	return user{
		ID: int64(i), Name: filler(5 + i%30), email: filler(20), Created: time.Now(),
		Tags:    []string{filler(5), filler(17)},
		Address: &address{filler(25), filler(10), netip.MustParseAddr("2001:db8::1")},
		Extra:   map[string]int{"a": i},
	}
}

func newTree(depth int) *tree {
	if depth == 0 {
		return nil
	}
	return &tree{newTree(depth - 1), newTree(depth - 1), make([]byte, 10*depth)}
}

func numbers(n int) map[int64]int64 {
	m := map[int64]int64{}
	for k := range int64(n) {
		m[k] = k
	}
	return m
}

func filler(n int) string { return strings.Repeat("x", n) }
