// Package prompt knows the clients of Redis that come back when a context has ended, because this module made them: they
// set deadlines on their connections, and dial on goroutines of their own. Only a caller of such a client may ask Redis
// on its own goroutine: no other client is known to give it back in time.
//
// A hook may keep whoever calls the client, so one that somebody else adds ends the promise.
package prompt

import (
	"runtime"
	"sync"
	"weak"

	"github.com/redis/go-redis/v9"
)

// known has the clients as keys, and keeps none of them alive.
var known sync.Map

// Mark says that c, which was made just now and has no hooks yet, is prompt, and returns it. It is forgotten with c.
func Mark(c *redis.Client) *redis.Client {
	key, p := weak.Make(c), &Promise{own: map[uintptr]struct{}{}}
	if _, marked := known.LoadOrStore(key, p); !marked {
		runtime.AddCleanup(c, func(key weak.Pointer[redis.Client]) { known.Delete(key) }, key)
		c.AddHook(link{p, none{}})
		p.settle()
	}
	return c
}

// Of returns what was promised of c, nil if that is nothing. A copy with other timeouts was not marked.
func Of(c *redis.Client) *Promise {
	p, _ := known.Load(weak.Make(c))
	promise, _ := p.(*Promise)
	return promise
}

// AddHook adds a hook that comes back in time.
func AddHook(c redis.UniversalClient, h redis.Hook) {
	if client, ok := c.(*redis.Client); ok {
		if p := Of(client); p != nil {
			p.learn(h)
			h = link{p, h}
		}
	}
	c.AddHook(h)
}
