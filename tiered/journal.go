package tiered

import (
	"sync"
	"sync/atomic"

	"github.com/freshet-go/freshet/internal/key"
)

// journal holds the invalidations that Redis was not told of, until it was. A key in it is tainted: this node does not
// read it from Redis. So are all keys below a prefix in it, which are not kept in memory either.
type journal struct {
	limit int
	wake  chan struct{} // has an element when there may be something to replay
	size  atomic.Int64  // len(keys) + len(prefixes)

	mu       sync.Mutex
	gen      uint64
	keys     map[string]uint64 // to the generation of the last failure
	prefixes map[string]uint64

	overflows atomic.Uint64
}

func newJournal(limit int) *journal {
	return &journal{limit: limit, wake: make(chan struct{}, 1), keys: map[string]uint64{}, prefixes: map[string]uint64{}}
}

// addKeys taints keys. A journal that is full forgets them for one invalidation of everything.
func (j *journal) addKeys(keys ...string) (overflow bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, k := range keys {
		j.gen++
		if _, there := j.keys[k]; !there && len(j.keys) >= j.limit {
			clear(j.keys)
			clear(j.prefixes)
			j.prefixes[""] = j.gen
			j.overflows.Add(1)
			overflow = true
			break
		}
		j.keys[k] = j.gen
	}
	j.changed()
	return overflow
}

// addPrefix taints all keys below prefix.
func (j *journal) addPrefix(prefix string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.gen++
	if len(j.prefixes) >= j.limit {
		clear(j.prefixes)
		prefix = ""
		j.overflows.Add(1)
	}
	j.prefixes[prefix] = j.gen
	j.changed()
}

func (j *journal) changed() {
	j.size.Store(int64(len(j.keys) + len(j.prefixes)))
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// covers tells whether k must not be read from Redis.
func (j *journal) covers(k string) bool {
	if j.size.Load() == 0 {
		return false
	}
	j.mu.Lock()
	_, tainted := j.keys[k]
	j.mu.Unlock()
	return tainted || j.coversPrefix(k)
}

// coversPrefix tells whether k is below a prefix in the journal.
func (j *journal) coversPrefix(k string) bool {
	if j.size.Load() == 0 {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.prefixes) > 0 {
		for n := range key.Ancestors(k) {
			if _, ok := j.prefixes[k[:n]]; ok {
				return true
			}
		}
	}
	return false
}

// journaled is one missed invalidation with the generation that a replay may clear.
type journaled struct {
	name string
	gen  uint64
}

// pending returns what is to be replayed.
func (j *journal) pending() (keys, prefixes []journaled) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for k, gen := range j.keys {
		keys = append(keys, journaled{k, gen})
	}
	for p, gen := range j.prefixes {
		prefixes = append(prefixes, journaled{p, gen})
	}
	return keys, prefixes
}

// settleKey clears the taint that a replay was sent for, and only that: a later failure has a later generation.
func (j *journal) settleKey(k journaled) { j.settle(j.keys, k) }

// settlePrefix does the same for a prefix.
func (j *journal) settlePrefix(p journaled) { j.settle(j.prefixes, p) }

func (j *journal) settle(m map[string]uint64, e journaled) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if m[e.name] == e.gen || ruleTaintGenerations.off() {
		delete(m, e.name)
		j.size.Store(int64(len(j.keys) + len(j.prefixes)))
	}
}
