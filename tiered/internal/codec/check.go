package codec

import (
	"fmt"
	"reflect"
)

// maxPointers bounds pointers to pointers. Go allows a type to be a pointer to itself.
const maxPointers = 4

// check walks t as the codec will, and names the first part that cannot come back equal.
func (f form) check(t reflect.Type) error {
	w := walker{form: f, seen: map[visit]bool{}}
	if err := w.value(t, "", true, 0); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrType, f, at1(name(t), err))
	}
	return nil
}

type visit struct {
	t           reflect.Type
	addressable bool
}

type walker struct {
	form form
	seen map[visit]bool // recursive types are fine: their values are trees, or the guard stops them
}

func (w *walker) value(t reflect.Type, path string, addressable bool, pointers int) error {
	own, why := w.form.own(t, addressable)
	if why != "" {
		return refuse(path, "%v: %s", t, why)
	}
	if v := (visit{t, addressable}); own || w.seen[v] {
		return nil
	} else if t.Kind() == reflect.Struct {
		w.seen[v] = true
	}
	switch t.Kind() {
	case reflect.Struct:
		fields, err := w.form.fields(t)
		if err != nil {
			return at1(path, err)
		}
		for _, fd := range fields {
			if err := w.value(fd.typ, join(path, fd.path), addressable, 0); err != nil {
				return err
			}
		}
		return nil
	case reflect.Pointer:
		if pointers == maxPointers {
			return refuse(path, "%v: a pointer to a pointer, %d deep", t, maxPointers)
		}
		return w.value(t.Elem(), path, true, pointers+1)
	case reflect.Slice:
		return w.elem(t, path, true)
	case reflect.Array:
		return w.elem(t, path, addressable)
	case reflect.Map:
		if err := w.key(t.Key(), path+"[key]"); err != nil {
			return err
		}
		return w.elem(t, path, false)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return refuse(path, "%v: no codec knows which type to make for an interface", t)
		}
		return nil
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Uintptr, reflect.Complex64, reflect.Complex128:
		return refuse(path, "%v: a %v has no encoding", t, t.Kind())
	}
	return nil
}

// elem looks into a slice, an array or a map. Recursion through one that has a name, without a
// struct between, is remembered here.
func (w *walker) elem(t reflect.Type, path string, addressable bool) error {
	w.seen[visit{t, addressable}], w.seen[visit{t, true}] = true, true
	return w.value(t.Elem(), path+"[]", addressable, 0)
}

// key checks a map's key, which must come back not only equal but ==.
func (w *walker) key(t reflect.Type, path string) error {
	own, why := w.form.own(t, false)
	switch {
	case why != "":
		return refuse(path, "%v: %s", t, why)
	case t == typeTime:
		return refuse(path, "%v: times that are Equal are not ==: use UnixNano", t)
	case w.form.json && t.Kind() == reflect.String && reflect.PointerTo(t).Implements(pairs.text.unmarshal):
		return refuse(path, "%v: encoding/json writes such keys without MarshalText and reads them with UnmarshalText", t)
	case own && (!w.form.json || pairs.text.whole(reflect.PointerTo(t))):
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		return refuse(path, "%v: a key of this kind is not == to itself after a round trip", t)
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	}
	if w.form.json {
		return refuse(path, "%v: JSON has no such keys", t)
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Float32, reflect.Float64:
		return nil
	case reflect.Array:
		return w.key(t.Elem(), path+"[]")
	case reflect.Struct:
		fields, err := w.form.fields(t)
		if err != nil {
			return at1(path, err)
		}
		for _, fd := range fields {
			if err := w.key(fd.typ, join(path, fd.path)); err != nil {
				return err
			}
		}
		return nil
	}
	return w.value(t, path, false, 0)
}

// checkCustom refuses for a codec that we do not know what no codec can store.
func checkCustom(t reflect.Type) error {
	if err := custom(t, "", map[reflect.Type]bool{}); err != nil {
		return fmt.Errorf("%w: %w", ErrType, at1(name(t), err))
	}
	return nil
}

func custom(t reflect.Type, path string, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	for _, way := range []pair{pairs.binary, pairs.text, pairs.json, pairs.cbor} {
		if t.Implements(way.marshal) || reflect.PointerTo(t).Implements(way.marshal) {
			return nil
		}
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func:
		return refuse(path, "%v: a %v has no encoding", t, t.Kind())
	case reflect.Pointer:
		return custom(t.Elem(), path, seen)
	case reflect.Slice, reflect.Array:
		return custom(t.Elem(), path+"[]", seen)
	case reflect.Map:
		if err := custom(t.Key(), path+"[key]", seen); err != nil {
			return err
		}
		return custom(t.Elem(), path+"[]", seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				if err := custom(f.Type, join(path, f.Name), seen); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func name(t reflect.Type) string {
	if t.Name() != "" {
		return t.Name()
	}
	return t.String()
}
