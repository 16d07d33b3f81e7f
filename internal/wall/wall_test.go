package wall_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/wall"
)

func TestSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, time.Now(), wall.Now())
		wall.Skew(-3 * time.Minute)
		defer wall.Skew(0)
		require.Equal(t, time.Now().Add(-3*time.Minute), wall.Now())
	})
}
