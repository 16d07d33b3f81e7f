package cache

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/freshet-go/freshet/breaker"
)

// WarmOptions configure Warm. The zero value is a gentle default.
type WarmOptions struct {
	// Batch is how many keys are asked for at once. 0: 100.
	Batch int
	// Concurrency is how many batches are under way at once. 0: 2.
	Concurrency int
	// Rate is the most keys a second that are asked for, over all batches, none of which is then larger than that. What
	// was missed while the source was slow is not made up for. 0: as many as come.
	Rate float64
	// Skip is how many keys to pass over at the beginning: WarmProgress.Done of a call that was cut off.
	Skip int
	// Progress is called after each batch, in order of Done, one call at a time. nil: nobody is told.
	Progress func(WarmProgress)
}

// WarmProgress says how far Warm has come.
type WarmProgress struct {
	Done    int           // keys, in their order, before which none is left; those that were skipped and failed included
	Failed  int           // of them, in this call
	Elapsed time.Duration // since the call
}

// Warm fetches keys before anybody asks for them, into memory and into Redis: what is fresh there is not loaded again, so
// that a second call is cheap, and what fails does not stop it. It returns when all keys are done, or when ctx ends or the
// cache is closed; the progress then says where to go on. While Options.Breaker is open it waits, and what that has refused
// it asks for again, at no particular rate, unless the source fails still. The error wraps ctx's, or the first of those
// that keys failed with. What is asked for counts in Stats like any read, what was refused as an error each time.
func (c *Cached[K, V]) Warm(ctx context.Context, keys iter.Seq[K], o WarmOptions) error {
	if err := o.withDefaults(); err != nil {
		return err
	}
	if c.closed.Load() {
		return ErrClosed
	}
	w := &warming{o: o, start: time.Now(), done: o.Skip, ended: map[int]int{}}
	slots := make(chan struct{}, o.Concurrency)
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil) // before the wait: keys may have panicked
	defer context.AfterFunc(c.life.ctx, func() { cancel(ErrClosed) })()
	n, skip := 0, o.Skip
	batch := make([]K, 0, o.Batch)
	send := func() bool {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		if !w.pace(ctx, len(batch)) {
			return false
		}
		some, from := batch, n-len(batch)
		batch = make([]K, 0, o.Batch)
		wg.Go(func() {
			defer func() { <-slots }()
			err := c.ask(ctx, some)
			if ctx.Err() == nil {
				w.finish(from, len(some), failures[K](err, len(some)), err)
			}
		})
		return true
	}
	for key := range keys {
		if n++; n <= skip {
			continue
		}
		if batch = append(batch, key); len(batch) == o.Batch && !send() {
			break
		}
	}
	if len(batch) > 0 && ctx.Err() == nil {
		send()
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cache: warm %q: cut off after %d keys: %w", c.options.Name, w.done, context.Cause(ctx))
	}
	if w.failed > 0 {
		return fmt.Errorf("cache: warm %q: %d of %d keys failed: %w", c.options.Name, w.failed, n-min(skip, n), w.first)
	}
	return nil
}

func (o *WarmOptions) withDefaults() error {
	var faults []error
	count := func(field string, n *int, value int) {
		if *n < 0 {
			faults = append(faults, fmt.Errorf("cache: WarmOptions.%s is %d: must not be negative", field, *n))
		}
		if *n == 0 {
			*n = value
		}
	}
	count("Batch", &o.Batch, 100)
	count("Concurrency", &o.Concurrency, 2)
	count("Skip", &o.Skip, 0)
	if !(o.Rate >= 0) { // refuses NaN, too
		faults = append(faults, fmt.Errorf("cache: WarmOptions.Rate is %v: must not be negative", o.Rate))
	}
	if o.Rate > 0 {
		o.Batch = int(min(float64(o.Batch), max(o.Rate, 1))) // an infinite Rate is none
	}
	return errors.Join(faults...)
}

const (
	// openPause is how long Warm leaves an open breaker alone before it looks again.
	openPause = 100 * time.Millisecond
	// refusals is how often one batch is asked for again where the breaker has refused some of it.
	refusals = 100
)

// ask fetches keys, if the breaker of loads is not open. A half-open one lets few loads pass: the other keys are asked
// for again, until it has judged.
func (c *Cached[K, V]) ask(ctx context.Context, keys []K) (err error) {
	for range refusals {
		for c.options.Breaker.State() == breaker.Open && rest(ctx, openPause) {
		}
		_, err = c.GetMany(ctx, keys)
		some, ok := err.(*BatchError[K]) //nolint:errorlint // GetMany returns it as it is
		if !ok || ctx.Err() != nil {
			break
		}
		keys = keys[:0:0]
		for key, fault := range some.Failed {
			if errors.Is(fault, breaker.ErrOpen) {
				keys = append(keys, key)
			}
		}
		if len(keys) < len(some.Failed) || !rest(ctx, openPause) { // the source fails itself
			break
		}
	}
	return err
}

// rest waits for d, and returns false if ctx ends first.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// warming is one Warm under way.
type warming struct {
	o     WarmOptions
	start time.Time
	due   time.Time // of the next batch

	mu     sync.Mutex
	done   int
	ended  map[int]int // batches that ended before those in front of them, by where they begin
	failed int
	first  error
}

// pace waits until n more keys may be asked for.
func (w *warming) pace(ctx context.Context, n int) bool {
	if w.o.Rate > 0 {
		if wait := time.Until(w.due); wait > 0 && !rest(ctx, wait) {
			return false
		}
		w.due = later(w.due, time.Now()).Add(time.Duration(float64(n) / w.o.Rate * float64(time.Second)))
	}
	return ctx.Err() == nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// finish counts a batch of n keys that begins at from, and tells how far all is done.
func (w *warming) finish(from, n, failed int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[from] = n
	if w.failed += failed; w.first == nil {
		w.first = err
	}
	for w.ended[w.done] > 0 {
		n := w.ended[w.done]
		delete(w.ended, w.done)
		w.done += n
	}
	if w.o.Progress != nil {
		w.o.Progress(WarmProgress{Done: w.done, Failed: w.failed, Elapsed: time.Since(w.start)})
	}
}

// failures is how many of n keys err is about.
func failures[K comparable](err error, n int) int {
	if some, ok := err.(*BatchError[K]); ok { //nolint:errorlint // GetMany returns it as it is
		return len(some.Failed)
	}
	if err != nil {
		return n
	}
	return 0
}
