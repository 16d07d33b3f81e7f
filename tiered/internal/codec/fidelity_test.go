package codec_test

import (
	"database/sql"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

type (
	color  uint8
	status string
	base   struct {
		ID      int64
		Created time.Time
	}
	Audit struct{ By string }
	named struct {
		base
		*Audit
		Name string `json:"name"`
	}
	tree struct {
		Value    int
		Children []*tree
		Next     *tree
		ByName   map[string]tree
	}
	point    struct{ X, Y int }
	pointers struct {
		Int    *int
		String *string
		Struct *point
		Deep   **int
		Tags   *[]string
		When   *time.Time
	}
	containers struct {
		Bytes  []byte
		Ints   []int
		Map    map[string]int
		Nested [][]string
		Colors []color
		Array  [4]byte
		Points [2]point
	}
	numbers struct {
		I64 int64
		U64 uint64
		I8  int8
		F32 float32
		F64 float64
	}
)

func ptr[T any](v T) *T { return &v }

var zoned = time.Date(2026, 11, 5, 12, 30, 15, 123456789, time.FixedZone("", -(3*3600+1800)))

func TestFidelityOfBothCodecs(t *testing.T) {
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		t.Run(c.Name(), func(t *testing.T) {
			t.Run(same("bool", c, true))
			t.Run(same("int64 min", c, int64(math.MinInt64)))
			t.Run(same("int64 max", c, int64(math.MaxInt64)))
			t.Run(same("uint64 max", c, uint64(math.MaxUint64)))
			t.Run(same("numbers", c, numbers{math.MinInt64, math.MaxUint64, -128, math.SmallestNonzeroFloat32, math.MaxFloat64}))
			t.Run(same("string", c, "žluť \x00 \u2028 <&>"))
			t.Run(same("invalid UTF-8", c, "\xff\xfe"))
			t.Run(same("empty string", c, ""))
			t.Run(same("named string", c, status("active")))
			t.Run(same("bytes", c, []byte{0, 1, 255}))
			t.Run(same("nil bytes", c, []byte(nil)))
			t.Run(same("empty bytes", c, []byte{}))
			t.Run(same("named bytes", c, []color{1, 2}))
			t.Run(same("nil slice", c, []int(nil)))
			t.Run(same("empty slice", c, []int{}))
			t.Run(same("nil map", c, map[string]int(nil)))
			t.Run(same("empty map", c, map[string]int{}))
			t.Run(same("int keys", c, map[int16]string{-1: "a", 2: "b"}))
			t.Run(same("nil containers", c, containers{}))
			t.Run(same("empty containers", c, containers{
				Bytes: []byte{}, Ints: []int{}, Map: map[string]int{}, Nested: [][]string{nil, {}}, Colors: []color{},
			}))
			t.Run(same("full containers", c, containers{
				Bytes: []byte("b"), Ints: []int{1, -1}, Map: map[string]int{"": 0}, Nested: [][]string{{"a"}},
				Colors: []color{0, 255}, Array: [4]byte{1, 2, 3, 4}, Points: [2]point{{1, 2}, {3, 4}},
			}))
			t.Run(same("nil pointer", c, (*point)(nil)))
			t.Run(same("pointer to zero", c, &point{}))
			t.Run(same("nil pointers", c, pointers{}))
			t.Run(same("pointers to zero", c, pointers{
				ptr(0), ptr(""), &point{}, ptr(ptr(0)), ptr([]string{}), ptr(zoned.UTC()),
			}))
			t.Run(same("embedded, nil pointer", c, named{Name: "n", base: base{ID: 1, Created: zoned.UTC()}}))
			t.Run(same("embedded", c, named{base{1, zoned.UTC()}, &Audit{}, "n"}))
			t.Run(same("recursive", c, tree{
				Value: 1, Children: []*tree{nil, {Value: 2}}, Next: &tree{}, ByName: map[string]tree{"a": {Value: 3}},
			}))
			t.Run(same("any", c, map[string]any{
				"nil": nil, "bool": true, "float": 1.5, "whole": 3.0, "string": "s",
				"list": []any{"a", nil, []any{}}, "map": map[string]any{},
			}))
			t.Run(same("top any", c, any("s")))
			t.Run(same("sql.Null", c, sql.Null[int]{V: 7, Valid: true}))
			t.Run(same("sql.NullString", c, sql.NullString{Valid: true}))
			t.Run(same("duration", c, time.Hour))
			t.Run(same("top time", c, zoned))
			t.Run(same("top zero time", c, time.Time{}))
			t.Run(same("netip", c, struct{ A netip.Addr }{netip.MustParseAddr("fe80::1%eth0")}))
			t.Run(same("zero netip", c, struct{ A netip.Addr }{}))
			t.Run(same("netip keys", c, map[netip.Addr]int{netip.MustParseAddr("10.0.0.1"): 1}))
			t.Run(same("top netip", c, netip.MustParseAddrPort("[::1]:80")))
			t.Run(same("big", c, struct{ N *big.Int }{new(big.Int).Lsh(big.NewInt(-7), 200)}))
			t.Run(same("no big", c, struct{ N *big.Int }{}))
			t.Run(same("top url", c, must(url.Parse("https://h/"))))
			t.Run(same("top nil url", c, (*url.URL)(nil)))
			t.Run(same("rat", c, struct{ R *big.Rat }{big.NewRat(-22, 7)}))
			t.Run(same("empty struct", c, struct{}{}))
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestFidelityOfCBOR(t *testing.T) {
	c := codec.CBOR
	t.Run(same("infinity", c, []float64{math.Inf(1), math.Inf(-1)}))
	t.Run(same("invalid UTF-8 inside", c, struct{ S string }{"\xff"}))
	t.Run(same("invalid UTF-8 keys", c, map[string]int{"\xff": 1}))
	t.Run(same("any", c, []any{int64(-1), []byte{}, zoned.UTC(), map[string]any{"n": int64(1)}, 1.0}))
	t.Run(same("url", c, struct{ U *url.URL }{must(url.Parse("https://u:p@h/a%2Fb?q#f"))}))
	t.Run(same("struct keys", c, map[point]string{{1, 2}: "a", {-1, 0}: "b"}))
	t.Run(same("array keys", c, map[[2]string]bool{{"a", "b"}: true}))
	t.Run(same("byte array keys", c, map[[2]byte]bool{{1, 2}: true}))
	t.Run(same("bool keys", c, map[bool]int{true: 1}))
	t.Run(same("float keys", c, map[float64]int{0.5: 1}))
	t.Run(same("big in a map", c, map[string]big.Int{"a": *big.NewInt(5)}))

	t.Run("NaN and -0", func(t *testing.T) {
		nan := math.Float64frombits(0x7ff8_0000_dead_beef)
		got := through(t, c, []float64{nan, math.Copysign(0, -1)})
		require.Equal(t, math.Float64bits(nan), math.Float64bits(got[0]))
		require.True(t, math.Signbit(got[1]))
		require.True(t, math.Signbit(float64(through(t, c, []float32{float32(math.Copysign(0, -1))})[0])))
	})
}

func TestTimesInsideValues(t *testing.T) {
	type event struct{ At time.Time }
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		for _, at := range []time.Time{
			{}, time.Now(), zoned, zoned.UTC(), zoned.Local(),
			time.Date(0, 1, 1, 0, 0, 0, 1, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
			time.Date(1969, 12, 31, 23, 59, 59, 1, time.FixedZone("", 14*3600)),
		} {
			requireSameTime(t, at, through(t, c, event{at}).At)
			requireSameTime(t, at, through(t, c, map[string]time.Time{"": at})[""])
		}
	}
}

func TestNamesOfTypes(t *testing.T) {
	name := func(c codec.Codec, err error) string {
		t.Helper()
		require.NoError(t, err)
		return c.Name()
	}
	require.Equal(t, "cbor", name(codec.For(typeOf[point](), nil)))
	require.Equal(t, "json", name(codec.For(typeOf[point](), codec.JSON)))
	require.Equal(t, "cbor+text", name(codec.For(typeOf[*big.Rat](), nil)))
	require.Equal(t, "bytes", name(codec.For(typeOf[[]byte](), nil)))
	require.Equal(t, "string", name(codec.For(typeOf[status](), codec.JSON)))
	require.Equal(t, "binary", name(codec.For(typeOf[*url.URL](), nil)))
	require.Equal(t, "binary", name(codec.For(typeOf[time.Time](), codec.JSON)))
}

func TestSchemaEvolution(t *testing.T) {
	type v1 struct {
		Name string
		Old  map[string]any
		Age  int
	}
	type v2 struct {
		Age  int64
		Name string
		New  []string
	}
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		data, err := c.Append(nil, &v1{"n", map[string]any{"a": []any{1.0}}, 3})
		require.NoError(t, err)
		got := v2{New: []string{"left over"}}
		require.NoError(t, c.Decode(data, &got))
		require.Equal(t, v2{Age: 3, Name: "n"}, got)
	}
	// A key met twice: the last one wins.
	got := map[string]int{}
	require.NoError(t, codec.CBOR.Decode([]byte("\xa2\x61a\x01\x61a\x02"), &got))
	require.Equal(t, map[string]int{"a": 2}, got)
}

func TestTagsOfTheUser(t *testing.T) {
	type user struct {
		Name   string   `json:"name"`
		Secret string   `json:"-" cbor:"secret"`
		Cached int      `cbor:"-"`
		Tags   []string `json:"tags,omitempty"`
		hidden int      `cbor:"-"`
	}
	// What `-` excludes comes back zero, and omitempty makes an empty slice nil: the user's words.
	got := through(t, codec.CBOR, user{"n", "s", 1, []string{}, 2})
	require.Equal(t, user{Name: "n", Secret: "s"}, got)
}
