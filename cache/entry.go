package cache

import (
	"fmt"
	"hash/maphash"
	"time"
	"unsafe"

	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// entry is what memory holds. Engines know it by a hash, so the key is compared on each read; it is changed by nobody.
type entry[K comparable, V any] struct {
	tiered.Entry
	owner *Cached[K, V]
	key   K
	value V
}

func (c *Cached[K, V]) hash(key K) uint64 { return maphash.Comparable(c.seed, key) }

// lookup returns what memory has for key, and what it is good for; it is never Unsettled.
func (c *Cached[K, V]) lookup(hash uint64, key K) (*entry[K, V], tiered.Freshness) {
	item, ok := c.store.Lookup(hash)
	if !ok {
		return nil, tiered.Dead
	}
	e, ok := item.(*entry[K, V])
	if !ok || e.owner != c || e.key != key {
		return nil, tiered.Dead // another key of the same hash
	}
	f := c.store.Freshness(&e.Entry)
	if f == tiered.Unsettled {
		f = c.settled(e)
	}
	return e, f
}

// settled judges an Unsettled entry. It is apart so that its buffer costs other reads nothing.
//
//go:noinline
func (c *Cached[K, V]) settled(e *entry[K, V]) tiered.Freshness {
	var buf [128]byte
	k, err := c.keys.Append(buf[:0], e.key)
	if err != nil {
		return tiered.Dead
	}
	return c.store.Settle(&e.Entry, k)
}

// span is an entry's time.
type span struct {
	life  ttl.Lifetime
	from  int64         // when life begins, an instant of the Store's clock
	until int64         // end of freshness in Redis, Unix milliseconds
	cost  time.Duration // of the load
}

// keep puts a value, or an absence, into memory.
func (c *Cached[K, V]) keep(hash uint64, key K, value V, absent bool, stamp tiered.Stamp, of span) *entry[K, V] {
	e := &entry[K, V]{owner: c, key: key, value: value}
	weight := int64(unsafe.Sizeof(*e)-unsafe.Sizeof(e.value)) + c.size(&e.value)
	c.store.Seal(&e.Entry, stamp, of.life, of.from, absent, weight)
	if of.life.Stale > of.life.Fresh || c.early {
		e.Refreshed(of.until, of.cost)
	}
	if of.life.Longest() > 0 {
		c.place(hash, e)
	}
	return e
}

// place puts e into memory, unless it was invalidated meanwhile: the late must not displace the newer.
func (c *Cached[K, V]) place(hash uint64, e *entry[K, V]) {
	lock := &c.placing[hash%uint64(len(c.placing))]
	lock.Lock()
	defer lock.Unlock()
	if !c.store.Outdated(&e.Entry) {
		c.store.Keep(hash, e)
	}
}

// replace puts e into memory in the place of old, unless something else is there by now.
func (c *Cached[K, V]) replace(hash uint64, old, e *entry[K, V]) {
	lock := &c.placing[hash%uint64(len(c.placing))]
	lock.Lock()
	defer lock.Unlock()
	if item, ok := c.store.Lookup(hash); !ok || item == tiered.Item(old) {
		c.store.Keep(hash, e)
	}
}

// drop ends what memory has for t's key, which a load has found to be of no use, unless that is newer than the load.
func (c *Cached[K, V]) drop(t *ticket[K, V]) {
	lock := &c.placing[t.hash%uint64(len(c.placing))]
	lock.Lock()
	defer lock.Unlock()
	if c.store.Valid(t.fetch.Stamp, t.fetch.Key) {
		c.store.Drop(t.hash)
	}
}

// bounded keeps a lifetime within what the Store allows.
func (c *Cached[K, V]) bounded(l ttl.Lifetime) ttl.Lifetime {
	return ttl.Lifetime{Fresh: min(l.Fresh, c.maxTTL), Stale: min(l.Stale, c.maxTTL), Keep: min(l.Keep, c.maxTTL)}
}

// isolate returns the value that one caller gets.
func (c *Cached[K, V]) isolate(value V) (V, error) {
	if !c.options.Isolate {
		return value, nil
	}
	return c.clone(value)
}

// clone is apart from isolate so that a value that is not copied need not go to the heap.
//
//go:noinline
func (c *Cached[K, V]) clone(value V) (own V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cache: %q: the codec panicked: %v", c.options.Name, p)
		}
	}()
	b, err := c.options.Codec.Append(nil, &value)
	if err == nil {
		err = c.options.Codec.Decode(b, &own)
	}
	return own, err
}
