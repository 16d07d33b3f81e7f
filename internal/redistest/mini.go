package redistest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Mini starts a miniredis without a socket, and gives a client of it. Its keys expire with the test's clock. Both end
// with the test.
//
// To make it answer errors, use its SetError. To make it unreachable, or silent, use a [Network].
func Mini(t testing.TB) (*miniredis.Miniredis, *redis.Client) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	c, err := m.Dial() // starts the server
	if err != nil {
		t.Fatal("redistest:", err)
	}
	_ = c.Close()
	t.Cleanup(m.Close)
	return m, Client(t, m)
}

// Client gives another client of m, over a network of its own that does not fail.
func Client(t testing.TB, m *miniredis.Miniredis) *redis.Client {
	t.Helper()
	return Network(t, m).Client(t)
}

// Elapse lets d pass on the clock of a synctest bubble, and with it the keys of every [Mini] that expire by then.
func Elapse(d time.Duration) { time.Sleep(d) }

// Net is the network between clients and a miniredis. Each Net fails for itself, so two clients over two Nets are two
// nodes of which one may be cut off.
type Net struct {
	m      *miniredis.Miniredis
	frozen atomic.Bool

	mu    sync.Mutex
	down  bool
	conns map[*conn]struct{}
	dials int
}

// Network makes a network to m, which works until it is told otherwise.
func Network(t testing.TB, m *miniredis.Miniredis) *Net {
	t.Helper()
	n := &Net{m: m, conns: map[*conn]struct{}{}}
	t.Cleanup(n.Cut)
	return n
}

// Client gives a client over n, with the settings of tiered.Dial but for what the functions change. It is closed with
// the test.
func (n *Net) Client(t testing.TB, change ...func(*redis.Options)) *redis.Client {
	t.Helper()
	const timeout = 250 * time.Millisecond
	o := &redis.Options{
		Addr:                     "redistest",
		Dialer:                   n.Dial,
		ContextTimeoutEnabled:    true,
		DialTimeout:              timeout,
		ReadTimeout:              timeout,
		WriteTimeout:             timeout,
		PoolTimeout:              timeout,
		PoolSize:                 1000, // callers that wait for a connection share timers between bubbles, which must not be
		MaxRetries:               -1,
		DialerRetries:            1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	for _, f := range change {
		f(o)
	}
	c := redis.NewClient(o)
	if o.ContextTimeoutEnabled {
		prompt.Mark(c)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Dial is a Dialer for any client.
func (n *Net) Dial(context.Context, string, string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials++
	if n.down {
		return nil, &net.OpError{Op: "dial", Net: "redistest", Err: errors.New("connection refused")}
	}
	up, down := newStream(n), newStream(n)
	c, s := newConn(down, up), newConn(up, down)
	n.conns[c] = struct{}{}
	n.m.Server().ServeConn(s)
	return c, nil
}

// Dials is how often clients have dialled, in vain or not.
func (n *Net) Dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dials
}

// Cut breaks all connections; new ones work.
func (n *Net) Cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut()
}

func (n *Net) cut() {
	for c := range n.conns {
		c.cut()
	}
	clear(n.conns)
}

// Down breaks all connections and refuses new ones, until Up.
func (n *Net) Down() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = true
	n.cut()
}

// Up ends Down.
func (n *Net) Up() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = false
}

// Silence keeps the present connections, but delivers nothing over them any more; new ones work. So behaves a firewall
// that has forgotten them.
func (n *Net) Silence() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.in.change(func() { c.in.silent = true })
		c.out.change(func() { c.out.silent = true })
	}
}

// Freeze keeps connections, and takes new ones, but delivers nothing until Thaw: what was sent meanwhile, by whoever
// has given up since, is delivered then. So behaves a stopped process.
func (n *Net) Freeze() { n.frozen.Store(true) }

// Thaw ends Freeze.
func (n *Net) Thaw() {
	n.frozen.Store(false)
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.in.change(func() {})
		c.out.change(func() {})
	}
}
