package keys

import (
	"fmt"
	"math"
	"reflect"
)

// Prefix returns the encoded key that covers every key of K that begins with
// the given segments; without any, every key of the cache. A segment is a value
// of the type it has in K. Integers may be of another integer kind that holds
// the same number, strings of another string kind, and so on: a constant needs
// no conversion.
//
// A value that K could not hold there is an error: its prefix would cover
// nothing, and the caller believe to have invalidated something.
func (e *Encoder[K]) Prefix(segments ...any) (string, error) {
	if len(segments) > len(e.leaves) {
		return "", fmt.Errorf("cache: prefix of %q: %d segments given, but keys of type %v have %d",
			e.name, len(segments), reflect.TypeFor[K](), len(e.leaves))
	}
	prefix := []byte(e.base)
	for i, segment := range segments {
		l := &e.leaves[i]
		var err error
		if prefix, err = l.appendAny(prefix, segment); err != nil {
			return "", fmt.Errorf("cache: prefix of %q: segment %d%s: %w", e.name, i+1, l.where(), err)
		}
	}
	return string(prefix), nil
}

func (l *leaf) appendAny(dst []byte, segment any) ([]byte, error) {
	if segment == nil {
		return dst, fmt.Errorf("nil given, want %v", l.typ)
	}
	target := reflect.New(l.typ).Elem()
	if err := assign(target, reflect.ValueOf(segment)); err != nil {
		return dst, err
	}
	if l.kind == text {
		return l.appendText(dst, target)
	}
	return l.appendValue(dst, target), nil
}

// assign stores v in target, converting within a kind of kinds, and never to
// another value.
func assign(target, v reflect.Value) error {
	switch {
	case v.Type() == target.Type():
		target.Set(v)
		return nil
	case v.CanInt() && target.CanInt():
		return assignInt(target, v.Int())
	case v.CanInt() && target.CanUint() && v.Int() >= 0:
		return assignUint(target, uint64(v.Int()))
	case v.CanUint() && target.CanUint():
		return assignUint(target, v.Uint())
	case v.CanUint() && target.CanInt() && v.Uint() <= math.MaxInt64:
		return assignInt(target, int64(v.Uint()))
	case (v.CanInt() || v.CanUint()) && (target.CanInt() || target.CanUint()):
		return outOfRange(target, v)
	case v.Kind() == target.Kind() && convertible(target.Kind()) && v.CanConvert(target.Type()):
		target.Set(v.Convert(target.Type()))
		return nil
	}
	return fmt.Errorf("%v given, want %v", v.Type(), target.Type())
}

func assignInt(target reflect.Value, n int64) error {
	if target.OverflowInt(n) {
		return outOfRange(target, reflect.ValueOf(n))
	}
	target.SetInt(n)
	return nil
}

func assignUint(target reflect.Value, n uint64) error {
	if target.OverflowUint(n) {
		return outOfRange(target, reflect.ValueOf(n))
	}
	target.SetUint(n)
	return nil
}

func outOfRange(target, v reflect.Value) error {
	return fmt.Errorf("%v is out of range for %v", v, target.Type())
}

func convertible(k reflect.Kind) bool {
	return k == reflect.String || k == reflect.Bool || k == reflect.Array
}
