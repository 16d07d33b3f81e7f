package ttl

import (
	"fmt"
	"reflect"
	"time"
)

// FromValue takes the freshness from the value itself, such as the expiry of a
// token. The settings chained to it apply as they do to [Fixed]:
//
//	ttl.FromValue(func(t Token) time.Duration { return time.Until(t.Expires) }).AtMost(time.Hour)
//
// A value for which f returns zero or less is dead already and is not kept.
// Jitter shortens what f says. f is called once per stored result, on the
// goroutine that stores it; it must be safe for concurrent use, and a panic in
// it is the caller's.
//
// V is the type of the cache's values. A function of V also serves a cache of
// *V and the reverse, and V may be an interface that the values implement. A
// value that fits in none of these ways, or a nil pointer where f wants the
// value, is not kept: check with [Policy.CheckType] when the cache is made.
//
// Without [Policy.AtMost] the longest life is unknown; see [Policy.Longest].
func FromValue[V any](f func(V) time.Duration) Policy {
	s := &settings{source: valueSource, valueType: reflect.TypeFor[V]()}
	if f != nil {
		s.fromValue = func(value any) (time.Duration, bool) {
			if v, ok := value.(V); ok {
				return f(v), true
			}
			if v, ok := value.(*V); ok && v != nil {
				return f(*v), true
			}
			if v, ok := addressed(value, s.valueType).(V); ok {
				return f(v), true
			}
			return 0, false
		}
	}
	return Policy{s: s}
}

// addressed returns a pointer to a copy of value if pointer is its pointer
// type, and nil otherwise.
func addressed(value any, pointer reflect.Type) any {
	v := reflect.ValueOf(value)
	if !v.IsValid() || pointer != reflect.PointerTo(v.Type()) {
		return nil
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.Interface()
}

// CheckType reports whether p can judge values of type t. A policy of fixed
// freshness judges any. For [FromValue] it returns an error that names both
// types if no value of type t could ever be kept; an interface type t is
// accepted, as its values are known only when they come.
func (p Policy) CheckType(t reflect.Type) error {
	if p.s == nil || p.s.source != valueSource || t == nil {
		return nil
	}
	want := p.s.valueType
	if t.Kind() == reflect.Interface || t.AssignableTo(want) || t == reflect.PointerTo(want) || want == reflect.PointerTo(t) {
		return nil
	}
	return fmt.Errorf("ttl: FromValue takes a %v, but the values are of type %v: it would keep none of them", want, t)
}
