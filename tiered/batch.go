package tiered

import (
	"sync"
	"time"
)

// readsInFlight is how many batches of reads may be under way at once.
const readsInFlight = 2

// batcher lets concurrent single reads share round trips, with no timer: while reads are in flight, others queue; when
// one returns, they go as one. An idle batcher sends at once, on the caller's goroutine.
//
// A read is shared only while it has not been sent: each caller took its stamp before it queued.
type batcher struct {
	run    func(keys []string, within time.Duration) ([][]byte, error)
	budget time.Duration // of each read, the time in the queue included

	mu       sync.Mutex
	inFlight int
	queue    []*queuedRead
}

type queuedRead struct {
	key   string
	reply []byte
	since time.Time
	err   error
	batch []*queuedRead // set for the one that is chosen to send them
	ready chan struct{}
}

// read reads key. A batch that fails takes the queue behind it along: nobody waits for two budgets.
func (b *batcher) read(key string) ([]byte, error) {
	b.mu.Lock()
	if b.inFlight < readsInFlight {
		b.inFlight++
		b.mu.Unlock()
		replies, err := b.run([]string{key}, b.budget)
		b.next(err)
		if err != nil {
			return nil, err
		}
		return replies[0], nil
	}
	q := &queuedRead{key: key, since: time.Now(), ready: make(chan struct{})}
	b.queue = append(b.queue, q)
	b.mu.Unlock()
	<-q.ready
	if q.batch != nil {
		b.send(q)
	}
	return q.reply, q.err
}

// send sends the batch that q was chosen for.
func (b *batcher) send(q *queuedRead) {
	keys := make([]string, len(q.batch))
	for i, r := range q.batch {
		keys[i] = r.key
	}
	replies, err := b.run(keys, b.budget-time.Since(q.since)) // q has waited longest
	b.next(err)
	for i, r := range q.batch {
		if r.err = err; err == nil {
			r.reply = replies[i]
		}
		if r != q {
			close(r.ready)
		}
	}
}

// next hands the place of the batch that returned to the queue.
func (b *batcher) next(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		b.inFlight--
		return
	}
	n := min(len(b.queue), readChunk)
	batch := b.queue[:n:n]
	b.queue = b.queue[n:]
	if len(b.queue) == 0 {
		b.queue = nil
	}
	if err == nil {
		batch[0].batch = batch
		close(batch[0].ready)
		return
	}
	b.inFlight--
	for _, r := range append(batch, b.queue...) {
		r.err = err
		close(r.ready)
	}
	b.queue = nil
}
