// Package resp reads the frames of the Redis protocol, versions 2 and 3, as they are: a frame is passed on byte by byte,
// and only the first text in it is looked at.
package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
)

var errSyntax = errors.New("resp: malformed frame")

const (
	maxLength = 512 << 20 // of a text
	maxDepth  = 16
)

// Frame is one value, with all that is in it.
type Frame struct {
	Raw   []byte
	Kind  byte   // the first byte: '*' an array, '>' a push
	First string // the first element of an array, if that is text
}

// Read reads one frame. Raw is appended to buf.
func Read(r *bufio.Reader, buf []byte) (f Frame, err error) {
	f.Raw, f.Kind, err = read(r, buf, &f.First, 0)
	return f, err
}

func read(r *bufio.Reader, buf []byte, first *string, depth int) (raw []byte, kind byte, err error) {
	if depth > maxDepth {
		return buf, 0, errSyntax
	}
	from := len(buf)
	for { // a line that is longer than the buffer comes in parts
		part, err := r.ReadSlice('\n')
		buf = append(buf, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buf, 0, err
		}
	}
	line := buf[from:]
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return buf, 0, errSyntax
	}
	kind, text := line[0], string(line[1:len(line)-2])
	switch kind {
	case '+', '-', ':', '_', '#', ',', '(':
		if first != nil && kind == '+' {
			*first = text
		}
		return buf, kind, nil
	case '$', '!', '=':
		n, err := length(text)
		if err != nil || n < 0 {
			return buf, kind, err
		}
		at := len(buf)
		buf = append(buf, make([]byte, n+2)...)
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			return buf, kind, err
		}
		if first != nil {
			*first = string(buf[at : at+n])
		}
		return buf, kind, nil
	case '*', '>', '~', '%', '|':
		n, err := length(text)
		if err != nil {
			return buf, kind, err
		}
		if kind == '%' || kind == '|' {
			n *= 2
		}
		if kind == '|' {
			n++ // attributes come before the value that they are about
		}
		for i := range max(n, 0) {
			inner := first
			if i > 0 || depth > 0 {
				inner = nil
			}
			if buf, _, err = read(r, buf, inner, depth+1); err != nil {
				return buf, kind, err
			}
		}
		return buf, kind, nil
	}
	return buf, kind, fmt.Errorf("%w: %q", errSyntax, kind)
}

func length(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < -1 || n > maxLength {
		return 0, errSyntax
	}
	return n, nil
}
