package codec

import (
	"encoding"
	"fmt"
	"reflect"
)

// binary stores types that know their own bytes. If the cache holds pointers, a flag in front
// tells nil from a value whose bytes are empty.
type binary struct {
	value   reflect.Type // what UnmarshalBinary fills; never a pointer
	pointer bool         // the cache's type is *value
	appends bool         // by a method of its own
}

func forBinary(t reflect.Type) (Codec, error) {
	c := binary{value: t}
	if t.Kind() == reflect.Pointer {
		c = binary{value: t.Elem(), pointer: true}
	}
	// A type that embeds time.Time and overrides MarshalBinary still has the time's AppendBinary.
	c.appends = reflect.PointerTo(c.value).Implements(appender.marshal) && appender.promoted(c.value) == ""
	if why := pairs.binary.promoted(c.value); why != "" {
		return nil, fmt.Errorf("%w: %v: %s", ErrType, t, why)
	}
	return c, nil
}

var appender = pair{method: "AppendBinary", marshal: reflect.TypeFor[encoding.BinaryAppender]()}

func (binary) Name() string { return "binary" }

func (c binary) Append(dst []byte, v any) (out []byte, err error) {
	defer rescueAppend("binary", dst, &out, &err)
	e, err := c.target(v)
	if err != nil {
		return dst, err
	}
	out, m := dst, v
	if c.pointer {
		if e.IsNil() {
			return append(dst, isNil), nil
		}
		out, m = append(out, present), e.Interface()
	}
	if c.appends {
		if out, err = m.(encoding.BinaryAppender).AppendBinary(out); err != nil {
			return dst, fail("binary", "append", err)
		}
		return out, nil
	}
	b, err := m.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return dst, fail("binary", "append", err)
	}
	return append(out, b...), nil
}

func (c binary) Decode(data []byte, v any) (err error) {
	defer rescue("binary", &err)
	e, err := c.target(v)
	if err != nil {
		return err
	}
	e.SetZero()
	if c.pointer {
		content, ok, err := unflag(data)
		if err != nil || !ok {
			return err
		}
		data = content
	}
	// A fresh value, set last: an UnmarshalBinary that fails, or panics, halfway leaves the zero value.
	fresh := reflect.New(c.value)
	if err := fresh.Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary(data); err != nil {
		return fail("binary", "decode", err)
	}
	if !c.pointer {
		fresh = fresh.Elem()
	}
	e.Set(fresh)
	return nil
}

func (c binary) target(v any) (reflect.Value, error) {
	e, err := target("binary", v)
	if err != nil {
		return e, err
	}
	want := c.value
	if c.pointer {
		want = reflect.PointerTo(want)
	}
	if e.Type() != want {
		return e, fmt.Errorf("tiered: binary: need a *%v, not %T", want, v)
	}
	return e, nil
}
