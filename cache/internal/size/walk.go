package size

import (
	"reflect"
	"sync"
)

// The bounds of a walk. A walk that meets them all takes about a millisecond.
const (
	maxParts  = 10_000 // values visited
	maxDepth  = 2_000  // values within values
	maxSample = 1_000  // elements of one slice, array or map
)

// walk is the state of one estimate.
type walk struct {
	parts int
	depth int
	seen  map[place]struct{}
}

// place is where something lies. The type is part of it, because a struct lies
// where its first field does.
type place struct {
	address uintptr
	shape   *shape
}

var walks = sync.Pool{New: func() any { return &walk{seen: make(map[place]struct{})} }}

func newWalk() *walk { return walks.Get().(*walk) }

func (w *walk) end() {
	if len(w.seen) > maxSample {
		return // to clear a large map would cost every later walk
	}
	clear(w.seen)
	w.parts, w.depth = 0, 0
	walks.Put(w)
}

// exhausted reports whether the walk is over.
func (w *walk) exhausted() bool { return w.parts >= maxParts }

// first reports whether v, a pointer, slice or map, is the first to lead where
// it does.
func (w *walk) first(v reflect.Value, s *shape) bool {
	p := place{v.Pointer(), s}
	if _, ok := w.seen[p]; ok {
		return false
	}
	w.seen[p] = struct{}{}
	return true
}

// reached returns the bytes that v reaches, without v's own. It uses only
// methods of reflect that work on unexported fields too.
func (w *walk) reached(v reflect.Value, s *shape) int64 {
	if s.flat || w.exhausted() || w.depth == maxDepth {
		return 0
	}
	w.parts++
	w.depth++
	n := w.inside(v, s)
	w.depth--
	return n
}

func (w *walk) inside(v reflect.Value, s *shape) int64 {
	switch s.kind {
	case reflect.String:
		return block(int64(v.Len()))
	case reflect.Struct:
		var n int64
		for _, f := range s.fields {
			n += w.reached(v.Field(f.index), f.shape)
		}
		return n
	case reflect.Array:
		return w.elements(v, s.elem)
	case reflect.Interface:
		return w.dynamic(v)
	}
	if v.IsNil() || !w.first(v, s) {
		return 0
	}
	switch s.kind {
	case reflect.Pointer:
		return block(s.elem.size) + w.reached(v.Elem(), s.elem)
	case reflect.Slice:
		return block(int64(v.Cap())*s.elem.size) + w.elements(v, s.elem)
	default:
		return table(v.Len(), s) + w.entries(v, s)
	}
}

// dynamic returns the bytes reached through an interface.
func (w *walk) dynamic(v reflect.Value) int64 {
	if v.IsNil() {
		return 0
	}
	v = v.Elem()
	s := shapeOf(v.Type())
	n := w.reached(v, s)
	if !s.inline {
		n += block(s.size)
	}
	return n
}

// elements returns the bytes reached by the elements of a slice or an array,
// from a sample spread evenly over them.
func (w *walk) elements(v reflect.Value, s *shape) int64 {
	length := v.Len()
	if s.flat || length == 0 {
		return 0
	}
	sample := min(length, maxSample)
	var n int64
	for i := range sample {
		if w.exhausted() {
			return scale(n, i, length)
		}
		n += w.reached(v.Index(int(int64(i)*int64(length)/int64(sample))), s)
	}
	return scale(n, sample, length)
}

// entries returns the bytes reached by the keys and elements of a map, from a
// sample of those that come first in its random order.
func (w *walk) entries(v reflect.Value, s *shape) int64 {
	if s.key.flat && s.elem.flat {
		return 0
	}
	var n int64
	visited := 0
	for iter := v.MapRange(); visited < maxSample && !w.exhausted() && iter.Next(); visited++ {
		if !s.key.flat {
			n += w.reached(iter.Key(), s.key)
		}
		if !s.elem.flat {
			n += w.reached(iter.Value(), s.elem)
		}
	}
	return scale(n, visited, v.Len())
}

// scale extrapolates the bytes of some parts to all. It computes in floating
// point, where the product cannot overflow.
func scale(bytes int64, some, all int) int64 {
	if some == 0 || some >= all {
		return bytes
	}
	return int64(float64(bytes) / float64(some) * float64(all))
}
