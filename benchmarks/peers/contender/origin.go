package contender

import (
	"context"
	"sync"
	"sync/atomic"
)

// origin is what checks cache: one value, which they change, and loads, which they can hold up.
type origin struct {
	calls atomic.Int64

	mu    sync.Mutex
	value []byte
	err   error
	panic any
	gate  *gate // nil: loads answer at once
}

// gate holds loads up that have read the value already, as a slow answer of a database does.
type gate struct {
	reached chan struct{} // one for each load that came
	open    chan struct{}
}

func (o *origin) load(ctx context.Context, _ string) ([]byte, error) {
	o.calls.Add(1)
	o.mu.Lock()
	value, err, fault, g := o.value, o.err, o.panic, o.gate
	o.mu.Unlock()
	if g != nil {
		select {
		case g.reached <- struct{}{}:
		default:
		}
		select {
		case <-g.open:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if fault != nil {
		panic(fault)
	}
	return value, err
}

func (o *origin) set(value string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.value, o.err, o.panic = []byte(value), nil, nil
}

func (o *origin) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.value, o.err = nil, err
}

func (o *origin) panics(with any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.panic = with
}

// hold holds up the loads that begin from now on.
func (o *origin) hold() *gate {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate = &gate{make(chan struct{}, 1), make(chan struct{})}
	return o.gate
}

// release lets g's loads go on. Later ones are not held up.
func (o *origin) release(g *gate) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate = nil
	close(g.open)
}
