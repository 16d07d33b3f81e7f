package breaker_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
)

func TestLifeOfABreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{})
		report(t, b, "ssssssssffffsffff")
		require.Equal(t, breaker.Closed, b.State())
		report(t, b, "f")
		require.Equal(t, breaker.Open, b.State(), "five in a row")

		time.Sleep(breaker.DefaultOpenFor - 1)
		refuse(t, b)
		time.Sleep(time.Nanosecond)
		probe := allow(t, b)
		require.Equal(t, breaker.HalfOpen, b.State())
		refuse(t, b) // one probe at once
		probe.Failure()
		require.Equal(t, breaker.Open, b.State())
		refuse(t, b)

		time.Sleep(breaker.DefaultOpenFor)
		require.Equal(t, breaker.HalfOpen, b.State(), "asking is enough")
		report(t, b, "s")
		require.Equal(t, breaker.HalfOpen, b.State(), "one is not enough")
		report(t, b, "s")
		require.Equal(t, breaker.Closed, b.State())
		report(t, b, "ffff")
		require.Equal(t, breaker.Closed, b.State(), "closing begins anew")
	})
}

func TestDeadServiceOpensWhateverCameBefore(t *testing.T) {
	b := newBreaker(t, breaker.Options{})
	report(t, b, strings.Repeat("s", 100_000)+"fffff")
	refuse(t, b)
}

func TestFailureRate(t *testing.T) {
	b := newBreaker(t, breaker.Options{})
	report(t, b, "sfsfsfsfs")
	require.Equal(t, breaker.Closed, b.State(), "too few to judge")
	report(t, b, "f")
	require.Equal(t, breaker.Open, b.State(), "5 of 10")

	b = newBreaker(t, breaker.Options{FailureRate: 0.07, MinRequests: 100, Consecutive: 1000})
	report(t, b, strings.Repeat("s", 93)+"ffffff")
	require.Equal(t, breaker.Closed, b.State())
	report(t, b, "f")
	require.Equal(t, breaker.Open, b.State(), "exactly 7 %, which 0.07*100 misses")
}

func TestWindowForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{})
		report(t, b, "sfsfsfsfs")
		time.Sleep(breaker.DefaultWindow)
		report(t, b, "f")
		require.Equal(t, breaker.Closed, b.State(), "the rate rolls")

		report(t, b, "fff")
		time.Sleep(breaker.DefaultWindow - 1)
		report(t, b, "c")
		require.Equal(t, breaker.Closed, b.State())
		time.Sleep(time.Nanosecond)
		report(t, b, "f")
		require.Equal(t, breaker.Closed, b.State(), "and so do failures in a row")
		report(t, b, "fff")
		require.Equal(t, breaker.Closed, b.State())
		time.Sleep(breaker.DefaultWindow - 1)
		report(t, b, "f")
		require.Equal(t, breaker.Open, b.State())
	})
}

// The window moves in tenths: a result counts for nine to ten of them.
func TestWindowMovesInTenths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{Consecutive: 1000, MinRequests: 4, FailureRate: 1})
		report(t, b, "s") // in the first tenth
		time.Sleep(time.Second)
		report(t, b, "ff") // in the second
		time.Sleep(9*time.Second - time.Nanosecond)
		report(t, b, "f") // at the end of the tenth
		require.Equal(t, breaker.Closed, b.State(), "the success counts still")
		time.Sleep(time.Nanosecond)
		report(t, b, "f") // in the eleventh
		require.Equal(t, breaker.Open, b.State(), "the success is forgotten, and it alone")
	})
}

func TestFailedTrialForgetsItsSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{Consecutive: 1})
		report(t, b, "f")
		time.Sleep(breaker.DefaultOpenFor)
		report(t, b, "sf")
		time.Sleep(breaker.DefaultOpenFor)
		report(t, b, "s")
		require.Equal(t, breaker.HalfOpen, b.State())
	})
}

func TestCancelCountsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{})
		report(t, b, strings.Repeat("c", 1000)+"ffff"+strings.Repeat("c", 1000))
		require.Equal(t, breaker.Closed, b.State())
		report(t, b, "f")
		require.Equal(t, breaker.Open, b.State(), "nor is it a success between failures")

		time.Sleep(breaker.DefaultOpenFor)
		report(t, b, strings.Repeat("c", 1000))
		require.Equal(t, breaker.HalfOpen, b.State(), "a cancelled probe gives its slot back")
		report(t, b, "sccs")
		require.Equal(t, breaker.Closed, b.State())
	})
}

func TestProbeThatNeverReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{})
		report(t, b, "fffff")
		time.Sleep(breaker.DefaultOpenFor)

		lost := allow(t, b)
		time.Sleep(breaker.DefaultProbeTimeout - 1)
		refuse(t, b)
		time.Sleep(time.Nanosecond)
		next := allow(t, b)
		refuse(t, b)
		lost.Failure()
		require.Equal(t, breaker.HalfOpen, b.State(), "too late")
		refuse(t, b) // and the slot is not given back twice

		time.Sleep(breaker.DefaultProbeTimeout)
		next.Failure()
		require.Equal(t, breaker.HalfOpen, b.State(), "too late, though nobody wanted the slot")
		report(t, b, "ss")
		require.Equal(t, breaker.Closed, b.State())
	})
}

func TestLateReportsDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, breaker.Options{Probes: 3, ProbeSuccesses: 1, Consecutive: 1})
		late := func() (p [3]breaker.Permit) {
			for i := range p {
				p[i] = allow(t, b)
			}
			return p
		}
		reportAll := func(p [3]breaker.Permit) { p[0].Success(); p[1].Failure(); p[2].Cancel() }

		fromClosed, alsoFromClosed := late(), late()
		report(t, b, "f")
		reportAll(fromClosed)
		require.Equal(t, breaker.Open, b.State(), "a success does not close an open breaker")

		time.Sleep(breaker.DefaultOpenFor)
		require.Equal(t, breaker.HalfOpen, b.State())
		reportAll(alsoFromClosed)
		require.Equal(t, breaker.HalfOpen, b.State(), "neither closes nor opens a half-open one")

		probes := late()
		refuse(t, b)
		probes[0].Failure()
		time.Sleep(breaker.DefaultOpenFor)
		require.Equal(t, breaker.HalfOpen, b.State())
		probes[1].Success()
		require.Equal(t, breaker.HalfOpen, b.State(), "a probe of an earlier trial")
		fresh := late()
		probes[2].Cancel()
		refuse(t, b) // it does not give back somebody else's slot

		fresh[0].Success()
		fresh[1].Failure()
		require.Equal(t, breaker.Closed, b.State(), "nor open a closed one")
	})
}

func TestOnlyTheFirstReportCounts(t *testing.T) {
	b := newBreaker(t, breaker.Options{Consecutive: 2})
	p := allow(t, b)
	p.Failure()
	for range 100 {
		p.Failure()
	}
	require.Equal(t, breaker.Closed, b.State())

	for range 100 { // whose ticket may be the one of p
		q := allow(t, b)
		p.Success()
		p.Failure()
		p.Cancel()
		q.Failure()
		require.Equal(t, breaker.Open, b.State(), "the report of q counted, beside that of p")
		b = newBreaker(t, breaker.Options{Consecutive: 2})
		p = allow(t, b)
		p.Failure()
	}
}

func TestNilBreakerIsClosedForGood(t *testing.T) {
	var b *breaker.Breaker
	report(t, b, strings.Repeat("f", 100)+"sc")
	require.Equal(t, breaker.Closed, b.State())
	require.ErrorIs(t, b.Do(func() error { return errFault }, nil), errFault)
	require.NoError(t, b.Do(func() error { return nil }, nil))
	require.Zero(t, allow(t, b))
}

func TestZeroPermitIgnoresReports(t *testing.T) {
	var p breaker.Permit
	p.Success()
	p.Failure()
	p.Cancel()
}
