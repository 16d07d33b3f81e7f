package breaker_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/freshet-go/freshet/breaker"
	"github.com/sony/gobreaker/v2"
)

// BenchmarkClosed is one allowed and successful request. "failsafe-guarded" is
// what a faithful Permit over failsafe-go costs at the least: a lock around the
// library, so that a report is compared with the period it belongs to.
func BenchmarkClosed(b *testing.B) {
	for _, lib := range libraries() {
		b.Run("lib="+lib.name+"/callers=1", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				lib.request()
			}
		})
		b.Run("lib="+lib.name+"/callers=parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					lib.request()
				}
			})
		})
	}
}

// BenchmarkOpen is one refused request.
func BenchmarkOpen(b *testing.B) {
	for _, lib := range libraries() {
		lib.open()
		b.Run("lib="+lib.name+"/callers=1", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				lib.request()
			}
		})
		b.Run("lib="+lib.name+"/callers=parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					lib.request()
				}
			})
		})
	}
}

type library struct {
	name    string
	request func()
	open    func()
}

func libraries() []library {
	ours, err := breaker.New(breaker.Options{OpenFor: time.Hour})
	if err != nil {
		panic(err)
	}
	failsafe := newFailsafe()
	guarded := &guardedFailsafe{cb: newFailsafe()}
	sony := gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Interval: 10 * time.Second, BucketPeriod: time.Second, Timeout: time.Hour,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
	})
	return []library{
		{"freshet", func() {
			if p, err := ours.Allow(); err == nil {
				p.Success()
			}
		}, func() {
			for range 5 {
				p, _ := ours.Allow()
				p.Failure()
			}
		}},
		{"failsafe", func() {
			if failsafe.TryAcquirePermit() {
				failsafe.RecordSuccess()
			}
		}, failsafe.Open},
		{"failsafe-guarded", func() {
			if period, ok := guarded.allow(); ok {
				guarded.success(period)
			}
		}, guarded.cb.Open},
		{"gobreaker", func() {
			if done, err := sony.Allow(); err == nil {
				done(nil)
			}
		}, func() {
			for range 5 {
				done, _ := sony.Allow()
				done(errors.New("fault"))
			}
		}},
	}
}

func newFailsafe() circuitbreaker.CircuitBreaker[any] {
	return circuitbreaker.NewBuilder[any]().
		WithFailureRateThreshold(0.5, 10, 10*time.Second).
		WithDelay(time.Hour).
		Build()
}

type guardedFailsafe struct {
	mu     sync.Mutex
	period uint64
	cb     circuitbreaker.CircuitBreaker[any]
}

func (g *guardedFailsafe) allow() (uint64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.period, g.cb.TryAcquirePermit()
}

func (g *guardedFailsafe) success(period uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if period == g.period {
		before := g.cb.State()
		g.cb.RecordSuccess()
		if g.cb.State() != before {
			g.period++
		}
	}
}
