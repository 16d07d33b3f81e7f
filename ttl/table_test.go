package ttl_test

import (
	"testing"
	"time"

	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	var none ttl.Table
	require.NoError(t, none.Validate())
	_, ok := none.For("users")
	require.False(t, ok)

	good := ttl.Table{"users": ttl.Fixed(time.Minute)}
	require.NoError(t, good.Validate())
	p, ok := good.For("users")
	require.True(t, ok)
	require.Equal(t, time.Minute, p.Lifetime(nil).Fresh)
	_, ok = good.For("posts")
	require.False(t, ok)

	bad := ttl.Table{
		"users": ttl.Fixed(-1).Jitter(2),
		"posts": {},
		"":      ttl.Fixed(1),
		"jobs":  ttl.Fixed(1),
	}
	require.EqualError(t, bad.Validate(), `ttl: table: an entry has no name
ttl: table: "posts": no policy: begin with Fixed or FromValue
ttl: table: "users": Fixed(-1ns): must be positive
ttl: table: "users": Jitter(2): must be at least 0 and below 1`)
}
