package capacity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestFromEnv(t *testing.T) {
	s, err := capacity.FromEnv(env())
	require.NoError(t, err)
	require.Equal(t, capacity.Settings{Workers: 3, Threads: 4, Queue: 48, Timeout: 30 * time.Second}, s)
	require.Equal(t, 12, s.Capacity())

	s, err = capacity.FromEnv(env("WEB_CONCURRENCY", "2", "WEB_THREADS", "5", "WEB_TIMEOUT", "7"))
	require.NoError(t, err)
	require.Equal(t, capacity.Settings{Workers: 2, Threads: 5, Queue: 40, Timeout: 7 * time.Second}, s, "the queue follows the capacity")

	s, err = capacity.FromEnv(env("WEB_QUEUE", "0"))
	require.NoError(t, err)
	require.Zero(t, s.Queue, "nobody waits")
}

// TestFaults: bad settings are refused by name, all at once.
func TestFaults(t *testing.T) {
	for _, bad := range []string{"0", "-1", "x", "3.5", "1e2", " 3", "99999999999999999999"} {
		_, err := capacity.FromEnv(env("WEB_CONCURRENCY", bad, "WEB_THREADS", bad, "WEB_TIMEOUT", bad))
		for _, name := range []string{"WEB_CONCURRENCY", "WEB_THREADS", "WEB_TIMEOUT"} {
			require.ErrorContains(t, err, name+` is "`+bad+`": must be a whole number from 1 to `)
		}
	}
	_, err := capacity.FromEnv(env("WEB_QUEUE", "-1"))
	require.ErrorContains(t, err, `WEB_QUEUE is "-1": must be a whole number from 0 to `)
}
