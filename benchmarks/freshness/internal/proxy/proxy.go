package proxy

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Faults are what a proxy does at the moment. The zero value passes everything on.
type Faults struct {
	LinkCut, DataCut       bool
	LinkSilent, DataSilent bool
	Drop                   uint64        // one message in so many is lost; 0: none
	Delay                  time.Duration // of some messages, and of what follows them
	Duplicate              bool
}

// Proxy passes the connections of one node on. Its methods may be called concurrently.
type Proxy struct {
	listener net.Listener
	resolve  func(name string) string

	mu      sync.Mutex
	faults  Faults
	changed chan struct{} // closed when faults change
	conns   map[*conn]struct{}
	closed  bool
	work    sync.WaitGroup

	messages, Dropped, Delayed, Duplicated atomic.Uint64
}

// Listen starts a proxy on a free loopback port. resolve finds the address of the server that a node names.
func Listen(resolve func(name string) string) (*Proxy, error) {
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, resolve: resolve, changed: make(chan struct{}), conns: map[*conn]struct{}{}}
	p.work.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close ends the proxy and all its connections, and waits for them.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Break(true, true)
	p.Set(Faults{})
	p.work.Wait()
}

// Set changes the faults. Connections that are cut end now.
func (p *Proxy) Set(f Faults) {
	p.mu.Lock()
	p.faults = f
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	p.Break(f.LinkCut, f.DataCut)
}

// Break ends the connections that there are, of the link, of data, or both.
func (p *Proxy) Break(link, data bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if kind := c.kind.Load(); link && data || link && kind == isLink || data && kind == isData {
			c.close()
		}
	}
}

// state returns the faults now, and a channel that is closed when they change.
func (p *Proxy) state() (Faults, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults, p.changed
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(c) })
	}
}

// add makes a connection known, unless the proxy was closed.
func (p *Proxy) add(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[c] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) remove(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
