package contender

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

const (
	moment   = 50 * time.Millisecond // for callers to reach a load that is held up, which nothing shows
	patience = 2 * time.Second       // for an answer that should come at once
	budget   = time.Second           // for a miss while Redis is away
	lifetime = time.Hour
	reply    = budget / 2 // of Redis: checks ask what is done, not how soon, of machines that may be busy
)

// Check is one thing that is expected of a contender.
type Check struct {
	Name  string
	Says  string
	needs Tiers
	run   func(context.Context, *nodes) error
}

// Applies tells whether a contender with these tiers can be asked.
func (c Check) Applies(tiers Tiers) bool { return tiers&c.needs == c.needs }

// Run returns nil if who does what is expected, and what it did if not. It starts a redis-server where there is a
// second tier.
func (c Check) Run(ctx context.Context, who Contender[string, []byte]) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	n := &nodes{who: who}
	defer n.close()
	if who.Tiers&Redis != 0 {
		server, err := lab.StartServer(ctx)
		if err != nil {
			return err
		}
		n.server = server
	}
	n.origin.set("one")
	return c.run(ctx, n)
}

// nodes are caches of one origin.
type nodes struct {
	who    Contender[string, []byte]
	origin origin
	server *lab.Server // nil: memory only
	caches []Cache[string, []byte]
	asking sync.WaitGroup
}

// open opens one more node.
func (n *nodes) open(ctx context.Context) (Cache[string, []byte], error) {
	s := Setup[string, []byte]{Load: n.origin.load, Entries: 10_000, TTL: lifetime, Budget: reply}
	if n.server != nil {
		s.Redis = n.server.Addr
	}
	c, err := n.who.Open(ctx, s)
	if err == nil {
		n.caches = append(n.caches, c)
	}
	return c, err
}

func (n *nodes) close() {
	for _, c := range n.caches {
		c.Close()
	}
	if n.server != nil {
		n.server.Close()
	}
	n.asking.Wait()
}

// answer is what a Get gave.
type answer struct {
	value []byte
	err   error
}

// ask gets in the background. A Get that panics has answered with an error.
func (n *nodes) ask(ctx context.Context, c Cache[string, []byte], key string) <-chan answer {
	got := make(chan answer, 1)
	n.asking.Go(func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("panicked: %v", p)
			}
			got <- a
		}()
		a.value, a.err = c.Get(ctx, key)
	})
	return got
}

var errSlow = errors.New("no answer in time")

// within waits for an answer.
func within(d time.Duration, got <-chan answer) answer {
	select {
	case a := <-got:
		return a
	case <-time.After(d):
		return answer{err: fmt.Errorf("%w (%v)", errSlow, d)}
	}
}

// expect compares an answer with the value that it should be.
func (a answer) expect(value string) error {
	switch {
	case a.err != nil:
		return fmt.Errorf("got an error for %q: %w", value, a.err)
	case string(a.value) != value:
		return fmt.Errorf("got %q for %q", a.value, value)
	}
	return nil
}

// get asks, and compares.
func (n *nodes) get(ctx context.Context, c Cache[string, []byte], value string) error {
	return within(patience, n.ask(ctx, c, "key")).expect(value)
}

// keep asks until the value comes without a load: some take it in late.
func (n *nodes) keep(ctx context.Context, c Cache[string, []byte], value string) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		before := n.origin.calls.Load()
		if err := n.get(ctx, c, value); err != nil {
			return err
		}
		if n.origin.calls.Load() == before {
			return nil
		}
	}
	return errors.New("keeps nothing")
}

// loadedOnce looks at the number of loads so far.
func (n *nodes) loadedOnce() error {
	if got := n.origin.calls.Load(); got != 1 {
		return fmt.Errorf("%d loads for 1", got)
	}
	return nil
}
