package keys

import (
	"fmt"
	"reflect"

	"github.com/freshet-go/freshet/internal/key"
)

// Encoder encodes keys of type K for one cache. Make it with [For]. It is
// immutable, and safe for concurrent use.
type Encoder[K comparable] struct {
	name   string // the name as given, for messages
	base   string // the name as an encoded key
	leaves []leaf
	texts  bool // some leaf is encoded by MarshalText
}

// For compiles the encoder of keys of type K for the cache called name, which
// becomes the first segment of every key. It refuses a type that cannot be a
// key, naming the type, the field and the reason.
func For[K comparable](name string) (*Encoder[K], error) {
	leaves, err := compile(reflect.TypeFor[K]())
	if err != nil {
		return nil, fmt.Errorf("cache: key type %w", err)
	}
	e := &Encoder[K]{name: name, base: key.Join(name), leaves: leaves}
	for i := range leaves {
		e.texts = e.texts || leaves[i].kind == text
	}
	return e, nil
}

// Encode returns the encoded key. Only a MarshalText that fails makes it fail.
func (e *Encoder[K]) Encode(k K) (string, error) {
	if s, ok := any(k).(string); ok {
		return key.Child(e.base, s), nil // one allocation even if s is long
	}
	var buf [128]byte
	dst, err := e.Append(buf[:0], k)
	if err != nil {
		return "", err
	}
	return string(dst), nil
}

// Append appends the encoded key to dst, which may hold anything. After an
// error, which only a MarshalText that fails makes, it returns dst as it was.
func (e *Encoder[K]) Append(dst []byte, k K) ([]byte, error) {
	start := len(dst)
	dst = append(dst, e.base...)
	switch k := any(k).(type) {
	case string:
		return key.Append(dst, k), nil
	case int:
		return key.AppendInt(dst, int64(k)), nil
	case int64:
		return key.AppendInt(dst, k), nil
	case int32:
		return key.AppendInt(dst, int64(k)), nil
	case uint64:
		return key.AppendUint(dst, k), nil
	case uint32:
		return key.AppendUint(dst, uint64(k)), nil
	}
	if !e.texts {
		return e.appendValues(dst, reflect.ValueOf(k)), nil
	}
	// MarshalText is called through a pointer, which moves its target to the
	// heap: a copy, so that keys without texts stay off it.
	copied := k
	dst, err := e.appendTexts(dst, reflect.ValueOf(&copied).Elem())
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

func (e *Encoder[K]) appendValues(dst []byte, v reflect.Value) []byte {
	for i := range e.leaves {
		l := &e.leaves[i]
		dst = l.appendValue(dst, l.in(v))
	}
	return dst
}

// appendTexts is appendValues for keys with texts in them; v is addressable.
func (e *Encoder[K]) appendTexts(dst []byte, v reflect.Value) ([]byte, error) {
	for i := range e.leaves {
		l := &e.leaves[i]
		if l.kind != text {
			dst = l.appendValue(dst, l.in(v))
			continue
		}
		var err error
		if dst, err = l.appendText(dst, l.in(v)); err != nil {
			return dst, fmt.Errorf("cache: key of %q%s: %w", e.name, l.where(), err)
		}
	}
	return dst, nil
}
