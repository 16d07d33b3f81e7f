package size

import (
	"reflect"
	"sync"
)

// shape is a compiled type: what a walk needs to know of it.
type shape struct {
	kind   reflect.Kind
	size   int64
	flat   bool   // reaches nothing that is counted
	inline bool   // an interface holds it without a block of its own
	elem   *shape // of a pointer, slice, array or map
	key    *shape // of a map
	fields []field
}

// field is a field of a struct that is not flat.
type field struct {
	index int
	*shape
}

// shapes holds every shape compiled so far, by type: interfaces meet new types
// during a walk. A type has one shape, so that a walk can tell places apart by
// it.
var (
	shapes    sync.Map   // reflect.Type → *shape
	compiling sync.Mutex // held by who adds to shapes
)

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	compiling.Lock()
	defer compiling.Unlock()
	begun := compiler{}
	s := begun.compile(t)
	for t, s := range begun {
		shapes.Store(t, s) // only now are they complete
	}
	return s
}

// compiler holds the shapes begun, so that a recursive type ends in itself.
type compiler map[reflect.Type]*shape

func (c compiler) compile(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	if s, ok := c[t]; ok {
		return s
	}
	s := &shape{kind: t.Kind(), size: int64(t.Size()), flat: flat(t), inline: inline(t)}
	c[t] = s
	if s.flat {
		return s
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		s.elem = c.compile(t.Elem())
	case reflect.Map:
		s.key, s.elem = c.compile(t.Key()), c.compile(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); !flat(f.Type) {
				s.fields = append(s.fields, field{i, c.compile(f.Type)})
			}
		}
	}
	return s
}

// flat reports whether values of a type reach nothing that is counted.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Slice, reflect.Map, reflect.Interface:
		return false
	case reflect.Pointer:
		return common(t.Elem())
	case reflect.Array:
		return t.Len() == 0 || flat(t.Elem())
	case reflect.Struct:
		if live(t) || common(t) {
			return true
		}
		for i := range t.NumField() {
			if !flat(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}

// live reports whether a value of the type is guarded by a lock or an atomic.
// Arrays of none are markers that forbid copying, and guard nothing.
func live(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && live(t.Elem())
	case reflect.Struct:
		if p := t.PkgPath(); p == "sync" || p == "sync/atomic" {
			return true
		}
		for i := range t.NumField() {
			if live(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// common reports whether values of the type are shared by the whole program.
func common(t reflect.Type) bool {
	switch t.PkgPath() {
	case "reflect", "internal/abi", "unique":
		return true
	case "time":
		return t.Name() == "Location"
	}
	return false
}

// inline reports whether a value of the type is one pointer, which an interface
// holds as it is.
func inline(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return t.Len() == 1 && inline(t.Elem())
	case reflect.Struct:
		return t.NumField() == 1 && inline(t.Field(0).Type)
	}
	return false
}
