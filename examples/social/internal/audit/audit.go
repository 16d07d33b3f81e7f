// Package audit explains every load of a cached function: why was the value not at hand? A load that nobody can explain
// is a fault of the cache, or of its use.
package audit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Reason says why a key was loaded.
type Reason uint8

// The reasons, in the order in which they are shown.
const (
	Cold        Reason = iota // never loaded before, or in vain
	Invalidated               // a write of the key was under way, or has ended since the value before was asked for
	Expired                   // the value before had outlived its time
	Refreshed                 // ahead of expiry: nobody waited for the load
	Outage                    // Redis failed to answer since the value before was asked for, or shortly before that
	Unexplained
	Reasons
)

// String returns the reason in one or two words.
func (r Reason) String() string {
	return [...]string{"cold", "invalidated", "expired", "refreshed ahead", "redis away", "unexplained"}[r]
}

// Book holds what is known of the keys of one cached function. All methods may be called concurrently.
type Book[K comparable] struct {
	name    string
	life    time.Duration // the shortest that a value is kept for
	early   time.Duration // the earliest that it may be refreshed ahead
	absence time.Duration // and an absence
	budget  time.Duration // the longest between a refresh's decision and its load
	lease   time.Duration // how long an unanswered lease may keep values out of Redis
	faults  func() (n uint64, away bool)
	fault   fault
	shards  [16]shard[K]
	pick    func(K) uint64
}

// fault is the last fault of Redis that was noticed.
type fault struct {
	mu   sync.Mutex
	seen uint64
	at   time.Time
}

func (f *fault) last(seen uint64, away bool) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seen != f.seen || away {
		f.seen, f.at = seen, time.Now()
	}
	return f.at
}

type shard[K comparable] struct {
	mu      sync.Mutex
	pages   map[K]*page
	reasons [Reasons]uint64
	strange []string
}

// page is what is known of one key.
type page struct {
	readers int       // reads under way
	reading time.Time // when the first of them began
	writers int       // writes under way
	wrote   time.Time // when the last write ended
	began   time.Time // the last load's earliest possible decision
	landed  time.Time
	failed  bool // the last load brought nothing to keep
	absent  bool // it brought that there is nothing
	loads   int
}

// Options describe a cached function.
type Options struct {
	Name    string
	TTL     time.Duration
	Jitter  float64                      // the part of TTL by which it may be shortened
	Absence time.Duration                // how long absences are kept
	Budget  time.Duration                // how long Redis may take
	Lease   time.Duration                // how long one that Redis granted without being heard keeps others from filling
	Faults  func() (n uint64, away bool) // of Redis: how many so far, and whether it is away now
}

// slack covers clocks: the cache's own is ticked, Redis's deadlines are whole milliseconds.
const slack = 20 * time.Millisecond

// lookAhead is how long before the end of a value its replacement may begin: many times what a load costs.
const lookAhead = time.Second

// New makes a Book. pick spreads keys over locks.
func New[K comparable](o Options, pick func(K) uint64) *Book[K] {
	shorten := func(d time.Duration) time.Duration { return time.Duration(float64(d)*(1-o.Jitter)) - slack }
	early := time.Duration(float64(shorten(o.TTL))*(1-o.Jitter)) - lookAhead // each tier has its own jitter
	b := &Book[K]{name: o.Name, life: shorten(o.TTL), early: early, absence: shorten(o.Absence), budget: o.Budget, lease: o.Lease, faults: o.Faults, pick: pick}
	for i := range b.shards {
		b.shards[i].pages = map[K]*page{}
	}
	return b
}

func (b *Book[K]) with(key K, do func(*shard[K], *page)) {
	s := &b.shards[b.pick(key)%uint64(len(b.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pages[key]
	if p == nil {
		p = &page{}
		s.pages[key] = p
	}
	do(s, p)
}

type mark struct{}

// Reading notes that somebody asks for keys, until done is called. The context is the one to ask with: background
// refreshes do not descend from it, and so are told apart.
func (b *Book[K]) Reading(ctx context.Context, keys ...K) (_ context.Context, done func()) {
	now := time.Now()
	for _, key := range keys {
		b.with(key, func(_ *shard[K], p *page) {
			if p.readers++; p.readers == 1 {
				p.reading = now
			}
		})
	}
	return context.WithValue(ctx, mark{}, keys), func() {
		for _, key := range keys {
			b.with(key, func(_ *shard[K], p *page) { p.readers-- })
		}
	}
}

// Writing notes that what key is loaded from is being changed, until done is called after its invalidation.
func (b *Book[K]) Writing(key K) (done func()) {
	b.with(key, func(_ *shard[K], p *page) { p.writers++ })
	return func() {
		b.with(key, func(_ *shard[K], p *page) {
			p.writers--
			p.wrote = time.Now()
		})
	}
}

// Loading notes that the loader was called for keys, and why.
func (b *Book[K]) Loading(ctx context.Context, keys ...K) {
	fault := b.fault.last(b.faults())
	asked, marked := ctx.Value(mark{}).([]K)
	for _, key := range keys {
		b.with(key, func(s *shard[K], p *page) {
			now := time.Now()
			began := now.Add(-b.budget)
			waited := marked && p.readers > 0
			if waited {
				began = p.reading
			}
			// A batch has the context of one of its callers: whether another's key is loaded for a reader, or ahead while a
			// reader waits for that, only its age tells.
			perhaps := !slices.Contains(asked, key) && now.Sub(p.landed) >= b.early
			why := b.why(p, now, waited, perhaps, fault)
			s.reasons[why]++
			if why == Unexplained && len(s.strange) < 5 {
				s.strange = append(s.strange, fmt.Sprintf("%s %v: load %d, %v after the one before landed, last written at %s, asked for by the load's caller: %t",
					b.name, key, p.loads+1, now.Sub(p.landed), p.wrote.Format(time.TimeOnly), slices.Contains(asked, key)))
			}
			p.loads++
			p.began, p.failed = began, false
		})
	}
}

func (b *Book[K]) why(p *page, now time.Time, waited, perhaps bool, fault time.Time) Reason {
	life := b.life
	if p.absent {
		life = b.absence
	}
	switch {
	case p.loads == 0:
		return Cold
	case p.writers > 0 || p.wrote.After(p.began):
		return Invalidated
	case p.failed:
		return Cold
	case !waited:
		return Refreshed
	case now.Sub(p.landed) >= life:
		return Expired
	case perhaps:
		return Refreshed
	case fault.After(p.began.Add(-b.lease)):
		return Outage
	}
	return Unexplained
}

// Landed notes that the loader returned for keys; found tells which of them have a value.
func (b *Book[K]) Landed(keys []K, found func(K) bool, err error) {
	for _, key := range keys {
		b.with(key, func(_ *shard[K], p *page) {
			p.landed, p.failed, p.absent = time.Now(), err != nil, !found(key)
		})
	}
}

// Loads counts loads by reason.
type Loads [Reasons]uint64

// Total is the number of all loads.
func (l Loads) Total() (n uint64) {
	for _, m := range l {
		n += m
	}
	return n
}

// Minus returns the loads since an earlier count.
func (l Loads) Minus(m Loads) Loads {
	for i := range l {
		l[i] -= m[i]
	}
	return l
}

// Plus returns the sum.
func (l Loads) Plus(m Loads) Loads {
	for i := range l {
		l[i] += m[i]
	}
	return l
}

// Count returns the loads so far, and a few examples of what could not be explained.
func (b *Book[K]) Count() (n Loads, strange []string) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.Lock()
		for r, m := range s.reasons {
			n[r] += m
		}
		strange = append(strange, s.strange...)
		s.mu.Unlock()
	}
	return n, strange
}

// Map returns the loads by the names of their reasons.
func (l Loads) Map() map[string]uint64 {
	m := make(map[string]uint64, len(l))
	for r, n := range l {
		m[Reason(r).String()] = n
	}
	return m
}
