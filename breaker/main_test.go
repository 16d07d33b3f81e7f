package breaker_test

import (
	"testing"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newBreaker(t require.TestingT, o breaker.Options) *breaker.Breaker {
	b, err := breaker.New(o)
	require.NoError(t, err)
	return b
}

// allow fails the test where it is called if the breaker refuses.
func allow(t require.TestingT, b *breaker.Breaker) breaker.Permit {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	p, err := b.Allow()
	require.NoError(t, err)
	return p
}

func refuse(t require.TestingT, b *breaker.Breaker) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	p, err := b.Allow()
	require.ErrorIs(t, err, breaker.ErrOpen)
	require.Zero(t, p)
}

// report makes one request per letter: s succeeds, f fails, c is cancelled.
func report(t require.TestingT, b *breaker.Breaker, results string) {
	if h, ok := t.(interface{ Helper() }); ok {
		h.Helper()
	}
	for _, r := range results {
		switch p := allow(t, b); r {
		case 's':
			p.Success()
		case 'f':
			p.Failure()
		case 'c':
			p.Cancel()
		}
	}
}
