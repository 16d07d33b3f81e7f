//go:build unix

package cache_test

import (
	"testing"
	"time"

	"github.com/freshet-go/freshet/internal/redistest"
)

// A replica that lacks invalidations takes over, and the old master redirects to it at once. The node whose
// invalidations they are must not read them from there: not at all over a new connection, and no longer than until its
// next question who the masters are (each second) over one that was open to the replica before, as the documents say.
func TestF1ClusterTakeover(t *testing.T) {
	c := redistest.StartCluster(t)
	f := newFleet(t, 2, c.URL(), faulty)
	f.unnoticed = 1500 * time.Millisecond
	_, replica, keys := f.invalidatesUnheard(c)
	epochs := f.epochs()
	replica.Takeover()
	f.neverReadsOld(0, epochs[0], keys...)
	f.recovers(epochs)
	f.settles()
}

// The same under Sentinel, where each failover by order loses what the old master is told until it steps down.
func TestF1SentinelFailover(t *testing.T) {
	s := redistest.StartSentinel(t)
	f := newFleet(t, 2, s.URL(), faulty)
	f.parted = 5 * time.Second // until the Sentinels have corrected the old one
	stop := f.traffic()
	for range 3 {
		s.Failover()
		s.Settle()
	}
	stop()
}
