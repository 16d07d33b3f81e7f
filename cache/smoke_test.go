package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/cache"
	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c, err := cache.New(func(ctx context.Context, k int) (int, error) { n++; return k * 2, nil }, cache.Options{})
		require.NoError(t, err)
		defer c.Close()
		v, err := c.Get(t.Context(), 2)
		require.NoError(t, err)
		require.Equal(t, 4, v)
		time.Sleep(time.Second)
		v, err = c.Get(t.Context(), 2)
		require.NoError(t, err)
		require.Equal(t, 4, v)
		require.Equal(t, 1, n)
		time.Sleep(10 * time.Minute)
		v, err = c.Get(t.Context(), 2)
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}
