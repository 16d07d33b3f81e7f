package tiered

import "sync"

const (
	windowShards   = 4
	windowOverhead = 100 // bytes per entry: a map slot and a node
)

// window is a sharded LRU map of the items set last, bounded in bytes. An item larger than a shard finds no place.
type window struct {
	shards [windowShards]windowShard
	second func(hash uint64, item Item) // called, outside locks, for what leaves after it was read
}

type windowShard struct {
	mu    sync.Mutex
	nodes map[uint64]*windowNode
	ends  windowNode // ends.next is the newest, ends.prev the oldest
	used  int64
	limit int64
	_     [24]byte // keeps neighbours off the cache line of the lock
}

type windowNode struct {
	prev, next *windowNode
	hash       uint64
	item       Item
	read       bool
}

func newWindow(bytes int64, second func(uint64, Item)) *window {
	w := &window{second: second}
	for i := range w.shards {
		s := &w.shards[i]
		s.nodes = make(map[uint64]*windowNode)
		s.ends.prev, s.ends.next = &s.ends, &s.ends
		s.limit = bytes / windowShards
	}
	return w
}

func (w *window) shard(hash uint64) *windowShard { return &w.shards[hash>>62] }

func (w *window) get(hash uint64) (Item, bool) {
	s := w.shard(hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[hash]
	if n == nil {
		return nil, false
	}
	n.read = true
	n.unlink()
	s.push(n)
	return n.item, true
}

func (w *window) set(hash uint64, item Item) {
	s := w.shard(hash)
	var left []*windowNode
	s.mu.Lock()
	if n := s.nodes[hash]; n != nil {
		s.used += item.Weight() - n.item.Weight()
		n.item = item
		n.unlink()
		s.push(n)
	} else {
		n = &windowNode{hash: hash, item: item}
		s.nodes[hash] = n
		s.used += item.Weight() + windowOverhead
		s.push(n)
	}
	for s.used > s.limit && s.ends.prev != &s.ends {
		n := s.ends.prev
		s.remove(n)
		if n.read {
			left = append(left, n)
		}
	}
	s.mu.Unlock()
	for _, n := range left {
		w.second(n.hash, n.item)
	}
}

func (w *window) bytes() (used int64) {
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		used += s.used
		s.mu.Unlock()
	}
	return used
}

func (w *window) clear() {
	for i := range w.shards {
		s := &w.shards[i]
		s.mu.Lock()
		clear(s.nodes)
		s.ends.prev, s.ends.next, s.used = &s.ends, &s.ends, 0
		s.mu.Unlock()
	}
}

func (s *windowShard) push(n *windowNode) {
	n.prev, n.next = &s.ends, s.ends.next
	n.prev.next, n.next.prev = n, n
}

func (s *windowShard) remove(n *windowNode) {
	n.unlink()
	delete(s.nodes, n.hash)
	s.used -= n.item.Weight() + windowOverhead
}

func (n *windowNode) unlink() { n.prev.next, n.next.prev = n.next, n.prev }
