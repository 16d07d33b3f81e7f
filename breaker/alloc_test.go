//go:build !race

// Under the race detector a sync.Pool drops items on purpose.

package breaker_test

import (
	"testing"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
)

func TestRequestsDoNotAllocate(t *testing.T) {
	closed := newBreaker(t, breaker.Options{})
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		p, _ := closed.Allow()
		p.Success()
	}))
	succeed := func() error { return nil }
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = closed.Do(succeed, nil) }))

	open := newBreaker(t, breaker.Options{Consecutive: 1, OpenFor: 1 << 62})
	report(t, open, "f")
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = open.Allow() }))
}
