package tiered_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/redis/go-redis/v9"
)

// tap is a hook that counts round trips, and may delay or refuse them.
type tap struct {
	before func(ctx context.Context, cmd redis.Cmder) error // of each command; nil: nothing

	mu    sync.Mutex
	trips []string // the commands of each, joined
	sizes []int    // arguments of each that is one command
}

func (h *tap) add(names ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trips = append(h.trips, strings.Join(names, " "))
}

func (h *tap) measure(cmd redis.Cmder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sizes = append(h.sizes, len(cmd.Args())-1)
}

// measured returns how many keys each read has asked for, since it was last asked.
func (h *tap) measured() []int {
	h.mu.Lock()
	defer h.mu.Unlock()
	sizes := h.sizes
	h.sizes = nil
	return sizes
}

// aside tells whether cmds set up a connection, or are the link's: no caller waits for them.
func aside(cmds ...redis.Cmder) bool {
	return len(cmds) > 0 && slices.Contains([]string{"hello", "client", "info", "zrangebyscore", "publish"}, cmds[0].Name())
}

// taken returns the round trips since it was last asked.
func (h *tap) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	trips := h.trips
	h.trips = nil
	return trips
}

func (h *tap) ask(ctx context.Context, cmd redis.Cmder) error {
	if h.before == nil {
		return nil
	}
	err := h.before(ctx, cmd)
	if err != nil {
		cmd.SetErr(err)
	}
	return err
}

func (h *tap) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *tap) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if aside(cmd) {
			return next(ctx, cmd)
		}
		h.add(cmd.Name())
		h.measure(cmd)
		if err := h.ask(ctx, cmd); err != nil {
			return err
		}
		return next(ctx, cmd)
	}
}

func (h *tap) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if aside(cmds...) {
			return next(ctx, cmds)
		}
		var names []string
		for _, cmd := range cmds {
			names = append(names, cmd.Name())
		}
		h.add(names...)
		for _, cmd := range cmds {
			if err := h.ask(ctx, cmd); err != nil {
				for _, c := range cmds {
					c.SetErr(err)
				}
				return err
			}
		}
		return next(ctx, cmds)
	}
}

// tapped starts a node whose round trips are counted from now on, and each preceded by before, if given.
func (w *world) tapped(before ...func(context.Context, redis.Cmder) error) (*node, *tap) {
	w.Helper()
	n, h := w.node(), &tap{}
	if len(before) > 0 {
		h.before = before[0]
	}
	prompt.AddHook(n.rdb, h) // so that callers make their own round trips, too
	return n, h
}

// says tells whether cmd is a command of that name with an argument that holds text.
func says(cmd redis.Cmder, name, text string) bool {
	if cmd.Name() != name {
		return false
	}
	for _, arg := range cmd.Args()[1:] {
		if s, ok := arg.(string); ok && strings.Contains(s, text) {
			return true
		}
	}
	return false
}

// slowly is for tap.before: every command takes d, as long as its context lives.
func slowly(d time.Duration) func(context.Context, redis.Cmder) error {
	return func(ctx context.Context, _ redis.Cmder) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// noSubscriptions is for a miniredis that refuses to be listened to.
func noSubscriptions(c *server.Peer, cmd string, _ ...string) bool {
	if cmd != "SUBSCRIBE" && cmd != "PING" { // PING is the link's, once it stands
		return false
	}
	c.WriteError("ERR no subscriptions today")
	return true
}
