//go:build unix

package redistest

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
)

// bus stands before the cluster bus of one node: the others connect to it instead. It reads who sends what, and so can
// lose what one node sends, all of it or only what it publishes.
type bus struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	lost   map[string]loss // by the id of the sender
}

// loss is what a bus loses.
type loss int

const (
	nothing loss = iota
	publications
	everything
)

// The header of a message on the bus, in Redis 3 to 8 and in Valkey. What Valkey 8 publishes has a light one, which ends
// before the sender: it is who sent the message before, on the same connection.
const (
	busLength  = 4  // offset of the length of the message, 4 bytes
	busType    = 12 // of its type, 2 bytes
	busLight   = 16 // length of a light header
	busSender  = 40 // offset of the sender's id
	busHeader  = busSender + idLength
	busPublish = 4       // the type of what PUBLISH sends
	busIsLight = 1 << 15 // a bit of the type
	idLength   = 40
)

func startBus(t testing.TB, target string) *bus {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("redistest:", err)
	}
	b := &bus{listener: l, target: target, conns: map[net.Conn]struct{}{}, lost: map[string]loss{}}
	b.done.Go(b.accept)
	t.Cleanup(b.close)
	return b
}

func (b *bus) port() int { return b.listener.Addr().(*net.TCPAddr).Port }

// lose says what to lose of what a node sends.
func (b *bus) lose(sender string, what loss) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost[sender] = what
}

func (b *bus) loses(sender string, kind uint16) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.lost[sender] {
	case everything:
		return true
	case publications:
		return kind == busPublish
	}
	return false
}

func (b *bus) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.done.Go(func() { b.serve(c) })
	}
}

// serve passes messages on until one side ends.
func (b *bus) serve(from net.Conn) {
	defer func() { _ = from.Close() }()
	to, err := net.Dial("tcp", b.target)
	if err != nil || !b.keep(from, to) {
		return
	}
	defer b.drop(from, to)
	b.done.Go(func() {
		_, _ = io.Copy(from, to) // answers
		_ = from.Close()
	})
	var header [busLight]byte
	var sender string
	for {
		if _, err := io.ReadFull(from, header[:]); err != nil {
			return
		}
		length := binary.BigEndian.Uint32(header[busLength:])
		kind := binary.BigEndian.Uint16(header[busType:])
		if length < busLight || length > 1<<24 || kind&busIsLight == 0 && length < busHeader {
			return
		}
		message := make([]byte, length)
		copy(message, header[:])
		if _, err := io.ReadFull(from, message[busLight:]); err != nil {
			return
		}
		if kind&busIsLight == 0 {
			sender = string(message[busSender:busHeader])
		}
		if b.loses(sender, kind&^busIsLight) {
			continue
		}
		if _, err := to.Write(message); err != nil {
			return
		}
	}
}

// keep notes connections that close will end; it refuses them after that.
func (b *bus) keep(conns ...net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		if b.closed {
			_ = c.Close()
		}
		b.conns[c] = struct{}{}
	}
	return !b.closed
}

func (b *bus) drop(conns ...net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(b.conns, c)
	}
}

func (b *bus) close() {
	_ = b.listener.Close()
	b.mu.Lock()
	b.closed = true
	for c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.done.Wait()
}
