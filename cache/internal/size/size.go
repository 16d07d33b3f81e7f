package size

import "reflect"

// Sizer estimates the bytes held by the value that it is given, the value's own
// included. It is safe for concurrent use, and panics at nothing but a nil
// argument. Nobody may change the value meanwhile.
type Sizer[V any] func(*V) int64

// For compiles the Sizer of a type.
func For[V any]() Sizer[V] {
	switch s := any(new(Sizer[V])).(type) {
	case *Sizer[string]:
		*s = func(v *string) int64 { return wordString + block(int64(len(*v))) }
		return any(*s).(Sizer[V])
	case *Sizer[[]byte]:
		*s = func(v *[]byte) int64 { return wordSlice + block(int64(cap(*v))) }
		return any(*s).(Sizer[V])
	}
	s := shapeOf(reflect.TypeFor[V]())
	switch {
	case s.flat:
		return func(*V) int64 { return s.size }
	case s.kind == reflect.String:
		return func(v *V) int64 { return s.size + block(int64(reflect.ValueOf(v).Elem().Len())) }
	case s.kind == reflect.Slice && s.elem.flat:
		return func(v *V) int64 { return s.size + block(int64(reflect.ValueOf(v).Elem().Cap())*s.elem.size) }
	}
	return func(v *V) int64 {
		w := newWalk()
		defer w.end()
		return s.size + w.reached(reflect.ValueOf(v).Elem(), s)
	}
}

const (
	word       = 4 << (^uintptr(0) >> 63)
	wordString = 2 * word
	wordSlice  = 3 * word
)

// block returns what the allocator takes for n bytes. Its classes are eight
// bytes apart at first, then sixteen, then at most an eighth of their size.
func block(n int64) int64 {
	step := int64(8)
	if n > 32 {
		for step = 16; step < n/16 && step < 8192; step *= 2 {
		}
	}
	return (n + step - 1) / step * step
}
