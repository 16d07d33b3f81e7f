package breaker_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is the breaker as its documentation tells it: it keeps every result and
// every permit, and counts anew each time.
type model struct {
	o       breaker.Options
	state   breaker.State
	period  int
	until   time.Duration
	results []result // of this period
	permits []*permit
	changes [][2]breaker.State
}

type result struct {
	at     time.Duration
	failed bool
}

type permit struct {
	real   breaker.Permit
	period int
	given  time.Duration
	spent  bool
}

func (m *model) change(to breaker.State, now time.Duration) {
	m.changes = append(m.changes, [2]breaker.State{m.state, to})
	m.state, m.period, m.results = to, m.period+1, nil
	if to == breaker.Open {
		m.until = now + m.o.OpenFor
	}
}

func (m *model) advance(now time.Duration) {
	if m.state == breaker.Open && now >= m.until {
		m.change(breaker.HalfOpen, now)
	}
}

func (m *model) underWay(now time.Duration) (n int) {
	for _, p := range m.permits {
		if p.period == m.period && !p.spent && now < p.given+m.o.ProbeTimeout {
			n++
		}
	}
	return n
}

func (m *model) allow(now time.Duration) bool {
	m.advance(now)
	return m.state == breaker.Closed || m.state == breaker.HalfOpen && m.underWay(now) < m.o.Probes
}

func (m *model) report(p *permit, outcome string, now time.Duration) {
	if p.spent {
		return
	}
	p.spent = true
	if p.period != m.period || outcome == "cancel" {
		return
	}
	failed := outcome == "failure"
	if m.state == breaker.HalfOpen {
		if now >= p.given+m.o.ProbeTimeout {
			return
		}
		m.results = append(m.results, result{now, failed})
		if failed {
			m.change(breaker.Open, now)
		} else if len(m.results) >= m.o.ProbeSuccesses {
			m.change(breaker.Closed, now)
		}
		return
	}
	m.results = append(m.results, result{now, failed})
	if failed && (m.run() >= m.o.Consecutive || m.rateReached(now)) {
		m.change(breaker.Open, now)
	}
}

func (m *model) run() (n int) {
	for i, r := range slices.Backward(m.results) {
		if !r.failed {
			break
		}
		n++
		if i > 0 && r.at-m.results[i-1].at >= m.o.Window {
			break
		}
	}
	return n
}

func (m *model) rateReached(now time.Duration) bool {
	tenth := m.o.Window / 10
	all, bad := 0, 0
	for _, r := range m.results {
		if now/tenth-r.at/tenth < 10 {
			all++
			if r.failed {
				bad++
			}
		}
	}
	return all >= m.o.MinRequests && float64(bad)/float64(all) >= m.o.FailureRate
}

// noDeadline hides *testing.T's Deadline, which a bubble forbids, from rapid.
type noDeadline struct{ *testing.T }

func TestBreakerFollowsItsModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(noDeadline{t}, followModel) })
}

func followModel(t *rapid.T) {
	count := func(name string, most int) int { return rapid.IntRange(1, most).Draw(t, name) }
	o := breaker.Options{
		Window:         time.Duration(count("window", 3)) * 10 * time.Millisecond,
		FailureRate:    rapid.SampledFrom([]float64{0.1, 0.3, 0.5, 1}).Draw(t, "rate"),
		MinRequests:    count("min requests", 8),
		Consecutive:    rapid.SampledFrom([]int{1, 2, 3, 5, 1000}).Draw(t, "consecutive"),
		OpenFor:        time.Duration(count("open for", 20)) * time.Millisecond,
		Probes:         count("probes", 3),
		ProbeSuccesses: count("probe successes", 4),
		ProbeTimeout:   time.Duration(count("probe timeout", 20)) * time.Millisecond,
	}
	var changes [][2]breaker.State
	o.OnChange = func(from, to breaker.State) { changes = append(changes, [2]breaker.State{from, to}) }
	born := time.Now()
	now := func() time.Duration { return time.Since(born) }
	b := newBreaker(t, o)
	m := &model{o: o}

	naps := rapid.OneOf(
		rapid.SampledFrom([]time.Duration{1, o.Window / 10, o.Window - 1, o.Window, o.OpenFor - 1, o.OpenFor, o.ProbeTimeout - 1, o.ProbeTimeout}),
		rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64Range(1, 3e6).Draw(t, "ns")) }),
	)
	reporting := func(t *rapid.T, p *permit, outcome string) {
		m.report(p, outcome, now())
		switch outcome {
		case "success":
			p.real.Success()
		case "failure":
			p.real.Failure()
		case "cancel":
			p.real.Cancel()
		}
	}
	outcomes := rapid.SampledFrom([]string{"success", "success", "failure", "failure", "cancel"})
	allowing := func(t *rapid.T) *permit {
		want := m.allow(now())
		p, err := b.Allow()
		if !want {
			require.ErrorIs(t, err, breaker.ErrOpen)
			return nil
		}
		require.NoError(t, err)
		m.permits = append(m.permits, &permit{real: p, period: m.period, given: now()})
		return m.permits[len(m.permits)-1]
	}
	t.Repeat(map[string]func(*rapid.T){
		"": func(t *rapid.T) { require.Equal(t, m.changes, changes) },
		"begin": func(t *rapid.T) {
			allowing(t)
		},
		"request": func(t *rapid.T) {
			if p := allowing(t); p != nil {
				reporting(t, p, outcomes.Draw(t, "outcome"))
			}
		},
		"report": func(t *rapid.T) { // on any permit ever given, spent or not
			if len(m.permits) > 0 {
				reporting(t, rapid.SampledFrom(m.permits).Draw(t, "permit"), outcomes.Draw(t, "outcome"))
			}
		},
		"state": func(t *rapid.T) {
			m.advance(now())
			require.Equal(t, m.state, b.State())
		},
		"burst": func(t *rapid.T) {
			for _, outcome := range rapid.SliceOfN(outcomes, 1, 10).Draw(t, "outcomes") {
				if p := allowing(t); p != nil {
					reporting(t, p, outcome)
				}
			}
		},
		"half-open": func(t *rapid.T) {
			if m.state == breaker.Open {
				time.Sleep(m.until - now())
			}
		},
		"tenth": func(*rapid.T) { time.Sleep(o.Window / 10) },
		"nap":   func(t *rapid.T) { time.Sleep(naps.Draw(t, "nap")) },
	})

	// No slot leaks: however it stands, time alone makes it allow again.
	time.Sleep(max(o.OpenFor, o.ProbeTimeout))
	for range o.Probes {
		allow(t, b)
	}
}
