package tiered_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/ttl"
)

// Whoever reads Redis without a link must know the prefixes all the same.
func TestRegressPrefixWithoutALink(t *testing.T) {
	violations, trace := inLab(t, 2, ttl.Fixed(labPolicy), prefixWithoutALink)
	require.Empty(t, violations, trace)
}
