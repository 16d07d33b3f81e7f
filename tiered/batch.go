package tiered

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/freshet-go/freshet/breaker"
)

const tripsInFlight = 2 // most round trips of one batcher under way at once

// batcher lets concurrent questions to Redis share round trips, with no timer: while round trips are under way, others
// queue; when one returns, they go as one. Where nothing is in the way, a question is sent at once, on its caller's
// goroutine if the client is known to come back in time.
//
// A question is shared only while it has not been sent: each caller took its stamp before it asked. Nobody's context
// ends a round trip that others wait for.
type batcher[Q, A any] struct {
	remote *remote
	run    func(ctx context.Context, questions []Q) ([]A, error)
	most   int         // questions in a batch
	bytes  func(Q) int // what a question takes of a batch's chunkBytes; nil: nothing
	repeat bool        // a question may be sent twice

	mu      sync.Mutex
	alone   int            // callers on round trips of their own
	pumps   int            // goroutines that send batches, or are about to
	coming  int            // of them: about to
	flying  []*batch[Q, A] // sent by them
	queue   []*batch[Q, A] // in the order of their turn; the last one may still grow
	ramp    int            // most questions in the next batch while there are to be few, 0 otherwise
	guard   *time.Timer    // fails what has waited for too long
	alarmed time.Time      // when it goes off; zero: not at all
}

// batch is questions that share a round trip, and the answers. Whoever waits for it knows the places of his questions,
// and looks at nothing but the answers: so a batch can be left at any time, and none is ever used again.
type batch[Q, A any] struct {
	questions []Q
	most      int
	bytes     int
	end       time.Time // nobody waits for longer
	permit    breaker.Permit

	done    chan struct{} // closed when the others are set; nil: they are
	over    bool          // the same, under the batcher's lock
	answers []A           // one for each question, if err is nil
	err     error
}

// ask asks questions: alone, or in one or more batches. The caller must wait for the answers, until ctx ends. They are
// there after the budget at the latest: a round trip that fails takes the queue behind it along.
func (b *batcher[Q, A]) ask(ctx context.Context, questions ...Q) inquiry[Q, A] {
	if err := b.remote.closed(); err != nil {
		return inquiry[Q, A]{first: part[Q, A]{&batch[Q, A]{err: err}, 0, len(questions)}}
	}
	var began time.Time
	b.mu.Lock()
	if within := b.lone(ctx, questions); within > 0 {
		b.alone++
		b.mu.Unlock()
		began = time.Now()
		own := &batch[Q, A]{questions: slices.Clone(questions)}
		if b.self(own, began, within) {
			return inquiry[Q, A]{first: part[Q, A]{own, 0, len(questions)}}
		}
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	in := b.enter(questions, began)
	b.depart()
	return in
}

// lone is for how long a caller may be occupied by a round trip of its own: not at all if others are under way, or if the
// client might keep it. A caller whose context can end notices it soon all the same: the question is given up, and asked
// again by others.
func (b *batcher[Q, A]) lone(ctx context.Context, questions []Q) time.Duration {
	switch {
	case b.pumps > 0 || b.alone >= b.limit() || len(questions) > b.most || !b.remote.obeyed():
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
	if within < nearby {
		return 0
	}
	return within
}

// self makes a round trip on the caller's goroutine. It is false if the questions must go into the queue after all.
func (b *batcher[Q, A]) self(own *batch[Q, A], began time.Time, within time.Duration) (ok bool) {
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.alone--
		if ok {
			b.heed(own.err)
		}
		b.depart()
	}()
	own.answers, own.err, ok = self(b.remote, began, within, func(ctx context.Context) ([]A, error) { return b.run(ctx, own.questions) })
	return ok
}

// enter puts questions at the end of the queue. They have been asked at began, or now, if that is zero.
func (b *batcher[Q, A]) enter(questions []Q, began time.Time) (in inquiry[Q, A]) {
	var last *batch[Q, A]
	if n := len(b.queue); n > 0 {
		last = b.queue[n-1]
	}
	for _, q := range questions {
		bytes := 0
		if b.bytes != nil {
			bytes = b.bytes(q)
		}
		if last == nil || len(last.questions) >= last.most || last.bytes+bytes > chunkBytes && len(last.questions) > 0 {
			last = &batch[Q, A]{most: b.room(), end: time.Now().Add(b.remote.budget), done: make(chan struct{})}
			b.queue = append(b.queue, last)
		}
		if end := began.Add(b.remote.budget); !began.IsZero() && end.Before(last.end) {
			last.end = end
		}
		in.add(last, len(last.questions))
		last.questions, last.bytes = append(last.questions, q), last.bytes+bytes
	}
	return in
}

// room is how many questions the next batch in the queue may hold. In a ramp each may hold twice as many as the one
// before it.
func (b *batcher[Q, A]) room() int {
	if b.ramp == 0 {
		return b.most
	}
	ahead := len(b.queue)
	if b.alone+len(b.flying) > 0 {
		ahead++
	}
	return min(b.ramp<<min(ahead, 16), b.most)
}

// depart starts as many pumps as there are batches and places in flight for.
func (b *batcher[Q, A]) depart() {
	for b.coming < len(b.queue) && b.alone+b.pumps < b.limit() {
		b.pumps++
		b.coming++
		go b.pump()
	}
	b.watch()
}

// pump sends batches, one after another, as long as there are any.
func (b *batcher[Q, A]) pump() {
	for sent := b.next(); sent != nil; sent = b.next() {
		if !b.send(sent) {
			return
		}
	}
}

// next takes the next batch from the queue. If there is none, or too many are under way, the pump's place is free.
func (b *batcher[Q, A]) next() *batch[Q, A] {
	runtime.Gosched() // those who have just got their answers may have another question
	permit, err := b.remote.permit(request)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.coming--
	if err != nil {
		b.heed(err)
	}
	defer b.watch()
	if len(b.queue) == 0 || b.alone+b.pumps > b.limit() {
		b.pumps--
		permit.Cancel()
		return nil
	}
	sent := b.queue[0]
	b.queue = slices.Delete(b.queue, 0, 1)
	b.flying = append(b.flying, sent)
	sent.permit = permit
	if now := time.Now(); !now.Before(sent.end) { // this process stood still: that is not for Redis to answer for
		sent.end = now.Add(patience)
	}
	return sent
}

// send makes a round trip. It is false if that came back too late: its place in flight is no longer the pump's then.
func (b *batcher[Q, A]) send(sent *batch[Q, A]) bool {
	began := time.Now()
	answers, err := call(b.remote.whole.context(began), func(ctx context.Context) ([]A, error) { return b.run(ctx, sent.questions) })
	answers, err = verdict(sent.permit, answers, err)
	if b.repeat { // what a pipeline of scripts takes says little about a read
		b.remote.took.Store(int64(time.Since(began)))
	}
	b.mu.Lock()
	if sent.over {
		b.mu.Unlock()
		return false
	}
	b.flying = slices.DeleteFunc(b.flying, func(f *batch[Q, A]) bool { return f == sent })
	b.coming++
	b.heed(err)
	sent.over = true
	b.mu.Unlock()
	sent.answers, sent.err = answers, err
	close(sent.done)
	return true
}

// heed draws the conclusions from how a round trip ended.
func (b *batcher[Q, A]) heed(err error) {
	if err == nil {
		if b.ramp *= 2; b.ramp > b.most {
			b.ramp = 0
		}
		return
	}
	for _, waiting := range b.queue {
		waiting.fail(err)
	}
	b.queue = nil
}

// fail must be called under the batcher's lock.
func (b *batch[Q, A]) fail(err error) {
	b.err, b.over = err, true
	close(b.done)
}

// watch sees to it that nobody waits for longer than the budget, whatever the client does. A queue that a pump is about
// to take from need not be watched.
func (b *batcher[Q, A]) watch() {
	var first time.Time
	look := func(all []*batch[Q, A]) {
		for _, waiting := range all {
			if first.IsZero() || waiting.end.Before(first) {
				first = waiting.end
			}
		}
	}
	look(b.flying)
	if b.coming == 0 {
		look(b.queue)
	}
	switch {
	case first.IsZero() || !b.alarmed.IsZero() && !first.Before(b.alarmed):
		return
	case b.guard == nil:
		b.guard = time.AfterFunc(time.Until(first), b.late)
	default:
		b.guard.Reset(time.Until(first))
	}
	b.alarmed = first
}

// late fails what has waited for too long, and what waits behind it.
func (b *batcher[Q, A]) late() {
	var kept []breaker.Permit
	err := fmt.Errorf("%w within %v", errUnseen, b.remote.budget)
	now := time.Now()
	due := func(waiting *batch[Q, A]) bool { return !now.Before(waiting.end) }
	b.mu.Lock()
	b.alarmed = time.Time{}
	b.flying = slices.DeleteFunc(b.flying, func(sent *batch[Q, A]) bool {
		if !due(sent) {
			return false
		}
		b.pumps--
		kept = append(kept, sent.permit)
		sent.fail(err)
		return true
	})
	if len(kept) > 0 || b.coming == 0 && slices.ContainsFunc(b.queue, due) {
		b.heed(err)
	}
	b.depart()
	b.mu.Unlock()
	for _, permit := range kept {
		permit.Failure()
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
