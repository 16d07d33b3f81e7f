package tiered

import (
	"sync"
	"time"
)

const (
	recentFor   = time.Minute
	recentLimit = 1 << 16
)

// recent remembers what this node invalidated in the last minute, told or not: a failover can bring back what Redis had
// already removed. It learns of an invalidation before Redis does. When there are too many, it remembers one prefix that
// covers them all.
type recent struct {
	mu     sync.Mutex
	turned time.Time
	young  remembered
	old    remembered
}

type remembered struct {
	keys     map[string]struct{}
	prefixes map[string]struct{}
}

// remember adds keys.
func (r *recent) remember(keys ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	for _, k := range keys {
		if len(r.young.keys) >= recentLimit {
			r.young = remembered{prefixes: map[string]struct{}{"": {}}}
			return
		}
		if r.young.keys == nil {
			r.young.keys = map[string]struct{}{}
		}
		r.young.keys[k] = struct{}{}
	}
}

// rememberPrefix adds a prefix.
func (r *recent) rememberPrefix(prefix string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	if len(r.young.prefixes) >= recentLimit {
		prefix = ""
		r.young.prefixes = nil
	}
	if r.young.prefixes == nil {
		r.young.prefixes = map[string]struct{}{}
	}
	r.young.prefixes[prefix] = struct{}{}
}

// turn forgets what is older than a minute, half by half.
func (r *recent) turn() {
	now := time.Now()
	switch age := now.Sub(r.turned); {
	case age >= 2*recentFor:
		r.young, r.old, r.turned = remembered{}, remembered{}, now
	case age >= recentFor:
		r.young, r.old, r.turned = remembered{}, r.young, now
	}
}

// all returns what was invalidated in the last minute, and somewhat more.
func (r *recent) all() (keys, prefixes []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	for _, m := range [...]remembered{r.young, r.old} {
		for k := range m.keys {
			keys = append(keys, k)
		}
		for p := range m.prefixes {
			prefixes = append(prefixes, p)
		}
	}
	return keys, prefixes
}
