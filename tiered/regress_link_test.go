package tiered_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/internal/redistest"
)

// splitting is a connection that delivers one message in two parts. The second is late: reads whose deadline is earlier
// time out in between.
type splitting struct {
	net.Conn
	armed *atomic.Bool
	late  time.Duration

	mu       sync.Mutex
	deadline time.Time
	rest     []byte
	due      time.Time
}

func (c *splitting) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetReadDeadline(t)
}

func (c *splitting) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *splitting) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rest) == 0 {
		deadline := c.deadline
		c.mu.Unlock()
		n, err := c.Conn.Read(p)
		c.mu.Lock()
		i := bytes.Index(p[:n], []byte("$7\r\nmessage"))
		if i < 0 || !c.armed.CompareAndSwap(true, false) {
			return n, err
		}
		c.deadline = deadline
		c.rest, c.due = bytes.Clone(p[i:n]), time.Now().Add(c.late)
		return i, err
	}
	if !c.deadline.IsZero() && c.deadline.Before(c.due) {
		<-time.After(time.Until(c.deadline))
		return 0, os.ErrDeadlineExceeded
	}
	<-time.After(time.Until(c.due))
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// overSplit starts a node over connections of which one splits the next message once armed.
func (w *world) overSplit(protocol int, armed *atomic.Bool, late time.Duration) *node {
	w.Helper()
	network := redistest.Network(w, w.mini)
	return w.nodeOver(network, network.Client(w, func(o *redis.Options) {
		o.Protocol = protocol
		o.Dialer = func(ctx context.Context, n, addr string) (net.Conn, error) {
			c, err := network.Dial(ctx, n, addr)
			if err != nil {
				return nil, err
			}
			return &splitting{Conn: c, armed: armed, late: late}, nil
		}
	}))
}

// A read of the link that times out within a message takes the part that it has read with it. The rest was once taken for
// something that is none of the link's business, and the invalidation in it never heard.
func TestAMessageSplitByATimeout(t *testing.T) {
	for protocol, name := range map[int]string{2: "RESP2", 3: "RESP3"} {
		for _, late := range []time.Duration{300 * time.Millisecond, 600 * time.Millisecond} {
			t.Run(name+"/"+late.String(), func(t *testing.T) {
				inBubble(t, func(w *world) {
					var armed atomic.Bool
					a, b := w.node(), w.overSplit(protocol, &armed, late)
					w.origin["users:1"] = "old"
					a.reads("users:1", "old", fromOrigin)
					b.reads("users:1", "old", fromRedis)
					b.reads("users:1", "old", fromMemory)
					w.elapse(10 * time.Second)
					b.reads("users:1", "old", fromMemory, "the link is well without a split")
					require.Zero(w, b.Stats().LinkOutages)

					armed.Store(true)
					require.NoError(w, a.Invalidate(w.Context(), "users:1"))
					w.origin["users:1"] = "new"
					w.elapse(3 * time.Second)
					require.False(w, armed.Load(), "nothing was split")
					b.reads("users:1", "new", fromOrigin)
					require.True(w, b.Stats().LinkUp)
					require.EqualValues(w, 1, b.Stats().LinkOutages, "the session ended, and another began")
				})
			})
		}
	}
}
