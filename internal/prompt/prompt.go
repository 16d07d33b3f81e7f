// Package prompt knows the clients of Redis that come back when a context has ended, because this module made them: they
// set deadlines on their connections, and dial on goroutines of their own. Only a caller of such a client may ask Redis
// on its own goroutine: no other client is known to give it back in time.
package prompt

import (
	"runtime"
	"sync"
	"weak"

	"github.com/redis/go-redis/v9"
)

// known has the clients as keys, and keeps none of them alive.
var known sync.Map

// Mark says that c is prompt, and returns it. It is forgotten with c.
func Mark(c *redis.Client) *redis.Client {
	key := weak.Make(c)
	if _, marked := known.LoadOrStore(key, nil); !marked {
		runtime.AddCleanup(c, func(key weak.Pointer[redis.Client]) { known.Delete(key) }, key)
	}
	return c
}

// Is tells whether c itself was marked. A copy with other timeouts was not.
func Is(c *redis.Client) bool {
	_, ok := known.Load(weak.Make(c))
	return ok
}
