package codec_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// through writes v as a cache of V would, and reads it back into a used variable.
func through[V any](t testing.TB, c codec.Codec, v V) V {
	t.Helper()
	typed, err := codec.For(reflect.TypeFor[V](), c)
	require.NoError(t, err)
	data, err := typed.Append([]byte("before"), &v)
	require.NoError(t, err)
	require.Equal(t, "before", string(data[:6]))
	data = data[6:]
	got := v // what it held must not shine through
	require.NoError(t, typed.Decode(data, &got))
	// Decoding must have copied: scribbling over the record changes nothing.
	for i := range data {
		data[i] ^= 0xff
	}
	return got
}

// requireSame is require.Equal, but for times below the top, which come back Equal and with the
// same offset, not with the same pointer to a zone.
func requireSame(t testing.TB, want, got any) {
	t.Helper()
	if w, ok := want.(time.Time); ok {
		requireSameTime(t, w, got.(time.Time))
		return
	}
	require.Equal(t, want, got)
}

func requireSameTime(t testing.TB, want, got time.Time) {
	t.Helper()
	require.True(t, want.Equal(got), "want %v, got %v", want, got)
	_, wo := want.Zone()
	_, g := got.Zone()
	require.Equal(t, wo, g, "offset of %v and %v", want, got)
}

func same[V any](name string, c codec.Codec, v V) (string, func(t *testing.T)) {
	return name, func(t *testing.T) { requireSame(t, v, through(t, c, v)) }
}

// refused says that the type is refused at construction, with this in the message.
func refused[V any](t *testing.T, c codec.Codec, parts ...string) {
	t.Helper()
	err := codec.Check(reflect.TypeFor[V](), c)
	require.ErrorIs(t, err, codec.ErrType)
	for _, p := range parts {
		require.ErrorContains(t, err, p)
	}
}

// lossy says that the type is fine and this value is not.
func lossy[V any](t *testing.T, c codec.Codec, v V, parts ...string) {
	t.Helper()
	typed, err := codec.For(reflect.TypeFor[V](), c)
	require.NoError(t, err)
	out, err := typed.Append([]byte("kept"), &v)
	require.ErrorIs(t, err, codec.ErrLossy)
	require.Equal(t, "kept", string(out))
	for _, p := range parts {
		require.ErrorContains(t, err, p)
	}
}

func typeOfValue(v any) reflect.Type { return reflect.TypeOf(v) }
