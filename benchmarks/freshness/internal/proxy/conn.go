package proxy

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/resp"
)

// What a connection is for.
const (
	isNew int32 = iota
	isLink
	isData
)

var errCut = errors.New("proxy: cut")

// conn is a connection of a node to a server.
type conn struct {
	proxy        *Proxy
	node, server net.Conn
	kind         atomic.Int32
	once         sync.Once
	ended        chan struct{}
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.ended)
		_ = c.node.Close()
		_ = c.server.Close()
	})
}

// serve passes one connection on until either side, or a fault, ends it.
func (p *Proxy) serve(node net.Conn) {
	fromNode := bufio.NewReader(node)
	_ = node.SetReadDeadline(time.Now().Add(time.Second))
	name, err := fromNode.ReadString('\n')
	_ = node.SetReadDeadline(time.Time{})
	if err != nil {
		_ = node.Close()
		return
	}
	dialer := net.Dialer{Timeout: time.Second}
	server, err := dialer.DialContext(context.Background(), "tcp", p.resolve(strings.TrimSpace(name)))
	if err != nil {
		_ = node.Close()
		return
	}
	c := &conn{proxy: p, node: node, server: server, ended: make(chan struct{})}
	defer c.close()
	if !p.add(c) {
		return
	}
	defer p.remove(c)
	var back sync.WaitGroup
	back.Go(func() {
		defer c.close()
		_ = c.answers()
	})
	_ = c.commands(fromNode)
	c.close()
	back.Wait()
}

// commands passes on what the node says. Its first command beside the greeting tells what the connection is for.
func (c *conn) commands(r *bufio.Reader) error {
	var buf []byte
	for c.kind.Load() == isNew {
		f, err := resp.Read(r, buf[:0])
		if err != nil {
			return err
		}
		buf = f.Raw
		switch strings.ToUpper(f.First) {
		case "HELLO", "AUTH", "CLIENT", "SELECT", "READONLY", "PING", "INFO":
		case "SUBSCRIBE", "SSUBSCRIBE", "PSUBSCRIBE":
			c.kind.Store(isLink)
		default:
			c.kind.Store(isData)
		}
		if err := c.pass(f.Raw, c.server); err != nil {
			return err
		}
	}
	return c.stream(r, c.server)
}

// answers passes on what the server says, frame by frame as long as that may be a message.
func (c *conn) answers() error {
	r := bufio.NewReader(c.server)
	var buf []byte
	for c.kind.Load() != isData {
		f, err := resp.Read(r, buf[:0])
		if err != nil {
			return err
		}
		buf = f.Raw
		times := 1
		if c.kind.Load() == isLink && (f.Kind == '*' || f.Kind == '>') && f.First == "message" {
			if times, err = c.message(); err != nil {
				return err
			}
		}
		for range times {
			if err := c.pass(f.Raw, c.node); err != nil {
				return err
			}
		}
	}
	return c.stream(r, c.node)
}

// delayed: one message in so many is, or the link would only fall behind.
const delayed = 64

// message tells how often a message of the link is to arrive, after the delay that it has.
func (c *conn) message() (times int, err error) {
	p := c.proxy
	f, _ := p.state()
	nth := p.messages.Add(1)
	if f.Drop > 0 && nth%f.Drop == 0 {
		p.Dropped.Add(1)
		return 0, nil
	}
	if f.Delay > 0 && nth%delayed == 0 {
		p.Delayed.Add(1)
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.ended:
			return 0, errCut
		}
	}
	if f.Duplicate {
		p.Duplicated.Add(1)
		return 2, nil
	}
	return 1, nil
}

func (c *conn) stream(r *bufio.Reader, to net.Conn) error {
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := c.pass(buf[:n], to); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// pass writes b, once no fault silences the connection.
func (c *conn) pass(b []byte, to net.Conn) error {
	for {
		f, changed := c.proxy.state()
		kind := c.kind.Load()
		switch {
		case kind == isLink && f.LinkCut, kind == isData && f.DataCut, f.LinkCut && f.DataCut:
			return errCut
		case kind == isLink && f.LinkSilent, kind == isData && f.DataSilent, f.LinkSilent && f.DataSilent:
			select {
			case <-changed:
				continue
			case <-c.ended:
				return errCut
			}
		}
		_, err := to.Write(b)
		return err
	}
}
