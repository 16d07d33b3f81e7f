package tiered_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// The traces of internal/model against the code. Each test is named after the rule whose absence the trace shows, and is
// red without it.

// crossing is a hook that does something just before a command is sent, or just after Redis has executed it and before
// its caller knows. What is done returns what the caller gets.
type crossing struct {
	mu   sync.Mutex
	acts []*act
	dial func() // before each dial
}

type act struct {
	when  func(redis.Cmder) bool
	after bool
	do    func() error
}

// before lets do go before the next command that is for when. It is not sent if do returns an error.
func (h *crossing) before(when func(redis.Cmder) bool, do func() error) { h.add(&act{when, false, do}) }

// after lets do go after the next such command was executed. Its answer is lost if do returns an error.
func (h *crossing) after(when func(redis.Cmder) bool, do func() error) { h.add(&act{when, true, do}) }

func (h *crossing) add(a *act) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acts = append(h.acts, a)
}

// left is how many acts have not come up.
func (h *crossing) left() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.acts)
}

func (h *crossing) take(cmd redis.Cmder, after bool) func() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, a := range h.acts {
		if a.after == after && a.when(cmd) {
			h.acts = append(h.acts[:i:i], h.acts[i+1:]...)
			return a.do
		}
	}
	return func() error { return nil }
}

func (h *crossing) onDial(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dial = f
}

func (h *crossing) DialHook(next redis.DialHook) redis.DialHook { return next }
func (h *crossing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *crossing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := h.take(cmd, false)(); err != nil {
			cmd.SetErr(err)
			return err
		}
		err := next(ctx, cmd)
		var answer redis.Error
		if err != nil && !errors.As(err, &answer) || redis.HasErrorPrefix(err, "NOSCRIPT") {
			return err // not executed; after NOSCRIPT its text follows
		}
		if lost := h.take(cmd, true)(); lost != nil {
			cmd.SetErr(lost)
			return lost
		}
		return err
	}
}

// crossed starts a node with a crossing.
func (w *world) crossed(change ...func(*tiered.Options)) (*node, *crossing) {
	w.Helper()
	h, network := &crossing{}, redistest.Network(w, w.mini)
	rdb := network.Client(w, func(o *redis.Options) {
		o.Dialer = func(ctx context.Context, of, addr string) (net.Conn, error) {
			h.mu.Lock()
			f := h.dial
			h.mu.Unlock()
			if f != nil {
				f()
			}
			return network.Dial(ctx, of, addr)
		}
	})
	rdb.AddHook(h)
	return w.nodeOver(network, rdb, change...), h
}

const theKey = "users:1"

func isScriptOn(cmd redis.Cmder, key string) bool {
	args := cmd.Args()
	return (cmd.Name() == "evalsha" || cmd.Name() == "eval") && len(args) > 4 && args[3] == "freshet:"+key
}

// reading is GET of the key.
func reading(cmd redis.Cmder) bool { return says(cmd, "get", "freshet:"+theKey) }

// telling is a script that publishes that the key changed: Invalidate, Expire, Set, Hold, Release.
func telling(cmd redis.Cmder) bool {
	return isScriptOn(cmd, theKey) && cmd.Args()[4] == "freshet:link"
}

// sequencing is the script of a prefix invalidation.
func sequencing(cmd redis.Cmder) bool { return isScriptOn(cmd, "prefixes") && len(cmd.Args()) > 8 }

// leasing is the lease script.
func leasing(cmd redis.Cmder) bool {
	args := cmd.Args()
	return isScriptOn(cmd, theKey) && len(args) == 8 && (args[7] == "0" || args[7] == "1")
}

// asking is the question who Redis is.
func asking(cmd redis.Cmder) bool { return cmd.Name() == "info" }

// warm makes two nodes that both have the key in memory, as Redis has it: "old".
func warm(w *world) (a, b *node, ha, hb *crossing) {
	w.Helper()
	a, ha = w.crossed()
	b, hb = w.crossed()
	w.origin[theKey] = "old"
	a.reads(theKey, "old", fromOrigin)
	b.reads(theKey, "old", fromRedis)
	return a, b, ha, hb
}

// commits changes the origin.
func (w *world) commits(value string) { w.origin[theKey] = value }

// soon is long enough for a message to be heard, and short within a budget.
func soon() { time.Sleep(time.Millisecond) }

// gets requires the value of a read, from wherever.
func (n *node) gets(value string, why ...any) {
	n.world.Helper()
	v, from := n.get(theKey)
	require.Equal(n.world, value, v, append([]any{"from " + from}, why...)...)
}

// noPeek requires that memory does not answer.
func (n *node) noPeek(why ...any) {
	n.world.Helper()
	v, ok := n.peek(theKey)
	require.False(n.world, ok, append([]any{"memory answers " + v}, why...)...)
}

// fresh starts a node that knows nothing, and requires what it reads.
func (w *world) fresh(value string) {
	w.Helper()
	w.node().gets(value)
}
