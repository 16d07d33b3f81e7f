package tiered

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/freshet-go/freshet/tiered/internal/clock"
)

const (
	tripsInFlight = 2                // most round trips of one batcher under way at once
	nearby        = time.Millisecond // below it, waking a goroutine is a good part of a round trip

	// patience is how late a caller on its own round trip may notice that its context was cancelled. A deadline before
	// the next tick of the clock would wake another processor with each round trip.
	patience = 2 * clock.Tick
)

// batcher lets concurrent single questions to Redis share round trips, with no timer: while round trips are under way,
// others queue; when one returns, they go as one. Where nothing is in the way, a question is sent at once, on its
// caller's goroutine if the client can be relied on to come back in time.
//
// A question is shared only while it has not been sent: each caller took its stamp before it asked.
type batcher[Q, A any] struct {
	remote *remote
	one    func(ctx context.Context, question Q) (A, error)
	run    func(ctx context.Context, questions []Q) ([]A, error)
	cut    func(questions []Q) int // how many of them go together
	repeat bool                    // a question may be sent twice
	idle   sync.Pool               // of waiters

	mu       sync.Mutex
	inFlight int
	pumps    int  // of those in flight, which take the queue along
	guarded  bool // the queue is, by a timer
	ramp     int  // most questions in a batch while few are to be sent, 0 otherwise
	queue    batch[Q, A]
}

// batch is questions, and those who wait for the answers.
type batch[Q, A any] struct {
	questions []Q
	waiters   []*waiter[A]
	since     time.Time // when the first of them began to wait
}

// waiter waits for the answer to one question.
type waiter[A any] struct {
	answer A
	err    error
	ready  chan struct{} // has an element when the others are set
}

// ask asks q, and waits for the answer until ctx ends: then it returns a waiter, who will have the answer. That takes no
// longer than the budget: a round trip that fails takes the queue behind it along.
func (b *batcher[Q, A]) ask(ctx context.Context, q Q) (answer A, left *waiter[A], err error) {
	if err := b.remote.closed(); err != nil {
		return answer, nil, err
	}
	var none A
	var began time.Time
	b.mu.Lock()
	if b.pumps == 0 && b.inFlight < b.limit() {
		if within := b.alone(ctx); within > 0 {
			b.inFlight++
			b.mu.Unlock()
			began = time.Now()
			answer, err, ok := b.self(q, within)
			if ok {
				return answer, nil, err
			}
			b.mu.Lock()
		}
	}
	w, _ := b.idle.Get().(*waiter[A])
	if w == nil {
		w = &waiter[A]{ready: make(chan struct{}, 1)}
	}
	switch {
	case !began.IsZero():
		b.queue.since = began // it is older than all that queue
	case len(b.queue.waiters) == 0:
		b.queue.since = time.Now()
	}
	b.queue.questions, b.queue.waiters = append(b.queue.questions, q), append(b.queue.waiters, w)
	switch {
	case b.inFlight < b.limit():
		b.inFlight++
		b.pumps++
		go b.pump()
	default:
		b.watch()
	}
	b.mu.Unlock()
	if !w.wait(ctx) {
		return answer, w, nil
	}
	answer, err = w.answer, w.err
	w.answer, w.err = none, nil
	b.idle.Put(w)
	return answer, nil, err
}

// wait is false if ctx ended first.
func (w *waiter[A]) wait(ctx context.Context) bool {
	if ctx.Done() == nil {
		<-w.ready
		return true
	}
	select {
	case <-w.ready:
		return true
	case <-ctx.Done():
		return false
	}
}

// alone is how long a caller may be occupied by a round trip of its own: not at all if the client might keep it. A caller
// whose context can end is not kept from noticing for long: the question is given up early then, and asked again.
func (b *batcher[Q, A]) alone(ctx context.Context) time.Duration {
	switch {
	case !b.remote.obeyed():
		return 0
	case ctx.Done() == nil:
		return b.remote.budget
	case !b.repeat || b.remote.took.Load() > int64(nearby):
		return 0
	}
	within := min(patience, b.remote.budget)
	if end, ok := ctx.Deadline(); ok {
		within = min(within, time.Until(end))
	}
	return within
}

// self asks q on the caller's goroutine. It is not ok if the question must go into the queue after all.
func (b *batcher[Q, A]) self(q Q, within time.Duration) (answer A, err error, ok bool) { //nolint:revive // err is an answer
	defer func() { b.leave(err) }() // also after a panic in the client
	return self(b.remote, within, func(ctx context.Context) (A, error) { return b.one(ctx, q) })
}

// watch sees to a queue behind callers only: the client might keep them, and no pump would know.
func (b *batcher[Q, A]) watch() {
	if b.pumps == 0 && !b.guarded && len(b.queue.waiters) > 0 {
		b.guarded = true
		time.AfterFunc(time.Until(b.queue.since.Add(b.remote.budget)), b.guard)
	}
}

// guard fails a queue that has waited for too long.
func (b *batcher[Q, A]) guard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := time.Until(b.queue.since.Add(b.remote.budget))
	switch b.guarded = len(b.queue.waiters) > 0 && left > 0; {
	case b.guarded:
		time.AfterFunc(left, b.guard)
	case len(b.queue.waiters) > 0:
		b.heed(fmt.Errorf("%w within %v", errUnseen, b.remote.budget))
	}
}

// leave gives a place up, or hands it to those who queue.
func (b *batcher[Q, A]) leave(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heed(err)
	if len(b.queue.waiters) > 0 && b.inFlight <= b.limit() {
		b.pumps++
		go b.pump()
		return
	}
	b.inFlight--
}

// heed draws the conclusions from how a round trip ended.
func (b *batcher[Q, A]) heed(err error) {
	if err != nil {
		b.queue.fail(err)
		b.queue = batch[Q, A]{}
	} else if b.ramp *= 2; b.ramp > readChunk {
		b.ramp = 0
	}
}

// pump sends batches, one after another, as long as there are any. It has a place in flight.
func (b *batcher[Q, A]) pump() {
	var spare batch[Q, A]
	for {
		runtime.Gosched() // those who have just got their answers may have another question
		b.mu.Lock()
		if len(b.queue.waiters) == 0 || b.inFlight > b.limit() {
			b.inFlight--
			b.pumps--
			b.watch()
			b.mu.Unlock()
			return
		}
		sent := b.take(spare)
		b.mu.Unlock()
		if !b.send(sent) {
			return
		}
		clear(sent.questions)
		clear(sent.waiters)
		spare = sent
	}
}

// send makes a round trip. It is false if that came back too late: its place in flight is no longer the caller's then.
func (b *batcher[Q, A]) send(sent batch[Q, A]) bool {
	over := false // for those who wait
	late := func(err error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !over {
			over = true
			b.inFlight--
			b.pumps--
			b.heed(err)
			sent.fail(err)
		}
	}
	began := time.Now()
	answers, err := trip(b.remote, request, b.remote.budget-began.Sub(sent.since), late, func(ctx context.Context) ([]A, error) {
		return b.run(ctx, sent.questions)
	})
	if b.repeat { // what a pipeline of scripts takes says little about a read
		b.remote.took.Store(int64(time.Since(began)))
	}
	b.mu.Lock()
	if over {
		b.mu.Unlock()
		return false
	}
	over = true
	b.heed(err)
	b.mu.Unlock()
	if err != nil {
		sent.fail(err)
		return true
	}
	for i, w := range sent.waiters {
		w.answer = answers[i]
		w.ready <- struct{}{}
	}
	return true
}

// take takes what goes together from the queue, which gets the arrays of spare in exchange.
func (b *batcher[Q, A]) take(spare batch[Q, A]) batch[Q, A] {
	n := b.cut(b.queue.questions)
	if b.ramp > 0 {
		n = min(n, b.ramp)
	}
	all := b.queue
	b.queue = batch[Q, A]{append(spare.questions[:0], all.questions[n:]...), append(spare.waiters[:0], all.waiters[n:]...), all.since}
	return batch[Q, A]{all.questions[:n], all.waiters[:n], all.since}
}

func (b *batch[Q, A]) fail(err error) {
	for _, w := range b.waiters {
		w.err = err
		w.ready <- struct{}{}
	}
}

func (b *batcher[Q, A]) limit() int {
	if b.ramp > 0 {
		return 1
	}
	return tripsInFlight
}

// slowly makes the batcher begin anew: with one question, then two, then four, one batch at a time, until they have their
// full size.
func (b *batcher[Q, A]) slowly() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ramp = 1
}
