package tiered

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A variable of a concrete type that was never set is not a nil interface: it would panic at the first command.
func TestATypedNilClient(t *testing.T) {
	for _, rdb := range []redis.UniversalClient{(*redis.Client)(nil), (*redis.ClusterClient)(nil), (*redis.Ring)(nil)} {
		require.NotPanics(t, func() {
			_, err := Options{Redis: rdb}.withDefaults()
			require.ErrorContains(t, err, "Options.Redis", "%T", rdb)
		})
	}
}
