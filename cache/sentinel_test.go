//go:build unix

package cache_test

import (
	"testing"
	"time"

	"github.com/freshet-go/freshet/internal/redistest"
)

func TestSentinelFailoversUnderTraffic(t *testing.T) {
	s := redistest.StartSentinel(t)
	f := newFleet(t, 3, s.URL(), faulty)
	// Sentinels put another in a master's place while it serves: what it is told until it steps down is lost, and nodes
	// whose link outlives that notice within a second.
	f.unnoticed = 5 * time.Second
	stop := f.traffic()
	resumes := func(t *testing.T, epochs []uint64) {
		t.Helper()
		s.Settle()
		f.recovers(epochs)
	}
	t.Run("by order", func(t *testing.T) {
		epochs := f.epochs()
		s.Failover()
		resumes(t, epochs)
	})
	t.Run("killed", func(t *testing.T) {
		epochs, m := f.epochs(), s.Master()
		m.Kill()
		s.AwaitFailover(m)
		m.Restart()
		resumes(t, epochs)
	})
	t.Run("frozen, and back", func(t *testing.T) {
		epochs, m := f.epochs(), s.Master()
		m.Stop()
		s.AwaitFailover(m)
		m.Cont() // it takes itself for the master until the Sentinels correct it
		resumes(t, epochs)
	})
	stop()
	for _, s := range f.stores {
		t.Logf("%+v", s.Stats())
	}
	f.serves()
}
