package size_test

import (
	"container/list"
	"container/ring"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/template"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/size"
)

func TestSize(t *testing.T) {
	type point struct{ X, Y float64 }
	type named string

	equal(t, 8, 42)
	equal(t, 1, true)
	equal(t, 0, struct{}{})
	equal(t, 16, point{1, 2})
	equal(t, 1600, [100]point{})
	equal(t, 24, time.Time{})
	equal(t, 24, time.Now()) // its location is everybody's
	equal(t, 24, netip.MustParseAddr("fe80::1%eth0"))

	equal(t, 16, "")
	equal(t, 16+8, "abc")
	equal(t, 16+24, named(strings.Repeat("x", 20)))
	equal(t, 24, []byte(nil))
	equal(t, 24+64, make([]byte, 5, 64)) // all of the capacity is held
	equal(t, 24+64, json.RawMessage(make([]byte, 5, 64)))
	equal(t, 24+160, make([]point, 0, 10))
	equal(t, 24+32+8+8, []string{"a", "b"})

	equal(t, 8, (*point)(nil))
	equal(t, 8+16, &point{})
	equal(t, 8, map[string]int(nil))
	equal(t, 8+48, map[string]int{})
	equal(t, 8+48+block(8+8*24)+8, map[string]int{"a": 1})

	equal[any](t, 16, nil)
	equal[any](t, 16+16, &point{}) // an interface holds a pointer as it is,
	equal[any](t, 16+16, point{})  // and anything else in a block
	equal[any](t, 16+16, struct{ P *point }{&point{}})
	equal[any](t, 16+16+8, "abc")
	equal[error](t, 16+16+8, errors.New("abc"))
}

func TestSharedPartsCountOnce(t *testing.T) {
	s := strings.Repeat("x", 64)
	p := &s
	equal(t, 24+24+16+64, []*string{p, p, p})
	equal(t, 24+8+8+16+64, []**string{&p})
	b := make([]string, 2)
	equal(t, 24+48+32, [][]string{b, b})
	m := map[int]int{}
	equal(t, 24+16+48, []map[int]int{m, m})
	equal[any](t, 16+24+32+16+64, []any{p, p})
}

func TestCyclesEnd(t *testing.T) {
	type node struct {
		next *node
		any  any
		kids []*node
		refs map[*node]*node
	}
	n := &node{}
	n.next, n.any, n.kids = n, n, []*node{n}
	n.refs = map[*node]*node{n: n}
	equal(t, 8+64+8+48+block(8+8*16), n)

	type slice []slice
	s := make(slice, 1)
	s[0] = s
	equal(t, 24+24, s)

	type table map[int]table
	m := table{}
	m[0] = m
	equal(t, 8+48+block(8+8*16), m)

	var self any
	self = &self
	equal(t, 16+16, self)

	l := list.New()
	for range 100 {
		l.PushBack("x")
	}
	estimate(t, l)
	estimate(t, ring.New(1000))
}

func TestLongChainsEnd(t *testing.T) {
	type node struct {
		next *node
		data string
	}
	var chain *node
	for range 100_000 {
		chain = &node{next: chain, data: "x"}
	}
	got := estimate(t, chain)
	require.Greater(t, got, int64(900*32))
	require.Less(t, got, int64(100_000*32))
}

func TestHugeValuesAreExtrapolated(t *testing.T) {
	const each = 16 + 48
	long := make([]string, 200_000)
	for i := range long {
		long[i] = strings.Repeat("x", 48)
	}
	require.InEpsilon(t, each*len(long), estimate(t, long), 0.01)

	split := make([][]string, 1000)
	for i := range split {
		split[i] = long[i*200 : (i+1)*200 : (i+1)*200]
	}
	require.InEpsilon(t, each*len(long), estimate(t, split), 0.05)

	m := make(map[int]string, 100_000)
	for i := range 100_000 {
		m[i] = long[i]
	}
	require.InEpsilon(t, 100_000*(48+24*1.3), estimate(t, m), 0.3)
}

// A walk over a map that another goroutine writes to would end the program.
func TestLiveObjectsAreNotWalked(t *testing.T) {
	type session struct {
		mu   sync.Mutex
		data map[string]string
	}
	s := &session{data: map[string]string{}}
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.mu.Lock()
				s.data["a"] = "b"
				delete(s.data, "a")
				s.mu.Unlock()
			}
		}
	})
	for range 1000 {
		require.Equal(t, int64(8+16), estimate(t, s))
	}
	close(stop)
	writer.Wait()

	type counter struct {
		Hits atomic.Int64
		data []byte
	}
	equal(t, 8+32, &counter{data: make([]byte, 1000)})

	type uncopied struct {
		_    [0]sync.Mutex // forbids copies, locks nothing
		data []byte
	}
	equal(t, 24+1024, uncopied{data: make([]byte, 1000)})
}

func TestOddValuesDoNotPanic(t *testing.T) {
	type unexported struct {
		a any
		m map[any]any
		p *unexported
		f func()
		c chan int
		u unsafe.Pointer
		i interface{ private() }
		r reflect.Type
		v reflect.Value
		s []any
		z [0]string
	}
	odd := &unexported{
		a: func() {}, f: func() {}, c: make(chan int, 3), u: unsafe.Pointer(t),
		i: nil, r: reflect.TypeFor[unexported](), v: reflect.ValueOf(t), z: [0]string{},
	}
	odd.m = map[any]any{1: odd, "x": nil, [1]string{"y"}: []any{nil}, math.NaN(): math.NaN()}
	odd.p, odd.s = odd, []any{nil, odd, *odd, (*unexported)(nil), struct{}{}, [3]any{}}
	estimate(t, odd)
	estimate(t, *odd)
	estimate[any](t, odd.s)

	estimate(t, t)
	estimate(t, context.WithValue(t.Context(), unexported{}.c, 1))
	estimate(t, regexp.MustCompile(`a(b|c)*d`))
	estimate(t, template.Must(template.New("t").Parse(`{{range .}}{{.}}{{end}}`)))
	estimate(t, reflect.TypeFor[unexported]())
	estimate(t, reflect.ValueOf(odd))
	estimate(t, make([]struct{}, 1<<40))
	estimate(t, make([][0]string, 1<<40))
}

func TestConcurrentUse(t *testing.T) {
	type one struct{ Next any }
	type two struct{ Next any }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			v := any(one{two{[]any{one{}, map[string]two{}}}})
			size.For[any]()(&v)
		})
	}
	wg.Wait()
}

func equal[V any](t *testing.T, want int64, v V) {
	t.Helper()
	require.Equal(t, want, size.For[V]()(&v), "%T", v)
}

func estimate[V any](t require.TestingT, v V) int64 {
	n := size.For[V]()(&v)
	require.GreaterOrEqual(t, n, int64(unsafe.Sizeof(v)))
	return n
}

// block rounds up to a class of the allocator, for the sizes used above.
func block(n int64) int64 { return (n + 15) / 16 * 16 }
