package codec

import (
	"fmt"
	"reflect"

	"google.golang.org/protobuf/proto"
)

// protobuf stores generated messages. Messages that lack required fields are stored too: the
// caller's value is what must come back.
type protobuf struct{ message reflect.Type }

// forProto refuses messages that cannot be made from their Go type alone (dynamicpb).
func forProto(t reflect.Type) (c Codec, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = nil, fmt.Errorf("%w: %v: a new message of this type is unusable: %v", ErrType, t, p)
		}
	}()
	c = protobuf{t.Elem()}
	m := reflect.New(t.Elem()).Interface().(proto.Message)
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(nil, m); err != nil {
		return nil, fmt.Errorf("%w: %v: %w", ErrType, t, err)
	}
	return c, nil
}

func (protobuf) Name() string { return "protobuf" }

func (protobuf) Append(dst []byte, v any) (out []byte, err error) {
	defer rescueAppend("protobuf", dst, &out, &err)
	e, err := target("protobuf", v)
	if err != nil {
		return dst, err
	}
	m, ok := e.Interface().(proto.Message)
	if !ok || e.Kind() != reflect.Pointer {
		return dst, fmt.Errorf("tiered: protobuf: need a pointer to a *message, not %T", v)
	}
	if e.IsNil() {
		return append(dst, isNil), nil
	}
	out, err = proto.MarshalOptions{AllowPartial: true}.MarshalAppend(append(dst, present), m)
	if err != nil {
		return dst, fail("protobuf", "append", err)
	}
	return out, nil
}

func (p protobuf) Decode(data []byte, v any) (err error) {
	defer rescue("protobuf", &err)
	e, err := target("protobuf", v)
	if err != nil {
		return err
	}
	if e.Type() != reflect.PointerTo(p.message) {
		return fmt.Errorf("tiered: protobuf: need a **%v, not %T", p.message, v)
	}
	e.SetZero()
	content, ok, err := unflag(data)
	if err != nil || !ok {
		return err
	}
	fresh := reflect.New(p.message)
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(content, fresh.Interface().(proto.Message)); err != nil {
		return fail("protobuf", "decode", err)
	}
	e.Set(fresh)
	return nil
}
