//go:build unix

package cache_test

import (
	"testing"
	"time"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/stretchr/testify/require"
)

// What is published on one master reaches the others over the bus. Where that loses it, nobody in the Cluster and no
// connection of a client notices anything: only those who count what they hear can.
func TestF3ClusterBusLosesMessages(t *testing.T) {
	for name, fault := range map[string]func(from, to *redistest.ClusterNode){
		"publications": (*redistest.ClusterNode).Mute,
		"everything":   (*redistest.ClusterNode).Part,
	} {
		t.Run(name, func(t *testing.T) {
			c := redistest.StartCluster(t)
			f := newFleet(t, 2, c.URL(), faulty)
			key := elsewhere(c)
			f.readAll(key)
			f.readAll(key)
			from, to := c.Owner(slotKey(key)), c.Owner("freshet:link")
			fault(from, to)
			f.db.write(key)
			require.NoError(t, f.caches[0].Invalidate(t.Context(), key))
			told := time.Now()
			for {
				began := time.Now()
				v, err := f.caches[1].Get(t.Context(), key)
				require.NoError(t, err)
				if v == 1 {
					t.Logf("stale for %v", time.Since(told))
					break
				}
				require.LessOrEqual(t, began.Sub(told), staleFor, "memory is still believed: %+v", f.stores[1].Stats())
				<-time.After(pollEvery)
			}

			from.Heal(to)
			f.until(func() bool {
				for _, s := range f.stores {
					if !s.Stats().LinkUp {
						return false
					}
				}
				return true
			}, "the links are up again")
			f.serves()
		})
	}
}
