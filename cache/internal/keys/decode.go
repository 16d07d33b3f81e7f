package keys

import (
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/freshet-go/freshet/internal/key"
)

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// CanDecode says why keys of type K cannot be read back from their encoding, if they cannot: a part of them has
// MarshalText and no UnmarshalText.
func (e *Encoder[K]) CanDecode() error {
	for i := range e.leaves {
		if l := &e.leaves[i]; l.kind == text && !reflect.PointerTo(l.typ).Implements(textUnmarshaler) {
			return fmt.Errorf("cache: key of %q%s: %v has MarshalText and no UnmarshalText: such keys cannot be read back", e.name, l.where(), l.typ)
		}
	}
	return nil
}

// Decode returns the key that Encode makes encoded of. It refuses everything else.
func (e *Encoder[K]) Decode(encoded string) (K, error) {
	var k, none K
	segments, err := key.Split(encoded)
	if err != nil {
		return none, fmt.Errorf("cache: key of %q: %w", e.name, err)
	}
	if len(segments) != 1+len(e.leaves) || segments[0] != e.name {
		return none, fmt.Errorf("cache: key of %q: %q is none", e.name, encoded)
	}
	v := reflect.ValueOf(&k).Elem()
	for i := range e.leaves {
		l := &e.leaves[i]
		if err := l.parse(l.in(v), segments[i+1]); err != nil {
			return none, fmt.Errorf("cache: key of %q: %q%s: %w", e.name, encoded, l.where(), err)
		}
	}
	if again, err := e.Encode(k); err != nil || again != encoded { // "07" is not how 7 is written
		return none, fmt.Errorf("cache: key of %q: %q is not how it is written", e.name, encoded)
	}
	return k, nil
}

// parse sets v, the leaf's place in an addressable key, to what the segment says. v may be an unexported field, and is
// therefore set by its address.
func (l *leaf) parse(v reflect.Value, segment string) error {
	p := reflect.NewAt(l.typ, v.Addr().UnsafePointer())
	v = p.Elem()
	switch l.kind {
	case str:
		v.SetString(segment)
	case signed:
		n, err := strconv.ParseInt(segment, 10, l.typ.Bits())
		if err != nil {
			return err
		}
		v.SetInt(n)
	case unsigned:
		n, err := strconv.ParseUint(segment, 10, l.typ.Bits())
		if err != nil {
			return err
		}
		v.SetUint(n)
	case boolean:
		b, err := strconv.ParseBool(segment)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case bytes:
		b, err := hex.DecodeString(segment)
		if err != nil {
			return err
		}
		if len(b) != v.Len() {
			return fmt.Errorf("%d bytes, want %d", len(b), v.Len())
		}
		for i := range b {
			v.Index(i).SetUint(uint64(b[i]))
		}
	case text:
		u, ok := p.Interface().(encoding.TextUnmarshaler)
		if !ok {
			return errors.New("no UnmarshalText")
		}
		return u.UnmarshalText([]byte(segment))
	}
	return nil
}
