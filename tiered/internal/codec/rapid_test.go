package codec_test

import (
	"database/sql"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

// rich has one field of every kind that both codecs keep.
type rich struct {
	Inner
	*Audit
	Bool     bool
	Int      int64
	Uint     uint64 `json:"u"`
	Small    int8
	Float    float64
	Half     float32
	Text     string
	Status   status
	Bytes    []byte
	Digest   [8]byte
	Colors   []color
	Strings  []string
	Matrix   [][]int32
	Counts   map[string]uint16
	ByID     map[int64][]string
	Inlined  point
	Pointer  *point
	Number   *int
	Null     sql.Null[string]
	At       time.Time
	Until    *time.Time
	Took     time.Duration
	Addr     netip.Addr
	Big      *big.Int
	Children []*rich
	Any      any
	Doc      map[string]any
}

func anyValue(binary bool) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(),
	}
	if binary {
		leaves = append(leaves, rapid.Int64().AsAny(), rapid.SliceOf(rapid.Byte()).AsAny())
	}
	leaf := rapid.OneOf(leaves...)
	return rapid.OneOf(leaf, rapid.SliceOfN(leaf, 0, 3).AsAny(), rapid.MapOfN(rapid.String(), leaf, 0, 3).AsAny())
}

func richValue(binary bool) *rapid.Generator[*rich] {
	var depth int
	var gen *rapid.Generator[*rich]
	list := func(t *rapid.T, name string, g *rapid.Generator[string]) []string {
		if rapid.Bool().Draw(t, name+" is nil") {
			return nil
		}
		return rapid.SliceOfN(g, 0, 3).Draw(t, name)
	}
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()
	})
	gen = rapid.Custom(func(t *rapid.T) *rich {
		text := rapid.String()
		r := &rich{
			Inner:   Inner{rapid.Int().Draw(t, "id")},
			Audit:   rapid.Ptr(rapid.Custom(func(t *rapid.T) Audit { return Audit{text.Draw(t, "by")} }), true).Draw(t, "audit"),
			Bool:    rapid.Bool().Draw(t, "bool"),
			Int:     rapid.Int64().Draw(t, "int"),
			Uint:    rapid.Uint64().Draw(t, "uint"),
			Small:   rapid.Int8().Draw(t, "small"),
			Float:   rapid.Float64().Draw(t, "float"),
			Half:    rapid.Float32().Draw(t, "half"),
			Text:    text.Draw(t, "text"),
			Status:  status(text.Draw(t, "status")),
			Bytes:   rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
			Digest:  [8]byte(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "digest")),
			Colors:  rapid.SliceOf(rapid.Custom(func(t *rapid.T) color { return color(rapid.Byte().Draw(t, "color")) })).Draw(t, "colors"),
			Matrix:  rapid.SliceOfN(rapid.SliceOfN(rapid.Int32(), 0, 3), 0, 3).Draw(t, "matrix"),
			Counts:  rapid.MapOfN(text, rapid.Uint16(), 0, 3).Draw(t, "counts"),
			Inlined: point{rapid.Int().Draw(t, "x"), rapid.Int().Draw(t, "y")},
			Pointer: rapid.Ptr(rapid.Custom(func(t *rapid.T) point { return point{rapid.Int().Draw(t, "x"), 0} }), true).Draw(t, "pointer"),
			Number:  rapid.Ptr(rapid.Int(), true).Draw(t, "number"),
			Null:    sql.Null[string]{V: text.Draw(t, "null"), Valid: rapid.Bool().Draw(t, "valid")},
			At:      at.Draw(t, "at"),
			Took:    time.Duration(rapid.Int64().Draw(t, "took")),
			Addr:    netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "addr"))),
			Any:     anyValue(binary).Draw(t, "any"),
			Doc:     rapid.MapOfN(text, anyValue(binary), 0, 3).Draw(t, "doc"),
		}
		r.Strings = list(t, "strings", text)
		if until := at.Draw(t, "until"); !until.IsZero() && rapid.Bool().Draw(t, "ends") {
			r.Until = &until
		}
		if n := rapid.Int64().Draw(t, "big"); n != 0 {
			r.Big = new(big.Int).Lsh(big.NewInt(n), uint(rapid.IntRange(0, 100).Draw(t, "shift")))
		}
		if rapid.Bool().Draw(t, "indexed") {
			r.ByID = map[int64][]string{rapid.Int64().Draw(t, "key"): list(t, "value", text)}
		}
		if depth++; depth < 3 {
			r.Children = rapid.SliceOfN(gen, 0, 2).Draw(t, "children")
		}
		depth--
		return r
	})
	return gen
}

func TestAnyRichValueComesBack(t *testing.T) {
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		values := richValue(c == codec.CBOR)
		t.Run(c.Name(), rapid.MakeCheck(func(t *rapid.T) {
			v := values.Draw(t, "v")
			data, err := c.Append(nil, &v)
			require.NoError(t, err)
			var got *rich
			require.NoError(t, c.Decode(data, &got))
			require.Equal(t, v, got)
		}))
	}
}

func TestAnyBytesComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(rt, "b")
		raw, err := codec.For(typeOf[[]byte](), nil)
		require.NoError(rt, err)
		data, err := raw.Append(nil, &b)
		require.NoError(rt, err)
		var got []byte
		require.NoError(rt, raw.Decode(data, &got))
		require.Equal(rt, b, got)

		packed := codec.Compress([]byte("before"), b)
		unpacked, err := codec.Decompress([]byte("after"), packed[len("before"):], len(b))
		require.NoError(rt, err)
		require.Equal(rt, "after"+string(b), string(unpacked))
	})
}
