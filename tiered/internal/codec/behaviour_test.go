package codec_test

import (
	"bytes"
	"errors"
	"math"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

func TestProtobuf(t *testing.T) {
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON, nil} {
		for _, m := range []*wrapperspb.StringValue{nil, {}, wrapperspb.String("s")} {
			pb, err := codec.For(typeOf[*wrapperspb.StringValue](), c)
			require.NoError(t, err)
			require.Equal(t, "protobuf", pb.Name())
			data, err := pb.Append([]byte("before"), &m)
			require.NoError(t, err)
			got := wrapperspb.String("left over")
			require.NoError(t, pb.Decode(data[6:], &got))
			clear(data)
			require.Equal(t, m == nil, got == nil)
			require.True(t, proto.Equal(m, got))
		}
	}
	refused[*dynamicpb.Message](t, nil)
	refused[proto.Message](t, nil)

	pb, err := codec.For(typeOf[*wrapperspb.StringValue](), nil)
	require.NoError(t, err)
	bad := wrapperspb.String("\xff")
	out, err := pb.Append([]byte("kept"), &bad)
	require.ErrorContains(t, err, "tiered: protobuf")
	require.Equal(t, "kept", string(out))
}

func TestWrongTargets(t *testing.T) {
	for _, typ := range []any{point{}, "", []byte{}, time.Time{}, &url.URL{}, &wrapperspb.BoolValue{}} {
		for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
			typed, err := codec.For(typeOfValue(typ), c)
			require.NoError(t, err)
			for _, v := range []any{nil, 1, new(int), (*int)(nil), new(map[string]int), (*point)(nil), (*string)(nil), (*[]byte)(nil)} {
				_, err := typed.Append(nil, v)
				require.ErrorContains(t, err, "tiered: ")
				require.ErrorContains(t, typed.Decode([]byte{0xa0}, v), "tiered: ")
			}
		}
	}
	require.ErrorContains(t, codec.CBOR.Decode([]byte{0xa0}, point{}), "tiered: cbor: need a pointer")
	require.ErrorContains(t, second(codec.JSON.Append(nil, nil)), "tiered: json: need a pointer")
	require.ErrorIs(t, codec.JSON.Decode(nil, new(account)), codec.ErrType)
	require.ErrorIs(t, codec.CBOR.Decode(nil, new(account)), codec.ErrType)
}

// A corrupt record is an error, and leaves nothing behind.
func TestCorruptRecords(t *testing.T) {
	v := containers{Bytes: []byte("b"), Ints: []int{1, 2}, Map: map[string]int{"a": 1}}
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		data, err := c.Append(nil, &v)
		require.NoError(t, err)
		for n := range data {
			got := v
			require.Error(t, c.Decode(data[:n], &got), "%q", data[:n])
			require.Zero(t, got)
		}
		require.ErrorContains(t, c.Decode(append(data, data...), new(containers)), "tiered: ")
	}
	require.ErrorContains(t, codec.CBOR.Decode([]byte{0xf6}, new(containers)), "null")
	require.ErrorContains(t, codec.JSON.Decode([]byte(" null"), new(containers)), "null")
}

func TestHugeLengthsAllocateNothing(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, head := range []string{"\x9b", "\xbb", "\x5b", "\x7b"} {
		for _, length := range []string{"\x00\x00\x00\x00\x7f\xff\xff\xff", "\x7f\xff\xff\xff\xff\xff\xff\xff", "\x00\x00\x00\x00\x10\x00\x00\x00"} {
			require.Error(t, codec.CBOR.Decode([]byte(head+length), new(any)))
			require.Error(t, codec.CBOR.Decode([]byte(head+length), new([]containers)))
			require.Error(t, codec.CBOR.Decode([]byte(head+length), new(map[string]int)))
		}
	}
	require.Error(t, codec.CBOR.Decode(bytes.Repeat([]byte{0x81}, 1<<20), new(any)))
	require.Error(t, codec.CBOR.Decode(bytes.Repeat([]byte{0xc6}, 1<<20), new(any)))
	_, err := codec.Decompress(nil, []byte("\xff\xff\xff\xff\x0f"), 1<<20)
	require.ErrorIs(t, err, codec.ErrTooLarge)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
}

// More elements than the library's own default allows.
func TestLongLists(t *testing.T) {
	long := make([]int, 200_000)
	require.Equal(t, long, through(t, codec.CBOR, long))
}

type explosive struct{ n int }

func (explosive) MarshalBinary() ([]byte, error)  { panic(errBoom) }
func (*explosive) UnmarshalBinary(b []byte) error { panic("boom") }

var errBoom = errors.New("boom")

func TestPanicsOfMarshalersAreErrors(t *testing.T) {
	check := func(typed codec.Codec, data string, v any) {
		t.Helper()
		out, err := typed.Append([]byte("kept"), v)
		require.ErrorIs(t, err, errBoom)
		require.Equal(t, "kept", string(out))
		require.ErrorContains(t, typed.Decode([]byte(data), v), "boom")
	}
	alone, err := codec.For(typeOf[explosive](), nil)
	require.NoError(t, err)
	check(alone, "", new(explosive))
	check(codec.CBOR, "\x81\x40", &[]explosive{{1}})
	require.NoError(t, codec.Check(typeOf[point](), nil)) // the pools survived
	requireSame(t, point{1, 2}, through(t, nil, point{1, 2}))
}

func TestAppendAllocatesNothingOfItsOwn(t *testing.T) {
	dst := make([]byte, 0, 1024)
	b, s, at := []byte("some bytes"), "a string", zoned.UTC()
	n := numbers{I64: 1, F64: 0.5}
	for name, v := range map[string]any{"bytes": &b, "string": &s, "time": &at, "struct": &n} {
		c, err := codec.For(typeOfValue(v).Elem(), nil)
		require.NoError(t, err)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if _, err := c.Append(dst, v); err != nil {
				panic(err)
			}
		}), name)
	}
	raw, err := codec.For(typeOf[[]byte](), nil)
	require.NoError(t, err)
	data, err := raw.Append(nil, &b)
	require.NoError(t, err)
	var got []byte
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = raw.Decode(data, &got) }), 1.0)
}

func TestManyGoroutines(t *testing.T) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for g := range 8 {
		wg.Go(func() {
			for i := range 100 {
				text := strings.Repeat(string(rune('a'+g)), i*10)
				v := struct {
					Text string
					Doc  map[string]any
				}{text, map[string]any{"t": text}}
				for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
					data, err := c.Append(nil, &v)
					if err != nil || !bytes.Contains(data, []byte(text)) {
						t.Errorf("%s: %v", c.Name(), err)
						return
					}
					got := v
					if err := c.Decode(data, &got); err != nil || got.Text != text || got.Doc["t"] != text {
						t.Errorf("%s: got %v, %v", c.Name(), got, err)
						return
					}
				}
			}
		})
	}
}

// Two results made one after another through the same pool share no bytes.
func TestResultsDoNotShareBuffers(t *testing.T) {
	for _, c := range []codec.Codec{codec.CBOR, codec.JSON} {
		a, b := []string{"first"}, []string{"other"}
		one, err := c.Append(nil, &a)
		require.NoError(t, err)
		kept := string(one)
		_, err = c.Append(nil, &b)
		require.NoError(t, err)
		require.Equal(t, kept, string(one))
	}
	require.ErrorContains(t, second(codec.JSON.Append(nil, &[]float64{math.NaN()})), "tiered: json: append")
}

func TestDecodedAnyDoesNotAlias(t *testing.T) {
	v := any(map[string]any{"b": []byte("bytes"), "s": "a long enough string to be worth sharing"})
	data, err := codec.CBOR.Append(nil, &v)
	require.NoError(t, err)
	var got any
	require.NoError(t, codec.CBOR.Decode(data, &got))
	clear(data)
	require.Equal(t, v, got)

	s, err := structpb.NewStruct(map[string]any{"k": "value"})
	require.NoError(t, err)
	pb, err := codec.For(typeOf[*structpb.Struct](), nil)
	require.NoError(t, err)
	data, err = pb.Append(nil, &s)
	require.NoError(t, err)
	var back *structpb.Struct
	require.NoError(t, pb.Decode(data, &back))
	clear(data)
	require.True(t, proto.Equal(s, back))
}

func TestCompress(t *testing.T) {
	for _, payload := range []string{"", "x", strings.Repeat("freshet ", 1000)} {
		packed := codec.Compress(nil, []byte(payload))
		got, err := codec.Decompress(nil, packed, len(payload))
		require.NoError(t, err)
		require.Equal(t, payload, string(got))
		for n := range packed {
			_, err := codec.Decompress(nil, packed[:n], 1<<20)
			require.ErrorContains(t, err, "tiered: decompress")
		}
		if payload != "" {
			_, err = codec.Decompress(nil, packed, len(payload)-1)
			require.ErrorIs(t, err, codec.ErrTooLarge)
		}
	}
	payload, dst := bytes.Repeat([]byte("freshet "), 1000), make([]byte, 0, 1<<16)
	packed := codec.Compress(nil, payload)
	require.Less(t, len(packed), len(payload)/4)
	require.Zero(t, testing.AllocsPerRun(100, func() { codec.Compress(dst, payload) }))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := codec.Decompress(dst, packed, 1<<16); err != nil {
			panic(err)
		}
	}))
}
