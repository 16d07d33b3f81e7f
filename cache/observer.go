package cache

import (
	"context"
	"slices"
)

// An Observer hears of what a cache does beyond memory, as it begins and as it ends: what tracers and exporters of
// metrics need. Answers from memory are not told one by one: Stats count them.
//
// Its methods are called on the way of requests, from any goroutine, many at once: they must be quick, and must not
// panic. It must not call the cache.
type Observer interface {
	// Begin is told of op before it begins. It returns the context that op goes on with: ctx, or one made of it, that of
	// a span. Loads inherit its values: Begin for a load gets a context that has those of a read that it is for. The
	// function that Begin returns is called once when op has ended; nil if nobody wants to know.
	Begin(ctx context.Context, op Operation) (context.Context, func(Outcome))
}

// A KeySampler is an Observer that is also told which keys are read.
type KeySampler interface {
	Observer
	// SampleKey hears of about one in SampleEvery keys that were asked for, chosen at random, whatever answers them. key
	// is the key as the Store knows it: the cache's name and the segments of the key. It may be private.
	SampleKey(cache, key string)
}

// Op is a kind of operation. Its text is fit for names of spans and labels of metrics.
type Op string

// The operations that an Observer hears of.
const (
	OpRead             Op = "read"    // the part of a Get or GetMany that memory could not answer
	OpRefresh          Op = "refresh" // a Refresh, by its caller
	OpLoad             Op = "load"    // one call of the loader, also one whose result comes too late
	OpSet              Op = "set"
	OpInvalidate       Op = "invalidate"
	OpInvalidatePrefix Op = "invalidate_prefix"
	OpExpire           Op = "expire"
	OpMutate           Op = "mutate" // the caller's write included
)

// Operation is what begins.
type Operation struct {
	Cache      string // its name
	Op         Op
	Keys       int  // how many it is about; 0 for a prefix
	Background bool // a load that no caller waits for: ahead of an expiry, or behind a stale answer
}

// Outcome is how an operation ended.
type Outcome struct {
	Answers Answers // of OpRead and OpRefresh
	Err     error   // the first one; that a value does not exist is none
	// Shared is, of OpRead and OpRefresh, the loads that answered keys, or were waited for in vain, and were begun for
	// others: by the contexts that Begin returned for them. Tracers link to these. One that is for many keys may be
	// there more than once.
	Shared []context.Context
}

// Answers is how many keys were answered how. The names are those of Stats.
type Answers struct {
	RedisHits, Loads, Joined, Negative, Stale, Errors int
}

// Observers makes one Observer of many: the first to hear of a beginning is the last to hear of the end. nil ones are
// left out.
func Observers(all ...Observer) Observer {
	var m many
	var s sampling
	for _, o := range all {
		if o == nil {
			continue
		}
		m = append(m, o)
		if k, ok := o.(KeySampler); ok {
			s.samplers = append(s.samplers, k)
		}
	}
	switch {
	case len(m) == 0:
		return nil
	case len(s.samplers) == 0:
		return m
	}
	s.many = m
	return s
}

type many []Observer

func (m many) Begin(ctx context.Context, op Operation) (context.Context, func(Outcome)) {
	ends := make([]func(Outcome), 0, len(m))
	for _, o := range m {
		c, end := o.Begin(ctx, op)
		if ctx = c; end != nil {
			ends = append(ends, end)
		}
	}
	return ctx, func(out Outcome) {
		for _, end := range slices.Backward(ends) {
			end(out)
		}
	}
}

type sampling struct {
	many
	samplers []KeySampler
}

func (s sampling) SampleKey(cache, key string) {
	for _, k := range s.samplers {
		k.SampleKey(cache, key)
	}
}

// begin tells the observer of op; end, which is never nil, must be called.
func (c *Cached[K, V]) begin(ctx context.Context, op Operation) (_ context.Context, end func(Outcome)) {
	if c.options.Observer != nil {
		op.Cache = c.options.Name
		if ctx, end = c.options.Observer.Begin(ctx, op); end != nil {
			return ctx, end
		}
	}
	return ctx, func(Outcome) {}
}

// write is begin for what changes keys; end takes the result of its method.
func (c *Cached[K, V]) write(ctx context.Context, op Op, keys int) (_ context.Context, end func(*error)) {
	ctx, told := c.begin(ctx, Operation{Op: op, Keys: keys})
	return ctx, func(err *error) { told(Outcome{Err: *err}) }
}

// outcome is that of a load.
func (c *Cached[K, V]) outcome(err error) Outcome {
	if err == nil || c.options.Observer == nil || c.absent(err) {
		return Outcome{}
	}
	return Outcome{Err: err}
}

// reading is a read that goes beyond memory, as its observer will hear of it. A nil one has no observer.
type reading struct {
	left int // keys without an answer
	out  Outcome
	end  func(Outcome)
}

// reads tells the observer of a read of so many keys, at least one; each must be answered.
func (c *Cached[K, V]) reads(ctx context.Context, op Op, keys int) (context.Context, *reading) {
	if c.options.Observer == nil || keys == 0 {
		return ctx, nil
	}
	ctx, end := c.begin(ctx, Operation{Op: op, Keys: keys})
	return ctx, &reading{left: keys, end: end}
}

// answered takes the answer to one of the keys, which came by the flight of owner, and ends the reading with the last.
func (r *reading) answered(owner any, leads bool, how answer, err error) {
	if r == nil {
		return
	}
	if t, ok := owner.(interface {
		shared(leads bool) context.Context
	}); ok {
		if load := t.shared(leads); load != nil {
			r.out.Shared = append(r.out.Shared, load)
		}
	}
	n := &r.out.Answers
	switch how {
	case redisHit:
		n.RedisHits++
	case loaded:
		n.Loads++
	case joined:
		n.Joined++
	case negative:
		n.Negative++
	case stale:
		n.Stale++
	case failed:
		n.Errors++
		if r.out.Err == nil {
			r.out.Err = err
		}
	}
	if r.left--; r.left == 0 {
		r.end(r.out)
	}
}

// done ends the reading if it was left by a Goexit.
func (r *reading) done() {
	for r != nil && r.left > 0 {
		r.answered(nil, false, failed, ErrGoexit)
	}
}
