package hot

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Sketch counts the most frequent of a stream of keys. A nil one counts nothing. All methods may be called concurrently;
// those that add never wait: a sample that comes while another is being counted is left out, and so are those that come
// while the counts are being read.
type Sketch[K comparable] struct {
	limit    int
	halfLife time.Duration

	mu    sync.Mutex
	heap  []*counter[K] // the least first
	of    map[K]*counter[K]
	total uint64
	turns uint8
	aged  time.Time // as if
}

// counter is that of a key, and where it is in the heap.
type counter[K comparable] struct {
	key   K
	count uint64 // that of the key before it included
	sure  uint64 // at most what was added
	at    int
}

// Count is how often a key was added, at least.
type Count[K comparable] struct {
	Key K
	N   uint64
}

// New makes a Sketch of so many counters, whose counts are halved once in halfLife. It takes memory as it fills.
func New[K comparable](counters int, halfLife time.Duration) *Sketch[K] {
	return &Sketch[K]{limit: counters, halfLife: halfLife, of: map[K]*counter[K]{}, aged: time.Now()}
}

// Touch adds key, unless that takes a counter for it: then it tells so by false, and Add must follow. It allocates nothing.
func (s *Sketch[K]) Touch(key K) bool {
	if s == nil || !s.mu.TryLock() {
		return true
	}
	defer s.mu.Unlock()
	s.turn()
	if c := s.of[key]; c != nil {
		s.increment(c)
		return true
	}
	if len(s.heap) < s.limit || rand.Uint64N(s.heap[0].count+1) == 0 {
		return false
	}
	s.total++
	return true
}

// Add adds key, to a counter of its own.
func (s *Sketch[K]) Add(key K) {
	if s == nil || !s.mu.TryLock() {
		return
	}
	defer s.mu.Unlock()
	switch c := s.of[key]; {
	case c != nil:
		s.increment(c)
	case len(s.heap) < s.limit:
		s.total++
		c = &counter[K]{key: key, count: 1, sure: 1, at: len(s.heap)}
		s.of[key] = c
		s.heap = append(s.heap, c)
		s.up(c)
	default:
		c = s.heap[0]
		delete(s.of, c.key)
		s.of[key] = c
		c.key, c.sure = key, 0
		s.increment(c)
	}
}

// Counts returns the keys that were added more than once, the most frequent first, and how many samples there were in
// all. What was added a half-life ago counts half.
func (s *Sketch[K]) Counts() (all []Count[K], total uint64) {
	if s == nil {
		return nil, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age(time.Now())
	for _, c := range s.heap {
		if c.sure > 1 {
			all = append(all, Count[K]{c.key, c.sure})
		}
	}
	slices.SortFunc(all, func(a, b Count[K]) int { return cmp.Compare(b.N, a.N) })
	return all, s.total
}

func (s *Sketch[K]) increment(c *counter[K]) {
	s.total++
	c.count++
	c.sure++
	s.down(c)
}

// turn looks at the time once in a while.
func (s *Sketch[K]) turn() {
	if s.turns++; s.turns%64 == 0 {
		s.age(time.Now())
	}
}

// age halves what was counted, once for each half-life that has passed.
func (s *Sketch[K]) age(now time.Time) {
	n := now.Sub(s.aged) / s.halfLife
	if n <= 0 {
		return
	}
	s.aged = s.aged.Add(n * s.halfLife)
	s.total >>= n
	kept := s.heap[:0]
	for _, c := range s.heap {
		c.count >>= n
		c.sure >>= n
		if c.count == 0 {
			delete(s.of, c.key)
			continue
		}
		kept = append(kept, c)
	}
	clear(s.heap[len(kept):])
	s.heap = kept
	slices.SortFunc(s.heap, func(a, b *counter[K]) int { return cmp.Compare(a.count, b.count) }) // which is a heap
	for i, c := range s.heap {
		c.at = i
	}
}

func (s *Sketch[K]) up(c *counter[K]) {
	for c.at > 0 {
		parent := s.heap[(c.at-1)/2]
		if parent.count <= c.count {
			return
		}
		s.swap(c, parent)
	}
}

func (s *Sketch[K]) down(c *counter[K]) {
	for {
		least := 2*c.at + 1
		if least >= len(s.heap) {
			return
		}
		if right := least + 1; right < len(s.heap) && s.heap[right].count < s.heap[least].count {
			least = right
		}
		if s.heap[least].count >= c.count {
			return
		}
		s.swap(c, s.heap[least])
	}
}

func (s *Sketch[K]) swap(a, b *counter[K]) {
	a.at, b.at = b.at, a.at
	s.heap[a.at], s.heap[b.at] = a, b
}
