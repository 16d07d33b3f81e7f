package codec_test

import (
	"context"
	"io"
	"math/big"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

func typeOf[V any]() reflect.Type { return reflect.TypeFor[V]() }

type (
	account struct {
		Name  string
		Owner *owner
	}
	owner struct {
		Visits []visits
	}
	visits struct{ count int }

	itself  *itself
	list    []list
	dict    map[string]dict
	ring    struct{ Next *ring }
	stamp   time.Time
	halfway struct{ n int }
	event   struct {
		time.Time
		Name string
	}
	whole struct {
		time.Time
		Name string
	}
	justTime struct{ time.Time }
	twoways  struct {
		time.Time
		netip.Addr
	}
	shadow struct {
		Inner
		ID int
	}
	Inner    struct{ ID int }
	hidden   struct{ ID int }
	optional struct {
		A int `json:"a,omitempty"`
	}
	pointed struct{ n int }
)

func (v visits) total() int { return v.count }

var _ = visits.total

func (h halfway) MarshalBinary() ([]byte, error) { return []byte{byte(h.n)}, nil }

func (w whole) MarshalBinary() ([]byte, error) {
	b, err := w.Time.MarshalBinary()
	return append(append([]byte{byte(len(b))}, b...), w.Name...), err
}

func (w *whole) UnmarshalBinary(b []byte) error {
	n := int(b[0])
	w.Name = string(b[1+n:])
	return w.Time.UnmarshalBinary(b[1 : 1+n])
}

func (p *pointed) MarshalJSON() ([]byte, error) { return []byte{'0' + byte(p.n)}, nil }
func (p *pointed) UnmarshalJSON(b []byte) error { p.n = int(b[0] - '0'); return nil }

func TestCheckNamesTheField(t *testing.T) {
	refused[account](t, nil, "cbor", "account.Owner.Visits[].count", "unexported", "MarshalBinary")
	refused[account](t, codec.JSON, "json", "account.Owner.Visits[].count")
	refused[map[string]account](t, nil, "map[string]codec_test.account[].Owner")
}

func TestCheckRefusesWhatCannotComeBack(t *testing.T) {
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		refused[chan int](t, c, "chan")
		refused[func()](t, c, "func")
		refused[struct{ C chan int }](t, c, ".C")
		refused[complex128](t, c)
		refused[unsafe.Pointer](t, c)
		refused[uintptr](t, c)
		refused[error](t, c, "interface")
		refused[struct{ R io.Reader }](t, c, ".R")
		refused[context.Context](t, c)
		refused[sync.Mutex](t, c)
		refused[atomic.Int64](t, c)
		refused[stamp](t, c, "stamp.wall")
		refused[struct{ H halfway }](t, c)
		refused[itself](t, c, "pointer to a pointer")
		refused[map[any]int](t, c, "[key]")
		refused[map[*int]int](t, c, "[key]")
		refused[map[time.Time]int](t, c, "[key]")
		refused[struct{ F *big.Float }](t, c, "64 bits")
		refused[struct{ L *time.Location }](t, c)
		refused[struct{ M *wrapperspb.StringValue }](t, c)
		refused[struct{ E event }](t, c, "embedded time.Time", "drop the other fields")
		refused[twoways](t, c)
		refused[shadow](t, c, "same name", "shadow.ID")
		refused[struct{ *hidden }](t, c, "unexported struct")
		twins := reflect.StructOf([]reflect.StructField{
			{Name: "A", Type: typeOf[int](), Tag: `json:"x"`},
			{Name: "B", Type: typeOf[int](), Tag: `json:"x"`},
		})
		require.ErrorContains(t, codec.Check(twins, c), "same name")
		require.ErrorIs(t, codec.Check(nil, c), codec.ErrType)
	}
	refused[event](t, nil, "drop the other fields")
	refused[struct {
		S string `json:"-"`
	}](t, nil, "cbor:")
	refused[struct{ P pointed }](t, nil)
	refused[map[string]pointed](t, codec.JSON, "store pointers")
	refused[map[bool]int](t, codec.JSON, "no such keys")
	refused[map[point]int](t, codec.JSON, "no such keys")
	type Outer struct {
		*OptionalFields
		B int
	}
	refused[Outer](t, nil, "may all be omitted")
}

type OptionalFields struct {
	A int `json:"a,omitempty"`
}

func TestCheckAccepts(t *testing.T) {
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		for _, typ := range []reflect.Type{
			typeOf[list](), typeOf[dict](), typeOf[ring](), typeOf[tree](), typeOf[justTime](), typeOf[any](),
			typeOf[struct{ _ [0]func() }](), typeOf[struct {
				_ int
				N int
			}](), typeOf[whole](), typeOf[optional](),
			typeOf[*wrapperspb.StringValue](),
		} {
			require.NoError(t, codec.Check(typ, c), "%v", typ)
		}
	}
	require.NoError(t, codec.Check(typeOf[map[string]*pointed](), codec.JSON))
}

func TestMarshalersOnTheirWord(t *testing.T) {
	w := whole{zoned.UTC(), "launch"}
	requireSame(t, w, through(t, nil, w))
	requireSame(t, &w, through(t, nil, &w))
	requireSame(t, []whole{w}, through(t, nil, []whole{w}))
	requireSame(t, map[string]whole{"": w}, through(t, nil, map[string]whole{"": w}))
	requireSame(t, justTime{zoned.UTC()}, through(t, nil, justTime{zoned.UTC()}))
	p := map[string]*pointed{"a": {3}}
	requireSame(t, p, through(t, codec.JSON, p))
	l := list{list{}, nil, list{list{}}}
	requireSame(t, l, through(t, nil, l))
	d := dict{"a": dict{}, "b": nil}
	requireSame(t, d, through(t, nil, d))
}

type custom struct{ codec.Codec }

func (custom) Name() string { return "custom" }

// A codec of the user's may encrypt: nothing goes around it, whatever the type.
func TestCustomCodecsAreUsedAsTheyAre(t *testing.T) {
	mine := custom{codec.CBOR}
	for _, typ := range []reflect.Type{
		typeOf[[]byte](), typeOf[string](), typeOf[time.Time](), typeOf[*wrapperspb.StringValue](), typeOf[account](),
	} {
		c, err := codec.For(typ, mine)
		require.NoError(t, err)
		require.Equal(t, mine, c)
	}
	refused[func()](t, mine)
	refused[struct {
		A []map[string]*struct{ C chan int }
	}](t, mine, ".A[][].C")
	require.NoError(t, codec.Check(typeOf[ring](), mine))

	in, out := []byte("abc"), []byte(nil)
	data, err := mine.Append(nil, &in)
	require.NoError(t, err)
	require.NoError(t, mine.Decode(data, &out))
	require.Equal(t, in, out)
	require.ErrorIs(t, second(mine.Append(nil, &account{})), codec.ErrType)
}

func second[T any](_ T, err error) error { return err }
