package prompt

import (
	"runtime"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func count() (n int) {
	known.Range(func(any, any) bool { n++; return true })
	return n
}

func TestMarksAreForgottenWithTheirClients(t *testing.T) {
	c := redis.NewClient(&redis.Options{})
	require.False(t, Is(c))
	require.Same(t, c, Mark(Mark(c)))
	require.True(t, Is(c))
	require.False(t, Is(c.WithTimeout(time.Hour)), "it is another client")
	require.Equal(t, 1, count())
	require.NoError(t, c.Close())
	c = nil //nolint:ineffassign,wastedassign // nothing holds it any more
	require.Eventually(t, func() bool {
		runtime.GC()
		return count() == 0
	}, 20*time.Second, time.Millisecond)
}
