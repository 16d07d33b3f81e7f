package prompt

import (
	"context"
	"net"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Promise is that a client comes back in time. A nil Promise was never given.
//
// It has the first of the client's hooks, and hears of all others: when one is added, go-redis builds the chain anew, and
// lets each hook wrap the next. What a hook of this module is given to wrap is known by its code; a stranger's is not.
type Promise struct {
	broken atomic.Bool

	mu      sync.Mutex
	own     map[uintptr]struct{} // code that comes back in time
	settled bool                 // nothing else does
}

// Kept tells whether the promise still holds.
func (p *Promise) Kept() bool { return p != nil && !p.broken.Load() }

// learn takes what h wraps others in for its own.
func (p *Promise) learn(h redis.Hook) {
	codes := []uintptr{
		code(h.DialHook(func(context.Context, string, string) (net.Conn, error) { return nil, nil })),
		code(h.ProcessHook(func(context.Context, redis.Cmder) error { return nil })),
		code(h.ProcessPipelineHook(func(context.Context, []redis.Cmder) error { return nil })),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range codes {
		p.own[c] = struct{}{}
	}
}

// meet judges what a hook of this module is to wrap. The first that is met is the client itself.
func (p *Promise) meet(code uintptr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch _, own := p.own[code]; {
	case !p.settled:
		p.own[code] = struct{}{}
	case !own:
		p.broken.Store(true)
	}
}

func (p *Promise) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled = true
}

func code(f any) uintptr { return reflect.ValueOf(f).Pointer() }

// link is a hook of this module in the chain of a client.
type link struct {
	promise *Promise
	redis.Hook
}

func (l link) DialHook(next redis.DialHook) redis.DialHook {
	l.promise.meet(code(next))
	return l.Hook.DialHook(next)
}

func (l link) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	l.promise.meet(code(next))
	return l.Hook.ProcessHook(next)
}

func (l link) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	l.promise.meet(code(next))
	return l.Hook.ProcessPipelineHook(next)
}

// none is a hook that does nothing.
type none struct{}

func (none) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (none) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (none) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
