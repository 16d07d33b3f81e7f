package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
)

var (
	errFault  = errors.New("connection reset")
	errAnswer = errors.New("no such key")
)

func isFault(err error) bool { return !errors.Is(err, errAnswer) }

func TestDoCountsOnlyHealth(t *testing.T) {
	cancelled := fmt.Errorf("reading: %w", context.Canceled)
	for _, c := range []struct {
		name      string
		err       error
		isFailure func(error) bool
		want      breaker.State
	}{
		{"success", nil, isFault, breaker.Closed},
		{"an answer", errAnswer, isFault, breaker.Closed},
		{"a fault", errFault, isFault, breaker.Open},
		{"a fault by default", errFault, nil, breaker.Open},
		{"a cancelled caller", cancelled, nil, breaker.Closed},
		{"a cancelled caller, whatever isFailure says", cancelled, isFault, breaker.Closed},
		{"a deadline", context.DeadlineExceeded, nil, breaker.Open},
	} {
		b := newBreaker(t, breaker.Options{Consecutive: 1})
		require.Equal(t, c.err, b.Do(func() error { return c.err }, c.isFailure), c.name)
		require.Equal(t, c.want, b.State(), c.name)
	}
}

func TestDoDoesNotCallWhenOpen(t *testing.T) {
	b := newBreaker(t, breaker.Options{Consecutive: 1})
	report(t, b, "f")
	err := b.Do(func() error { panic("called") }, nil)
	require.ErrorIs(t, err, breaker.ErrOpen)
}

// A cancelled caller is not a success either: it must not hide failures.
func TestDoCancelledDoesNotInterruptARun(t *testing.T) {
	b := newBreaker(t, breaker.Options{Consecutive: 2})
	for _, err := range []error{errFault, context.Canceled, errFault} {
		require.ErrorIs(t, b.Do(func() error { return err }, nil), err)
	}
	require.Equal(t, breaker.Open, b.State())
}

// Regression: a Goexit in a half-open probe leaked its slot for ever.
func TestDoPanicAndGoexitGiveTheSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{Consecutive: 1, ProbeSuccesses: 1})
		report(t, b, "f")
		time.Sleep(breaker.DefaultOpenFor)

		require.PanicsWithValue(t, "boom", func() { _ = b.Do(func() error { panic("boom") }, nil) })
		require.Equal(t, breaker.HalfOpen, b.State())

		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = b.Do(func() error { runtime.Goexit(); return nil }, nil)
		}()
		<-ended
		require.Equal(t, breaker.HalfOpen, b.State())

		require.Panics(t, func() {
			_ = b.Do(func() error { return errFault }, func(error) bool { panic("in isFailure") })
		})
		require.Equal(t, breaker.HalfOpen, b.State())

		require.NoError(t, b.Do(func() error { return nil }, nil))
		require.Equal(t, breaker.Closed, b.State())
	})
}
