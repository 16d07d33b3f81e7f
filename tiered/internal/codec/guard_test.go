package codec_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

func TestAnyHoldsOnlyWhatComesBack(t *testing.T) {
	type doc struct{ Data map[string]any }
	for _, v := range []any{
		1, int32(1), uint64(1), float32(1), status("s"), []string{"a"}, map[string]int{}, point{}, &point{},
		[]any(nil), map[string]any(nil), []byte(nil), time.Time{}, *big.NewInt(1), [1]int{}, time.Second,
	} {
		lossy(t, codec.CBOR, doc{map[string]any{"n": []any{v}}}, `doc.Data[n][0]`)
		lossy(t, codec.JSON, doc{map[string]any{"n": []any{v}}}, `doc.Data[n][0]`)
		lossy(t, codec.CBOR, v)
	}
	for _, v := range []any{int64(1), []byte{1}, zoned} {
		lossy(t, codec.JSON, v)
	}
}

func TestPointersToNil(t *testing.T) {
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		lossy(t, c, pointers{Tags: new([]string)}, "pointers.Tags", "nil slice")
		lossy(t, c, pointers{Deep: new(*int)}, "pointers.Deep")
		lossy(t, c, new(map[string]int))
		lossy(t, c, new(any))
	}
	lossy(t, codec.CBOR, pointers{When: new(time.Time)}, "pointers.When", "zero time")
}

// Berlin's year 1 is 53 minutes and 28 seconds off; RFC 3339 has no place for the seconds.
func TestZonesWithSeconds(t *testing.T) {
	type event struct{ At []time.Time }
	odd := time.Date(1890, 1, 1, 0, 0, 0, 0, time.FixedZone("LMT", 53*60+28))
	lossy(t, codec.CBOR, event{[]time.Time{{}, odd}}, "event.At[1]", "UTC")
	lossy(t, codec.JSON, event{[]time.Time{odd}}, "event.At[0]")
	lossy(t, codec.CBOR, any(odd))
	requireSameTime(t, odd, through(t, codec.CBOR, odd)) // alone it is stored as MarshalBinary says
}

func TestCircles(t *testing.T) {
	r := new(ring)
	r.Next = r
	m := map[string]any{}
	m["m"] = m
	d := dict{}
	d["d"] = d
	l := list{nil}
	l[0] = l
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		lossy(t, c, r, "circle")
		lossy(t, c, m, "circle")
		lossy(t, c, d, "circle")
		lossy(t, c, l, "circle")
	}
}

func TestDepth(t *testing.T) {
	chain := func(n int) *ring {
		var r *ring
		for range n {
			r = &ring{r}
		}
		return r
	}
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		r := chain(1000)
		require.Equal(t, r, through(t, c, r))
		lossy(t, c, chain(1001))
		deep := any(zoned.UTC().Format(time.RFC3339))
		for range 1000 {
			deep = []any{deep}
		}
		lossy(t, c, deep)
		requireSame(t, deep.([]any)[0], through(t, c, deep.([]any)[0]))
	}
	at := any(zoned.UTC())
	for range 999 {
		at = []any{at}
	}
	requireSame(t, at, through(t, codec.CBOR, at))
}

func TestJSONRefusesInvalidUTF8(t *testing.T) {
	lossy(t, codec.JSON, struct{ S string }{"\xff"}, ".S")
	lossy(t, codec.JSON, map[string]int{"\xff": 1}, "[key]")
	lossy(t, codec.JSON, any("\xff"))
	lossy(t, codec.JSON, map[string]any{"\xff": 1.0})
}
