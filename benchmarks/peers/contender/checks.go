package contender

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errBroken = errors.New("the database is broken")

// Checks are what a contender is asked before it is timed.
func Checks() []Check {
	return []Check{
		{"loads", "a miss loads, and returns what was loaded", 0, loads},
		{"hits", "a Get right after a load does not load again", 0, hits},
		{"invalidates", "a Get after an invalidation does not return the old value", 0, invalidates},
		{"fences", "nor does it if a load was under way meanwhile", 0, fences},
		{"fences both tiers", "nor does a node that reads from Redis only", Redis, fencesBoth},
		{"tells Redis", "an invalidation reaches the second tier", Redis, tellsRedis},
		{"tells nodes", "it reaches other nodes' memory, within two seconds", Redis, tellsNodes},
		{"one load", "callers of one cold key share a load", 0, oneLoad},
		{"one load in all", "callers on two nodes do, too", Redis, oneLoadInAll},
		{"leader leaves", "a caller whose load is cancelled by another still gets the value", 0, leaderLeaves},
		{"own deadline", "a caller waits no longer than its own deadline for the load of another", 0, ownDeadline},
		{"not found", "an absence is returned as such", 0, notFound},
		{"keeps absence", "and is not looked for again at once", 0, keepsAbsence},
		{"errors", "an error is returned, and not kept", 0, keepsNoError},
		{"empty", "an empty value is a value", 0, empty},
		{"panic", "after a panic in a load, the next Get loads", 0, survivesPanic},
		{"Redis gone", "without Redis, a miss is a load, within a second", Redis, gone},
		{"Redis frozen", "and so it is if Redis accepts and never answers", Redis, frozen},
	}
}

// alone opens one node, whose Get returns value first.
func (n *nodes) alone(ctx context.Context, value string) (Cache[string, []byte], error) {
	c, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	return c, n.get(ctx, c, value)
}

// pair opens two nodes.
func (n *nodes) pair(ctx context.Context) (a, b Cache[string, []byte], err error) {
	if a, err = n.open(ctx); err == nil {
		b, err = n.open(ctx)
	}
	return a, b, err
}

func loads(ctx context.Context, n *nodes) error {
	if _, err := n.alone(ctx, "one"); err != nil {
		return err
	}
	return n.loadedOnce()
}

func hits(ctx context.Context, n *nodes) error {
	c, err := n.alone(ctx, "one")
	if err != nil {
		return err
	}
	if err := n.get(ctx, c, "one"); err != nil {
		return err
	}
	return n.loadedOnce()
}

// changed opens a node that has kept the first value, and invalidated it after a change.
func (n *nodes) changed(ctx context.Context) (Cache[string, []byte], error) {
	c, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.keep(ctx, c, "one"); err != nil {
		return nil, err
	}
	n.origin.set("two")
	return c, c.Invalidate(ctx, "key")
}

func invalidates(ctx context.Context, n *nodes) error {
	c, err := n.changed(ctx)
	if err != nil {
		return err
	}
	return n.get(ctx, c, "two")
}

// overtaken invalidates while a load of the old value is under way.
func (n *nodes) overtaken(ctx context.Context, c Cache[string, []byte]) error {
	g := n.origin.hold()
	late := n.ask(ctx, c, "key")
	<-g.reached
	n.origin.set("two")
	invalidated := make(chan error, 1)
	n.asking.Go(func() { invalidated <- c.Invalidate(ctx, "key") })
	var err error
	select {
	case err = <-invalidated:
		n.origin.release(g)
	case <-time.After(2 * moment): // some wait for the load
		n.origin.release(g)
		err = <-invalidated
	}
	if err != nil {
		return err
	}
	return within(patience, late).err
}

// stays gets the value for long enough that what is late has arrived.
func (n *nodes) stays(ctx context.Context, c Cache[string, []byte], value string) error {
	for range 10 {
		if err := n.get(ctx, c, value); err != nil {
			return err
		}
		time.Sleep(moment / 10)
	}
	return nil
}

func fences(ctx context.Context, n *nodes) error {
	c, err := n.open(ctx)
	if err != nil {
		return err
	}
	if err := n.overtaken(ctx, c); err != nil {
		return err
	}
	return n.stays(ctx, c, "two")
}

func fencesBoth(ctx context.Context, n *nodes) error {
	c, err := n.open(ctx)
	if err != nil {
		return err
	}
	if err := n.overtaken(ctx, c); err != nil {
		return err
	}
	time.Sleep(moment) // a fill may be late
	other, err := n.open(ctx)
	if err != nil {
		return err
	}
	return n.stays(ctx, other, "two")
}

func tellsRedis(ctx context.Context, n *nodes) error {
	if _, err := n.changed(ctx); err != nil {
		return err
	}
	other, err := n.open(ctx)
	if err != nil {
		return err
	}
	return n.get(ctx, other, "two")
}

func tellsNodes(ctx context.Context, n *nodes) error {
	a, b, err := n.pair(ctx)
	if err != nil {
		return err
	}
	for _, c := range n.caches {
		if err := n.keep(ctx, c, "one"); err != nil {
			return err
		}
	}
	n.origin.set("two")
	if err := a.Invalidate(ctx, "key"); err != nil {
		return err
	}
	for end := time.Now().Add(patience); ; time.Sleep(moment / 10) {
		err := n.get(ctx, b, "two")
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// crowd asks from every node at once, and holds the loads up for a moment.
func (n *nodes) crowd(ctx context.Context) error {
	g := n.origin.hold()
	var all []<-chan answer
	for range 32 {
		for _, c := range n.caches {
			all = append(all, n.ask(ctx, c, "key"))
		}
	}
	<-g.reached
	time.Sleep(moment)
	n.origin.release(g)
	for _, got := range all {
		if err := within(2*patience, got).expect("one"); err != nil {
			return err
		}
	}
	return n.loadedOnce()
}

func oneLoad(ctx context.Context, n *nodes) error {
	if _, err := n.open(ctx); err != nil {
		return err
	}
	return n.crowd(ctx)
}

func oneLoadInAll(ctx context.Context, n *nodes) error {
	if _, _, err := n.pair(ctx); err != nil {
		return err
	}
	return n.crowd(ctx)
}

func leaderLeaves(ctx context.Context, n *nodes) error {
	c, err := n.open(ctx)
	if err != nil {
		return err
	}
	g := n.origin.hold()
	leading, leave := context.WithCancel(ctx)
	defer leave()
	leader := n.ask(leading, c, "key")
	<-g.reached
	follower := n.ask(ctx, c, "key")
	time.Sleep(moment)
	leave()
	time.Sleep(moment)
	n.origin.release(g)
	within(patience, leader)
	return within(patience, follower).expect("one")
}

func ownDeadline(ctx context.Context, n *nodes) error {
	c, err := n.open(ctx)
	if err != nil {
		return err
	}
	g := n.origin.hold()
	leader := n.ask(ctx, c, "key")
	<-g.reached
	hurried, cancel := context.WithTimeout(ctx, moment)
	defer cancel()
	a := within(patience, n.ask(hurried, c, "key"))
	n.origin.release(g)
	if err := within(patience, leader).expect("one"); err != nil {
		return err
	}
	if errors.Is(a.err, errSlow) {
		return a.err
	}
	return nil
}

func (n *nodes) absent(ctx context.Context, c Cache[string, []byte]) error {
	if a := within(patience, n.ask(ctx, c, "key")); !errors.Is(a.err, ErrNotFound) {
		return fmt.Errorf("got %q, %w for an absence", a.value, errors.Join(a.err))
	}
	return nil
}

func notFound(ctx context.Context, n *nodes) error {
	n.origin.fail(ErrNotFound)
	c, err := n.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(n.absent(ctx, c), n.absent(ctx, c))
}

func keepsAbsence(ctx context.Context, n *nodes) error {
	if err := notFound(ctx, n); err != nil {
		return err
	}
	return n.loadedOnce()
}

func keepsNoError(ctx context.Context, n *nodes) error {
	n.origin.fail(errBroken)
	c, err := n.open(ctx)
	if err != nil {
		return err
	}
	if a := within(patience, n.ask(ctx, c, "key")); !errors.Is(a.err, errBroken) {
		return fmt.Errorf("got %q, %w for an error", a.value, errors.Join(a.err))
	}
	n.origin.set("two")
	return n.get(ctx, c, "two")
}

func empty(ctx context.Context, n *nodes) error {
	n.origin.set("")
	c, err := n.alone(ctx, "")
	if err != nil {
		return err
	}
	if err := n.keep(ctx, c, ""); err != nil {
		return err
	}
	n.origin.set("two")
	return n.get(ctx, c, "")
}

func survivesPanic(ctx context.Context, n *nodes) error {
	n.origin.panics("a bug in a loader")
	c, err := n.open(ctx)
	if err != nil {
		return err
	}
	if a := within(patience, n.ask(ctx, c, "key")); a.err == nil {
		return fmt.Errorf("got %q and no error of a load that panicked", a.value)
	}
	n.origin.set("two")
	return n.get(ctx, c, "two")
}

func gone(ctx context.Context, n *nodes) error {
	c, err := n.alone(ctx, "one")
	if err != nil {
		return err
	}
	n.server.Kill()
	return within(budget, n.ask(ctx, c, "other")).expect("one")
}

func frozen(ctx context.Context, n *nodes) error {
	c, err := n.alone(ctx, "one")
	if err != nil {
		return err
	}
	if err := n.server.Freeze(); err != nil {
		return err
	}
	return within(budget, n.ask(ctx, c, "other")).expect("one")
}
