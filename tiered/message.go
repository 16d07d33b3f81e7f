package tiered

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
)

// Kinds of message that travel over the link. Fills are never published: N nodes that load would make N² messages.
const (
	msgInvalidate = 'I' // the body is an encoded key
	msgPrefix     = 'P' // "sequence previous prefix"; the script that knows the sequences composes it
	msgWake       = 'W' // the body is an encoded key whose lease has ended; not counted, as nothing is stale without it
	msgBeat       = 'B' // the count is up to which all is settled, the body the counts of void messages
	msgBye        = 'Q' // the same, and the publisher ends
)

const messageHeader = 1 + 8 + 8 // kind, publisher, count

var errMessage = errors.New("tiered: malformed link message")

// message is what a node hears.
type message struct {
	kind      byte
	publisher uint64
	count     uint64
	key       string // of I and W; of P the prefix
	seq       uint64 // of P
	previous  uint64
	voids     []uint64 // of B and Q
}

func parseMessage(s string) (m message, err error) {
	if len(s) < messageHeader {
		return m, errMessage
	}
	b := readOnly(s)
	m.kind, m.publisher, m.count = b[0], binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])
	body := b[messageHeader:]
	switch m.kind {
	case msgInvalidate, msgWake:
		m.key = string(body)
		return m, nil
	case msgBeat, msgBye:
		if len(body)%8 != 0 || len(body)/8 > voidMax {
			return m, errMessage
		}
		for ; len(body) > 0; body = body[8:] {
			m.voids = append(m.voids, binary.BigEndian.Uint64(body))
		}
		return m, nil
	case msgPrefix:
		seq, rest, ok1 := bytes.Cut(body, []byte(" "))
		previous, prefix, ok2 := bytes.Cut(rest, []byte(" "))
		var err1, err2 error
		m.seq, err1 = strconv.ParseUint(string(seq), 10, 64)
		m.previous, err2 = strconv.ParseUint(string(previous), 10, 64)
		if ok1 && ok2 && err1 == nil && err2 == nil {
			m.key = string(prefix)
			return m, nil
		}
	}
	return m, errMessage
}
