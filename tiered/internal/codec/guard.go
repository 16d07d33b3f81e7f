package codec

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxDepth bounds the nesting of what is stored, and so of what is read. A value that contains
// itself would otherwise be written until the stack is exhausted, which ends the process.
const maxDepth = 1000

// guard looks at a value before it is written, for what its type alone does not tell: what an
// `any` holds, a pointer to nil, a time of an odd zone, a cycle. Types that have none of these
// have no guard (nil) and pay nothing.
type guard func(v reflect.Value, depth int) *fault

// fault is why a value would come back as another one.
type fault struct{ path, why string }

func (f *fault) at(prefix string) *fault {
	if f != nil {
		f.path = join(prefix, f.path)
	}
	return f
}

func (f *fault) err(form form) error {
	if f == nil {
		return nil
	}
	if f.path == "" {
		return fmt.Errorf("%w: %s: %s", ErrLossy, form, f.why)
	}
	return fmt.Errorf("%w: %s: %s: %s", ErrLossy, form, f.path, f.why)
}

// guards builds the guards of one type tree; the form's check has passed.
type guards struct {
	form form
	made map[reflect.Type]*guard // nil while it is being made
}

func (g *guards) of(t reflect.Type) guard {
	if made, ok := g.made[t]; ok {
		if made != nil {
			return *made
		}
		// A recursive type: found again below itself.
		return func(v reflect.Value, depth int) *fault { return (*g.made[t])(v, depth) }
	}
	g.made[t] = nil
	made := g.build(t)
	g.made[t] = &made
	return made
}

func (g *guards) build(t reflect.Type) guard {
	if t == typeTime {
		return g.time
	}
	if own, _ := g.form.own(t, true); own {
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		if g.form.json {
			return utf8Only
		}
	case reflect.Interface:
		return func(v reflect.Value, depth int) *fault { return g.form.exact(v.Interface(), depth) }
	case reflect.Pointer:
		return g.pointer(t)
	case reflect.Slice, reflect.Array:
		return g.list(t)
	case reflect.Map:
		return g.mapping(t)
	case reflect.Struct:
		return g.structure(t)
	}
	return nil
}

func (g *guards) pointer(t reflect.Type) guard {
	elem := g.of(t.Elem())
	nilable, _ := g.form.own(t.Elem(), true)
	nilable = !nilable && canBeNil(t.Elem())
	zeroTime := t.Elem() == typeTime && !g.form.json
	if elem == nil && !nilable {
		return nil
	}
	return func(v reflect.Value, depth int) *fault {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
		switch {
		case nilable && v.IsNil():
			return &fault{why: "a pointer to a nil " + v.Kind().String() + " would come back nil"}
		case zeroTime && v.Interface().(time.Time).IsZero():
			return &fault{why: "a pointer to the zero time would come back nil"}
		case elem == nil:
			return nil
		}
		return elem(v, depth)
	}
}

func canBeNil(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return false
}

func (g *guards) list(t reflect.Type) guard {
	if t.Elem().Kind() == reflect.Uint8 {
		return nil
	}
	elem := g.of(t.Elem())
	if elem == nil {
		return nil
	}
	return func(v reflect.Value, depth int) *fault {
		if depth >= maxDepth {
			return tooDeep()
		}
		for i := range v.Len() {
			if f := elem(v.Index(i), depth+1); f != nil {
				return f.at("[" + strconv.Itoa(i) + "]")
			}
		}
		return nil
	}
}

func (g *guards) mapping(t reflect.Type) guard {
	key, elem := g.of(t.Key()), g.of(t.Elem())
	if key == nil && elem == nil {
		return nil
	}
	return func(v reflect.Value, depth int) *fault {
		if depth >= maxDepth {
			return tooDeep()
		}
		if v.Len() == 0 {
			return nil
		}
		k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for iter := v.MapRange(); iter.Next(); {
			k.SetIterKey(iter)
			if key != nil {
				if f := key(k, depth+1); f != nil {
					return f.at("[key]")
				}
			}
			if elem == nil {
				continue
			}
			e.SetIterValue(iter)
			if f := elem(e, depth+1); f != nil {
				return f.at(fmt.Sprintf("[%v]", k))
			}
		}
		return nil
	}
}

func (g *guards) structure(t reflect.Type) guard {
	type guarded struct {
		field
		guard guard
	}
	var list []guarded
	fields, _ := g.form.fields(t) // checked before
	for _, fd := range fields {
		if inner := g.of(fd.typ); inner != nil {
			list = append(list, guarded{fd, inner})
		}
	}
	if list == nil {
		return nil
	}
	return func(v reflect.Value, depth int) *fault {
		if depth >= maxDepth {
			return tooDeep()
		}
		for i := range list {
			at, ok := reach(v, list[i].index)
			if !ok {
				continue
			}
			if f := list[i].guard(at, depth+1); f != nil {
				return f.at(list[i].path)
			}
		}
		return nil
	}
}

// reach selects a field, unless an embedded pointer on the way is nil.
func reach(v reflect.Value, index []int) (reflect.Value, bool) {
	for i, n := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v, true
}

func tooDeep() *fault {
	return &fault{why: "nested more than " + strconv.Itoa(maxDepth) + " deep, or in a circle"}
}

func utf8Only(v reflect.Value, _ int) *fault {
	if utf8.ValidString(v.String()) {
		return nil
	}
	return &fault{why: "JSON replaces what is not valid UTF-8"}
}

func (g *guards) time(v reflect.Value, _ int) *fault {
	if v.CanAddr() {
		return g.form.zone(v.Addr().Interface().(*time.Time))
	}
	t := v.Interface().(time.Time)
	return g.form.zone(&t)
}

// zone refuses offsets that RFC 3339 cannot write: before about 1900 zones were off by seconds
// (the year 1 in Berlin is +00:53:28), and the text would name another instant.
func (f form) zone(t *time.Time) *fault {
	if t.Location() == time.UTC {
		return nil
	}
	if _, offset := t.Zone(); offset%60 == 0 || t.IsZero() && !f.json {
		return nil
	}
	return &fault{why: "the seconds in the zone's offset would be lost, and shift the time: use UTC"}
}
