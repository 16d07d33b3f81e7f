package codec_test

import (
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

// decodes tries data as a V. Whatever it is, there is no panic and no half-read value; what was
// read can be written, unless it is lossy, and then reads back as itself.
func decodes[V any](t *testing.T, c codec.Codec, data []byte) {
	t.Helper()
	typed, err := codec.For(reflect.TypeFor[V](), c)
	require.NoError(t, err)
	var v, zero V
	if err := typed.Decode(data, &v); err != nil {
		require.ErrorContains(t, err, "tiered: ")
		require.Equal(t, zero, v)
		return
	}
	again, err := typed.Append(nil, &v)
	if err != nil {
		return
	}
	var back V
	require.NoError(t, typed.Decode(again, &back))
	twice, err := typed.Append(nil, &back)
	require.NoError(t, err)
	require.Len(t, twice, len(again)) // maps have no order
}

func FuzzDecodeCBOR(f *testing.F) {
	for _, v := range []any{nil, true, 1.5, "s", []any{int64(1), []byte("b")}, map[string]any{"a": "b"}} {
		data, err := codec.CBOR.Append(nil, &v)
		require.NoError(f, err)
		f.Add(data)
	}
	r := rich{Bytes: []byte("b"), Doc: map[string]any{"a": 1.0}, At: zoned, Children: []*rich{nil, {}}}
	data, err := codec.CBOR.Append(nil, &r)
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte("\xf6"))
	f.Add([]byte("\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"))         // a very long array
	f.Add([]byte("\xbb\x00\x00\x00\x00\x7f\xff\xff\xff"))         // a very long map
	f.Add([]byte("\x5b\x00\x00\x00\x00\x7f\xff\xff\xff"))         // very long bytes
	f.Add([]byte("\x9f\x9f\x9f\xff\xff\xff"))                     // indefinite lengths
	f.Add([]byte("\xc0\xc0\xc0\x60"))                             // tags
	f.Add([]byte("\xc2\x49\x01\x00\x00\x00\x00\x00\x00\x00\x00")) // a big integer
	f.Fuzz(func(t *testing.T, data []byte) {
		c := codec.CBOR
		decodes[any](t, c, data)
		decodes[rich](t, c, data)
		decodes[*rich](t, c, data)
		decodes[tree](t, c, data)
		decodes[ring](t, c, data)
		decodes[list](t, c, data)
		decodes[containers](t, c, data)
		decodes[pointers](t, c, data)
		decodes[map[point]numbers](t, c, data)
		decodes[map[string]any](t, c, data)
	})
}

func FuzzDecodeJSON(f *testing.F) {
	r := rich{Bytes: []byte("b"), Doc: map[string]any{"a": 1.0}, At: zoned, Children: []*rich{nil, {}}}
	data, err := codec.JSON.Append(nil, &r)
	require.NoError(f, err)
	for _, s := range []string{string(data), "null", " null ", "{}", "[[[[]]]]", `{"Next":{"Next":null}}`, `"s"`, "1e999"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := codec.JSON
		decodes[any](t, c, data)
		decodes[rich](t, c, data)
		decodes[*rich](t, c, data)
		decodes[ring](t, c, data)
		decodes[list](t, c, data)
		decodes[containers](t, c, data)
		decodes[map[string]any](t, c, data)
	})
}

func FuzzDecodeRaw(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{1, 2, 3})
	at, err := zoned.MarshalBinary()
	require.NoError(f, err)
	f.Add(at)
	f.Add(append([]byte{1}, "https://h/"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		decodes[[]byte](t, nil, data)
		decodes[string](t, nil, data)
		decodes[time.Time](t, nil, data)
		decodes[*url.URL](t, nil, data)
		decodes[whole](t, nil, data) // its UnmarshalBinary panics on short data
	})
}

func FuzzDecodeProtobuf(f *testing.F) {
	s, err := structpb.NewStruct(map[string]any{"a": []any{1, "b", nil}})
	require.NoError(f, err)
	c, err := codec.For(typeOf[*structpb.Struct](), nil)
	require.NoError(f, err)
	data, err := c.Append(nil, &s)
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		var m, back *structpb.Struct
		if err := c.Decode(data, &m); err != nil {
			require.Nil(t, m)
			return
		}
		again, err := c.Append(nil, &m)
		require.NoError(t, err)
		require.NoError(t, c.Decode(again, &back))
		require.Equal(t, m == nil, back == nil)
		once, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		twice, err := proto.MarshalOptions{Deterministic: true}.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}

func FuzzDecompress(f *testing.F) {
	f.Add([]byte{}, 10)
	f.Add(codec.Compress(nil, nil), 0)
	f.Add(codec.Compress(nil, make([]byte, 1000)), 1000)
	f.Add(codec.Compress(nil, []byte("freshet freshet freshet")), 100)
	f.Add([]byte("\xff\xff\xff\xff\x0f"), 1<<20)
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		limit = min(limit, 1<<20)
		out, err := codec.Decompress([]byte("kept"), data, limit)
		if err != nil {
			require.Equal(t, "kept", string(out))
			return
		}
		require.Equal(t, "kept", string(out[:4]))
		require.LessOrEqual(t, len(out)-4, limit)
	})
}
