package codec

import (
	"errors"
	"fmt"
	"reflect"
)

// Raw bytes need one byte in front: a nil slice is not an empty one.
const (
	isNil   = 0
	present = 1
)

var errFlag = errors.New("tiered: the record does not say whether the value is nil")

// raw stores []byte and types like it.
type raw struct{}

func (raw) Name() string { return "bytes" }

func (raw) Append(dst []byte, v any) ([]byte, error) {
	var b []byte
	if p, ok := v.(*[]byte); ok && p != nil {
		b = *p
	} else {
		e, err := target("bytes", v)
		if err != nil {
			return dst, err
		}
		if e.Kind() != reflect.Slice || e.Type().Elem().Kind() != reflect.Uint8 {
			return dst, fmt.Errorf("tiered: bytes: need a pointer to a slice of bytes, not %T", v)
		}
		b = e.Bytes()
	}
	if b == nil {
		return append(dst, isNil), nil
	}
	return append(append(dst, present), b...), nil
}

func (raw) Decode(data []byte, v any) error {
	if p, ok := v.(*[]byte); ok && p != nil {
		*p = nil
		content, ok, err := unflag(data)
		if ok {
			*p = make([]byte, len(content))
			copy(*p, content)
		}
		return err
	}
	e, err := target("bytes", v)
	if err != nil {
		return err
	}
	if e.Kind() != reflect.Slice || e.Type().Elem().Kind() != reflect.Uint8 {
		return fmt.Errorf("tiered: bytes: need a pointer to a slice of bytes, not %T", v)
	}
	e.SetZero()
	content, ok, err := unflag(data)
	if err != nil || !ok {
		return err
	}
	e.SetBytes(append(make([]byte, 0, len(content)), content...))
	return nil
}

// unflag splits what raw, binary and protobuf write for a type that can be nil.
func unflag(data []byte) (content []byte, ok bool, err error) {
	switch {
	case len(data) == 1 && data[0] == isNil:
		return nil, false, nil
	case len(data) >= 1 && data[0] == present:
		return data[1:], true, nil
	}
	return nil, false, errFlag
}

// text stores string and types like it. It is the string's bytes, valid UTF-8 or not.
type text struct{}

func (text) Name() string { return "string" }

func (text) Append(dst []byte, v any) ([]byte, error) {
	if p, ok := v.(*string); ok && p != nil {
		return append(dst, *p...), nil
	}
	e, err := target("string", v)
	if err != nil {
		return dst, err
	}
	if e.Kind() != reflect.String {
		return dst, fmt.Errorf("tiered: string: need a pointer to a string, not %T", v)
	}
	return append(dst, e.String()...), nil
}

func (text) Decode(data []byte, v any) error {
	if p, ok := v.(*string); ok && p != nil {
		*p = string(data)
		return nil
	}
	e, err := target("string", v)
	if err != nil {
		return err
	}
	if e.Kind() != reflect.String {
		return fmt.Errorf("tiered: string: need a pointer to a string, not %T", v)
	}
	e.SetString(string(data))
	return nil
}
