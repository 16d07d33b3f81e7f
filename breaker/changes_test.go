package breaker_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
)

// Regression: asking for the state inside the callback deadlocked elsewhere.
func TestObserverMayUseTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *breaker.Breaker
		var seen []string
		b = newBreaker(t, breaker.Options{Consecutive: 1, ProbeSuccesses: 1, OnChange: func(from, to breaker.State) {
			seen = append(seen, fmt.Sprintf("%v->%v, now %v", from, to, b.State()))
			if to == breaker.HalfOpen {
				report(t, b, "s") // changes the state from within
				seen = append(seen, "reported")
			}
		}})
		report(t, b, "f")
		time.Sleep(breaker.DefaultOpenFor)
		b.State()
		require.Equal(t, []string{
			"closed->open, now open",
			"open->half-open, now half-open",
			"reported",
			"half-open->closed, now closed",
		}, seen)
	})
}

func TestObserverThatPanicsOrExits(t *testing.T) {
	for name, misbehave := range map[string]func(){
		"panic":  func() { panic("observer") },
		"goexit": runtime.Goexit,
	} {
		synctest.Test(t, func(t *testing.T) {
			var seen []string
			b := newBreaker(t, breaker.Options{Consecutive: 1, ProbeSuccesses: 1, OnChange: func(from, to breaker.State) {
				seen = append(seen, fmt.Sprintf("%v->%v", from, to))
				misbehave()
			}})
			step := func(f func()) {
				done := make(chan struct{})
				go func() { defer close(done); f() }()
				<-done
			}
			step(func() { report(t, b, "f") })
			require.Equal(t, breaker.Open, b.State(), name)
			time.Sleep(breaker.DefaultOpenFor)
			step(func() { b.State() })
			step(func() { report(t, b, "s") })
			require.Equal(t, breaker.Closed, b.State(), name)
			require.Equal(t, []string{"closed->open", "open->half-open", "half-open->closed"}, seen, name)
		})
	}
}
