package tiered

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/internal/key"
	"github.com/freshet-go/freshet/tiered/internal/clock"
)

// A Store is memory over Redis, and everything that keeps the two honest. Most callers open one per process and give
// it to package cache; the methods about single keys are what that package is made of.
//
// All methods may be called concurrently.
type Store struct {
	options   Options
	clock     *clock.Clock
	fence     *fence
	memory    Memory
	remembers bool    // memory is not NoMemory
	remote    *remote // nil: memory only
	breaker   *breaker.Breaker
	trust     *trust
	journal   *journal
	recent    recent
	holds     holds
	orphans   orphans
	link      *link
	publisher
	peers  peers
	wakers wakers
	counts counts
	hot    hotCaches

	drawing sync.Mutex // of a sequence without Redis, until it is learnt

	mu      sync.Mutex
	users   map[string]io.Closer // caches by name
	closed  atomic.Bool
	closing sync.Once
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// Open makes a Store. It fails on bad options and where Redis refuses the credentials; a Redis that does not answer is
// no error: the Store starts in fallback mode, and recovers when Redis does. Open waits at most a moment for Redis.
func Open(o Options) (*Store, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	memory, err := o.Engine(o.MemoryBytes)
	if err != nil {
		return nil, err
	}
	if ruleSilence.off() {
		o.MaxStaleness = longestTTL
	}
	s := &Store{
		options:   o,
		fence:     newFence(stripesFor(o.MemoryBytes)),
		memory:    memory,
		journal:   newJournal(o.MaxJournal),
		publisher: newPublisher(),
		users:     map[string]io.Closer{},
	}
	_, forgetful := memory.(noMemory)
	s.remembers = !forgetful
	heard := o.Breaker.OnChange
	o.Breaker.OnChange = func(from, to breaker.State) {
		s.trust.setOpen(to != breaker.Closed)
		level := slog.LevelDebug // a probe, once a second in a long outage
		switch breaker.Closed {
		case from:
			level = slog.LevelWarn
		case to:
			level = slog.LevelInfo
		}
		o.Logger.Log(context.Background(), level, "tiered: breaker changed", "from", from, "to", to)
		if heard != nil {
			heard(from, to)
		}
	}
	if s.breaker, err = breaker.New(o.Breaker); err != nil {
		memory.Close()
		return nil, fmt.Errorf("tiered: Options.Breaker: %w", err)
	}
	s.clock = clock.New()
	s.trust = &trust{fence: s.fence, clock: s.clock, staleness: o.MaxStaleness, fallback: o.FallbackTTL, changed: make(chan struct{}, 1)}
	if o.Redis == nil {
		s.fence.trust.Store(always)
		return s, nil
	}
	s.remote = newRemote(o.Redis, s.breaker, o.Budget, o.Namespace)
	s.link = newLink(s) // before anything is asked: it looks at every connection
	s.trust.lost()
	if err := s.remote.greet(); err != nil {
		_ = s.Close()
		return nil, err
	}
	s.start()
	return s, nil
}

// stripesFor assumes half a kilobyte per entry: invalidations should rarely end entries of other keys.
func stripesFor(bytes int64) int { return int(min(max(bytes>>9, 1<<14), 1<<22)) }

// start starts the goroutines that Close ends, and gives the link a moment to come up.
func (s *Store) start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.done.Go(func() { s.link.run(ctx) })
	s.done.Go(func() { s.replayer(ctx) })
	s.done.Go(func() { s.rememberer(ctx) })
	if s.options.OnLink != nil {
		s.done.Go(func() { s.announcer(ctx) })
	}
	select {
	case <-s.link.tried:
	case <-time.After(10 * s.options.Budget):
	}
}

// Stamp says what is known to be invalidated now. Take it before the read or the load that it vouches for.
func (s *Store) Stamp(key string) Stamp { return s.fence.stamp(key) }

// Valid tells whether nothing that concerns key was invalidated since st was taken.
func (s *Store) Valid(st Stamp, key string) bool {
	return s.fence.valid(st, key) || ruleJoinByStamp.off()
}

// Joinable tells whether a read that began under st, and at since, may still answer somebody who asks now: if st is valid
// and, while memory is not trusted, if the read is younger than MaxStaleness. What ends st might not have been heard.
func (s *Store) Joinable(st Stamp, key string, since int64) bool {
	now := s.clock.Now()
	return (now < since+int64(s.options.MaxStaleness-clock.Tick) || now < s.fence.trust.Load()) && s.Valid(st, key)
}

// Now is what the Store's clock shows, in nanoseconds since it was opened, a tick late at most.
func (s *Store) Now() int64 { return s.clock.Now() }

// Instant is Now to the nanosecond; it reads the system's clock.
func (s *Store) Instant() int64 { return s.clock.Exact() }

// Lookup returns what memory keeps under hash; Freshness tells what it is good for. It takes no lock and does not
// allocate, as far as the engine does not.
func (s *Store) Lookup(hash uint64) (Item, bool) { return s.memory.Get(hash) }

// Keep keeps item, whose Entry was sealed, in memory under hash, in place of what was there. For one hash it must not be
// called concurrently.
func (s *Store) Keep(hash uint64, item Item) {
	if old, ok := s.memory.Get(hash); ok {
		old.Replace()
	}
	s.memory.Set(hash, item)
}

// Drop ends what memory keeps under hash.
func (s *Store) Drop(hash uint64) {
	if old, ok := s.memory.Get(hash); ok {
		old.Replace()
	}
}

// Shared tells whether there is a Redis tier.
func (s *Store) Shared() bool { return s.remote != nil }

// Options returns the options in force, defaults filled in.
func (s *Store) Options() Options { return s.options }

// bypassed tells whether key must not be read from Redis by this node.
func (s *Store) bypassed(key string) bool {
	return s.journal.covers(key) && !ruleTaint.off() || s.link.gated()
}

// Invalidate removes keys from both tiers of every node. When it returns, no read that starts later on this node
// answers with a value whose load began before the call; that holds even if it returns an error, which then wraps
// ErrDeferred: Redis was not told. It does not depend on ctx: an invalidation is not given up half-way.
func (s *Store) Invalidate(_ context.Context, keys ...string) error {
	return s.tell(keys, func(k string) command {
		return invoke(scriptInvalidate, k, s.channel(), s.message(msgInvalidate, k))
	})
}

// Expire makes the values of keys stale everywhere, but usable if a load fails (stale-if-error). For the rest it is
// like Invalidate.
func (s *Store) Expire(_ context.Context, keys ...string) error {
	return s.tell(keys, func(k string) command {
		return invoke(scriptExpire, k, s.channel(), s.message(msgInvalidate, k))
	})
}

// tell is every invalidation of keys. The first bump makes reads of this node miss from now on; the second ends what
// they read or load while Redis is being told. What Redis may not have heard is tainted before that.
func (s *Store) tell(keys []string, script func(key string) command) error {
	if s.remote == nil {
		s.fence.bump(keys...)
		return nil
	}
	if ruleRememberFirst.off() {
		defer s.recent.remember(keys...)
	} else {
		s.recent.remember(keys...)
	}
	s.fence.bumpBy(ruleFirstBump, keys...)
	_, err := s.send(keys, script)
	s.fence.bumpBy(ruleSecondBump|ruleTaintFirst, keys...)
	return err
}

// send runs a script for each key, and taints the keys of which it is not certain that the script ran.
func (s *Store) send(keys []string, script func(key string) command) ([]result, error) {
	cmds := make([]command, len(keys))
	for i, k := range keys {
		cmds[i] = script(k)
	}
	results := s.announce(request, cmds...)
	var missed []string
	var err error
	for i, r := range results {
		if r.err != nil {
			missed, err = append(missed, keys[i]), r.err
		}
	}
	if missed == nil {
		return results, nil
	}
	if ruleTaintFirst.off() {
		s.fence.bump(keys...)
		time.Sleep(20 * time.Millisecond)
	}
	if s.journal.addKeys(missed...) {
		s.fence.bumpEpoch()
	}
	s.counts.deferred.Add(uint64(len(missed)))
	return results, fmt.Errorf("%w: %w", ErrDeferred, err)
}

// InvalidatePrefix removes every key that begins with the given segments: a cache's name, then leading segments of its
// keys, as text. None: everything. It costs one command, however many keys there are, and promises what Invalidate
// does.
func (s *Store) InvalidatePrefix(_ context.Context, segments ...string) error {
	return s.invalidatePrefix(key.Join(segments...))
}

// InvalidateUnder is InvalidatePrefix with an encoded prefix.
func (s *Store) InvalidateUnder(_ context.Context, prefix string) error {
	return s.invalidatePrefix(prefix)
}

func (s *Store) invalidatePrefix(prefix string) error {
	if s.remote != nil {
		s.recent.rememberPrefix(prefix)
	}
	if s.remote == nil { // two at once must not be learnt out of order: the first would be missed
		s.drawing.Lock()
		defer s.drawing.Unlock()
	}
	rows, top, err := s.nextSequence(prefix, request)
	if err != nil {
		s.journal.addPrefix(prefix)
		s.fence.bumpEpoch()
		s.counts.deferred.Add(1)
		return fmt.Errorf("%w: %w", ErrDeferred, err)
	}
	s.fence.learn(rows, top)
	return nil
}

// Register enters the user of a name: two caches of one name would share their keys. Close closes all users first.
func (s *Store) Register(name string, user io.Closer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return ErrClosed
	}
	if s.users[name] != nil {
		return fmt.Errorf("tiered: the name %q is in use on this Store", name)
	}
	s.users[name] = user
	return nil
}

// Unregister frees a name. Before, it has Redis remember what Track says, if Redis answers within the budget.
func (s *Store) Unregister(name string) {
	s.forgetHot(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.users, name)
}

// Close closes the caches of the Store, ends its goroutines and frees its memory. It leaves the Redis client open, and
// does nothing the second time.
func (s *Store) Close() error {
	var errs []error
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed.Store(true)
		var users []io.Closer
		for _, u := range s.users {
			users = append(users, u)
		}
		s.mu.Unlock()
		for _, u := range users {
			errs = append(errs, u.Close())
		}
		if s.stop != nil {
			s.stop()
		}
		s.done.Wait()
		if s.link != nil {
			s.link.arrivals.link.Store(nil)
		}
		s.fence.trust.Store(0)
		s.clock.Stop()
		s.memory.Close()
	})
	return errors.Join(errs...)
}

func (s *Store) channel() string { return s.remote.channel }
