package redistest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// stream is one direction of a connection. Like a socket, and unlike a net.Pipe, it takes what is written before anybody
// reads it, and delivers it after its writer has closed.
type stream struct {
	net *Net

	mu      sync.Mutex
	data    []byte
	ended   bool          // by the writer: what is left may be read
	broken  bool          // by the reader, or the network
	silent  bool          // delivers nothing any more
	changed chan struct{} // closed at every change
}

func newStream(n *Net) *stream { return &stream{net: n, changed: make(chan struct{})} }

// change changes the stream and wakes its reader.
func (s *stream) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) write(p []byte) (n int, err error) {
	s.change(func() {
		if s.ended || s.broken {
			err = io.ErrClosedPipe
			return
		}
		s.data, n = append(s.data, p...), len(p)
	})
	return n, err
}

// read waits for data, for the end, or until passed is closed. A frozen network delivers neither data nor an end.
func (s *stream) read(p []byte, passed <-chan struct{}) (int, error) {
	for {
		s.mu.Lock()
		changed, frozen := s.changed, s.silent || s.net.frozen.Load()
		switch {
		case s.broken:
			s.mu.Unlock()
			return 0, net.ErrClosed
		case frozen:
		case len(s.data) > 0:
			n := copy(p, s.data)
			s.data = s.data[n:]
			s.mu.Unlock()
			return n, nil
		case s.ended:
			s.mu.Unlock()
			return 0, io.EOF
		}
		s.mu.Unlock()
		select {
		case <-changed:
		case <-passed:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// conn is one end of a connection.
type conn struct {
	in, out *stream

	mu     sync.Mutex
	timer  *time.Timer
	set    int           // how often the deadline was set
	passed chan struct{} // closed when the deadline of reads is over
}

func newConn(in, out *stream) *conn { return &conn{in: in, out: out, passed: make(chan struct{})} }

func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	passed := c.passed
	c.mu.Unlock()
	select {
	case <-passed:
		return 0, os.ErrDeadlineExceeded
	default:
		return c.in.read(p, passed)
	}
}

func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends what this end writes and breaks what it reads: the other end still gets all that was written.
func (c *conn) Close() error {
	_ = c.SetReadDeadline(time.Time{})
	c.out.change(func() { c.out.ended = true })
	c.in.change(func() { c.in.broken = true })
	return nil
}

// cut is what a broken network does to both ends.
func (c *conn) cut() {
	for _, s := range []*stream{c.in, c.out} {
		s.change(func() { s.broken = true })
	}
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set++
	if c.timer != nil {
		c.timer.Stop()
	}
	select {
	case <-c.passed:
		c.passed = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return nil
	}
	if left := time.Until(t); left > 0 {
		set := c.set
		c.timer = time.AfterFunc(left, func() { c.expire(set) })
		return nil
	}
	close(c.passed)
	return nil
}

// expire ends the deadline that was the set-th, if it still stands.
func (c *conn) expire(set int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set == set {
		close(c.passed)
	}
}

func (c *conn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(time.Time) error { return nil } // writes never wait

func (c *conn) LocalAddr() net.Addr  { return address{} }
func (c *conn) RemoteAddr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "redistest" }
func (address) String() string  { return "redistest" }
