//go:build !race

package tiered_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// The race detector makes pools forget, and so allocate.
func TestMemoryGetDoesNotAllocate(t *testing.T) {
	onEachEngine(t, 4<<20, func(t *testing.T, m tiered.Memory) {
		m.Set(7, &thing{weight: 64})
		require.Eventually(t, func() bool { _, ok := m.Get(7); return ok }, waitFor, pollEvery)
		require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = m.Get(7); _, _ = m.Get(8) }))
	})
}
