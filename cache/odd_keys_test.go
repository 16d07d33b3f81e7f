package cache_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/cache"
)

// celsius may be NaN, which equals nothing.
type celsius struct{ degrees float64 }

func (c celsius) MarshalText() ([]byte, error) { return fmt.Append(nil, c.degrees), nil }

// What is kept under a key that does not equal itself is never found again, and no map gives it back.
func TestKeysThatDoNotEqualThemselves(t *testing.T) {
	loads := 0
	c, err := cache.New(func(_ context.Context, c celsius) (string, error) {
		loads++
		return fmt.Sprint(c.degrees), nil
	}, cache.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	nan := celsius{math.NaN()}
	const message = `cache: key {NaN} is not equal to itself`

	_, err = c.Get(bg, nan)
	require.EqualError(t, err, message)
	_, err = c.Refresh(bg, nan)
	require.EqualError(t, err, message)
	require.EqualError(t, c.Set(bg, nan, "v"), message)
	require.EqualError(t, c.Invalidate(bg, nan), message)
	require.Zero(t, loads)

	found, err := c.GetMany(bg, []celsius{nan, {36.6}, nan})
	require.ErrorContains(t, err, message)
	require.Equal(t, map[celsius]string{{36.6}: "36.6"}, found)
	require.Equal(t, 1, loads)
	balanced(t, c.Stats(), 5)
}
