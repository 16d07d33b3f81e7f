package keys_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache/internal/keys"
)

type celsius float64

func (celsius) MarshalText() ([]byte, error) { return nil, nil }

// reading says in text what it holds: floats all the same.
type reading struct {
	Station string
	Values  [2]struct{ Degrees float64 }
}

func (reading) MarshalText() ([]byte, error) { return nil, nil }

func TestForRefuses(t *testing.T) {
	type position struct{ X, Y float64 }
	type place struct {
		Name string
		At   [2]position
	}
	type self struct{ Next *self }
	type embedsInterface struct {
		fmt.Stringer
		N int
	}
	refused[float64](t, "cache: key type float64 cannot be a key: 0 and -0")
	refused[celsius](t, "cache: key type keys_test.celsius cannot be a key: 0 and -0")
	refused[reading](t, "cache: key type keys_test.reading cannot be a key: it holds a float")
	refused[struct{ At reading }](t, "field At: keys_test.reading cannot be a key: it holds a float")
	refused[complex64](t, "cache: key type complex64 cannot be a key")
	refused[*int](t, "cache: key type *int cannot be a key: it is equal by address")
	refused[*hexID](t, "cache: key type *keys_test.hexID cannot be a key: it is equal by address")
	refused[chan int](t, "cache: key type chan int cannot be a key")
	refused[unsafe.Pointer](t, "cache: key type unsafe.Pointer cannot be a key")
	refused[any](t, "cache: key type interface {} cannot be a key: its values can be of different types")
	refused[fmt.Stringer](t, "cache: key type fmt.Stringer cannot be a key")
	refused[position](t, "cache: key type keys_test.position: field X: float64 cannot be a key: 0 and -0")
	refused[place](t, "cache: key type keys_test.place: field At[0].X: float64 cannot be a key")
	refused[self](t, "cache: key type keys_test.self: field Next: *keys_test.self cannot be a key")
	refused[embedsInterface](t, "field Stringer: fmt.Stringer cannot be a key")
	refused[[2]any](t, "cache: key type [2]interface {}: field [0]: interface {} cannot be a key")
	refused[[65]int](t, "cache: key type [65]int cannot be a key: it has more than 64 segments")

	_, err := keys.For[[64]int]("c")
	require.NoError(t, err)
}

func refused[K comparable](t *testing.T, why string) {
	t.Helper()
	_, err := keys.For[K]("c")
	require.ErrorContains(t, err, why)
}
