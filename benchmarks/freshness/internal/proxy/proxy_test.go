package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/proxy"
	"github.com/stretchr/testify/require"
)

// world is a server that echoes what data connections say and pushes to the link what it is told to.
type world struct {
	*testing.T
	proxy  *proxy.Proxy
	server net.Listener

	mu    sync.Mutex
	conns []net.Conn
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t}
	var config net.ListenConfig
	var err error
	w.server, err = config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var work sync.WaitGroup
	work.Go(func() {
		for {
			c, err := w.server.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.conns = append(w.conns, c)
			w.mu.Unlock()
			work.Go(func() { _, _ = io.Copy(c, c) })
		}
	})
	w.proxy, err = proxy.Listen(func(name string) string {
		require.Equal(t, "master:1", name)
		return w.server.Addr().String()
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		w.proxy.Close()
		_ = w.server.Close()
		w.mu.Lock()
		for _, c := range w.conns {
			_ = c.Close()
		}
		w.mu.Unlock()
		work.Wait()
	})
	return w
}

// client is a connection through the proxy.
type client struct {
	*world
	net.Conn
	in *bufio.Reader
}

// dial opens a connection and says its first command, which comes back.
func (w *world) dial(first string) *client {
	w.Helper()
	c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", w.proxy.Addr())
	require.NoError(w, err)
	w.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "master:1\n*1\r\n$5\r\nHELLO\r\n*1\r\n$%d\r\n%s\r\n", len(first), first)
	require.NoError(w, err)
	return &client{w, c, bufio.NewReader(c)}
}

func (c *client) say(s string) {
	c.Helper()
	_, err := c.Write([]byte(s))
	require.NoError(c, err)
}

func (c *client) hears(s string) {
	c.Helper()
	b := make([]byte, len(s))
	_, err := io.ReadFull(c.in, b)
	require.NoError(c, err)
	require.Equal(c, s, string(b))
}

// ends waits for the end of the connection.
func (c *client) ends() {
	c.Helper()
	_, err := io.Copy(io.Discard, c.in)
	var timeout net.Error
	require.False(c, errors.As(err, &timeout) && timeout.Timeout())
}

// silent tells that nothing comes for a moment.
func (c *client) silent() {
	c.Helper()
	require.NoError(c, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := c.in.Peek(1)
	var timeout net.Error
	require.ErrorAs(c, err, &timeout)
	require.NoError(c, c.SetReadDeadline(time.Time{}))
}

const hello = "*1\r\n$5\r\nHELLO\r\n"

func (w *world) data() *client {
	c := w.dial("GET")
	c.hears(hello + "*1\r\n$3\r\nGET\r\n")
	return c
}

func (w *world) link() *client {
	c := w.dial("SUBSCRIBE")
	c.hears(hello + "*1\r\n$9\r\nSUBSCRIBE\r\n")
	return c
}

func message(text string) string {
	return fmt.Sprintf(">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$%d\r\n%s\r\n", len(text), text)
}

func TestPassesOn(t *testing.T) {
	w := newWorld(t)
	for _, c := range []*client{w.data(), w.link()} {
		for i := range 100 {
			c.say(message(fmt.Sprint(i)))
			c.hears(message(fmt.Sprint(i)))
		}
	}
}

func TestCutsTheLinkOnly(t *testing.T) {
	w := newWorld(t)
	data, link := w.data(), w.link()
	w.proxy.Set(proxy.Faults{LinkCut: true})
	link.ends()
	w.dial("SUBSCRIBE").ends()
	data.say("+a\r\n")
	data.hears("+a\r\n")
	w.data()
	w.proxy.Set(proxy.Faults{})
	w.link()
}

func TestCutsDataOnly(t *testing.T) {
	w := newWorld(t)
	data, link := w.data(), w.link()
	w.proxy.Set(proxy.Faults{DataCut: true})
	data.ends()
	w.dial("GET").ends()
	link.say(message("a"))
	link.hears(message("a"))
	w.link()
	w.proxy.Set(proxy.Faults{DataCut: true, LinkCut: true})
	link.ends()
	w.dial("SUBSCRIBE").ends()
}

func TestSilences(t *testing.T) {
	w := newWorld(t)
	data, link := w.data(), w.link()
	w.proxy.Set(proxy.Faults{LinkSilent: true})
	link.say(message("a"))
	link.silent()
	data.say("+a\r\n")
	data.hears("+a\r\n")
	w.proxy.Set(proxy.Faults{DataSilent: true})
	link.hears(message("a"))
	data.say("+b\r\n")
	data.silent()
	w.proxy.Set(proxy.Faults{})
	data.hears("+b\r\n")
}

func TestDropsMessagesOnly(t *testing.T) {
	w := newWorld(t)
	link := w.link()
	w.proxy.Set(proxy.Faults{Drop: 2})
	for i := range 6 {
		link.say(message(fmt.Sprint(i)) + "+PONG\r\n")
	}
	for i := range 6 {
		if i%2 == 0 {
			link.hears(message(fmt.Sprint(i)))
		}
		link.hears("+PONG\r\n")
	}
	require.EqualValues(t, 3, w.proxy.Dropped.Load())
}

func TestDuplicatesMessagesOnly(t *testing.T) {
	w := newWorld(t)
	link := w.link()
	w.proxy.Set(proxy.Faults{Duplicate: true})
	link.say(message("a") + "+PONG\r\n")
	link.hears(message("a") + message("a") + "+PONG\r\n")
	require.EqualValues(t, 1, w.proxy.Duplicated.Load())
}

func TestDelaysInOrder(t *testing.T) {
	w := newWorld(t)
	link := w.link()
	w.proxy.Set(proxy.Faults{Delay: time.Millisecond})
	for i := range 200 {
		link.say(message(fmt.Sprint(i)))
	}
	for i := range 200 {
		link.hears(message(fmt.Sprint(i)))
	}
	require.EqualValues(t, 3, w.proxy.Delayed.Load())
}

func TestBreakSparesTheLink(t *testing.T) {
	w := newWorld(t)
	data, link := w.data(), w.link()
	w.proxy.Break(false, true)
	data.ends()
	link.say(message("a"))
	link.hears(message("a"))
	w.proxy.Break(true, true)
	link.ends()
	w.data()
}
