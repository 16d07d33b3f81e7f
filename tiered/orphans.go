package tiered

import (
	"sync"
	"time"
)

const maxOrphans = 4096

// orphans are the random bytes of leases that were asked for without an answer: the command may have executed, or may
// yet. Such a lease is nobody's, so this node may take it over at once. Other nodes wait for its end.
type orphans struct {
	mu  sync.Mutex
	all map[string]time.Time // to when the lease has certainly ended
}

func (o *orphans) add(token string, lease time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if len(o.all) >= maxOrphans {
		for t, end := range o.all {
			if now.After(end) {
				delete(o.all, t)
			}
		}
	}
	if o.all == nil {
		o.all = map[string]time.Time{}
	}
	if len(o.all) < maxOrphans {
		o.all[token] = now.Add(time.Minute + lease)
	}
}

// has tells whether the lease with this token is an orphan of this node.
func (o *orphans) has(token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.all[token]
	return ok
}
