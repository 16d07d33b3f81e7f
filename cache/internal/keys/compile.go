package keys

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// maxSegments bounds the segments of a key. Whether a prefix of a key was
// invalidated costs a look-up for each, and an array type can have billions.
const maxSegments = 64

var textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()

// compile returns the leaves of a key type in the order of their segments. A
// type can contain itself only through what is refused, so that this ends.
func compile(t reflect.Type) ([]leaf, error) {
	c := compiler{root: t}
	if err := c.add(t, nil, ""); err != nil {
		return nil, err
	}
	return c.leaves, nil
}

type compiler struct {
	root   reflect.Type
	leaves []leaf
}

func (c *compiler) add(t reflect.Type, path []int, name string) error {
	if why := refusal(t); why != "" {
		return c.refuse(t, name, why)
	}
	k, ok := leafKind(t)
	if k == text && holdsFloat(t) {
		return c.refuse(t, name, "it holds a float, of which 0 and -0 are equal but print differently; use an integer or a string")
	}
	if ok {
		if len(c.leaves) == maxSegments {
			return c.refuse(c.root, "", fmt.Sprintf("it has more than %d segments", maxSegments))
		}
		c.leaves = append(c.leaves, leaf{kind: k, typ: t, path: path, name: strings.TrimPrefix(name, ".")})
		return nil
	}
	if t.Kind() == reflect.Array {
		return c.addElements(t, path, name)
	}
	return c.addFields(t, path, name)
}

func (c *compiler) addElements(t reflect.Type, path []int, name string) error {
	for i := range t.Len() {
		before := len(c.leaves)
		if err := c.add(t.Elem(), extend(path, i), name+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
		if len(c.leaves) == before {
			break // elements without segments, however many, are all equal
		}
	}
	return nil
}

func (c *compiler) addFields(t reflect.Type, path []int, name string) error {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			continue
		}
		if err := c.add(f.Type, extend(path, i), name+"."+f.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) refuse(t reflect.Type, name, why string) error {
	if name == "" {
		return fmt.Errorf("%v cannot be a key: %s", c.root, why)
	}
	return fmt.Errorf("%v: field %s: %v cannot be a key: %s", c.root, strings.TrimPrefix(name, "."), t, why)
}

// refusal says why values of kind t's cannot be keys or parts of keys, or "".
func refusal(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return "0 and -0 are equal but print differently; use an integer or a string"
	case reflect.Pointer, reflect.UnsafePointer, reflect.Chan:
		return "it is equal by address, which means nothing on another node; use what it refers to"
	case reflect.Interface:
		return "its values can be of different types; use a concrete type"
	case reflect.Slice, reflect.Map, reflect.Func:
		return "it is not comparable"
	}
	return ""
}

// holdsFloat tells whether equal values of t may differ, or one not equal itself, for a number in it.
func holdsFloat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return true
	case reflect.Array:
		return holdsFloat(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsFloat(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// leafKind returns how t is written if it is one segment.
func leafKind(t reflect.Type) (kind, bool) {
	if marshalsItself(t) {
		return text, true
	}
	switch t.Kind() {
	case reflect.String:
		return str, true
	case reflect.Bool:
		return boolean, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return signed, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return unsigned, true
	case reflect.Array:
		return bytes, t.Len() > 0 && t.Elem().Kind() == reflect.Uint8 && !marshalsItself(t.Elem())
	}
	return 0, false
}

// marshalsItself reports whether t has a MarshalText that speaks for all of t.
// One that may be promoted from an embedded field does not: it would give the
// same text to values that differ in another field.
func marshalsItself(t reflect.Type) bool {
	if !reflect.PointerTo(t).Implements(textMarshaler) {
		return false
	}
	if t.Kind() != reflect.Struct {
		return true
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous && (f.Type.Implements(textMarshaler) || reflect.PointerTo(f.Type).Implements(textMarshaler)) {
			return false
		}
	}
	return true
}

// extend returns a copy: siblings share what they extend.
func extend(path []int, i int) []int {
	return append(path[:len(path):len(path)], i)
}
