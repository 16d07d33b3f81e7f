package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Codec turns the values of one cache into bytes and back.
//
// Most caches need none of their own: [For] finds the right one for the value type.
type Codec interface {
	// Name goes into the checksum of every record: a record written by a codec of
	// another name is a miss, so change the name when the format changes.
	Name() string
	// Append appends the encoding of the value that v points to. After an error the
	// returned slice is dst, as long as it was.
	Append(dst []byte, v any) ([]byte, error)
	// Decode replaces the value that v points to. It keeps no reference to data,
	// does not panic on any data, and leaves the zero value after an error.
	Decode(data []byte, v any) error
}

// ErrLossy is wrapped by Append for a value that would come back as another one: it
// belongs in memory only. The message says which field, and why.
var ErrLossy = errors.New("tiered: the value would not come back equal")

// ErrType is wrapped by [For] and [Check] for a type whose values cannot come back equal.
var ErrType = errors.New("tiered: the type cannot be stored in Redis")

// structural is a codec of this package that reads the structure of a type.
type structural interface {
	Codec
	forType(t reflect.Type) (Codec, error)
}

// For returns the codec for a cache of values of type t whose user chose c; nil means [CBOR].
//
// A codec that does not come from this package is returned as it is: it may encrypt, so
// nothing goes around it. Instead of CBOR and JSON, in this order:
//
//   - a protobuf message (t is *pb.Message) is stored as protobuf;
//   - a type with MarshalBinary and UnmarshalBinary is stored as these two say;
//   - a string and a slice of bytes are stored raw.
func For(t reflect.Type, c Codec) (Codec, error) {
	if t == nil {
		return nil, fmt.Errorf("%w: no type", ErrType)
	}
	if c == nil {
		c = CBOR
	}
	s, ok := c.(structural)
	if !ok {
		return c, checkCustom(t)
	}
	if t.Kind() == reflect.Pointer && t.Implements(reflect.TypeFor[proto.Message]()) {
		return forProto(t)
	}
	if value := pointee(t); value.Kind() != reflect.Interface && pairs.binary.whole(reflect.PointerTo(value)) {
		return forBinary(t)
	}
	switch {
	case t.Kind() == reflect.String:
		return text{}, nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return raw{}, nil
	}
	return s.forType(t)
}

// Check says whether values of type t come back from c equal to what was stored; the error
// names the field that does not. [For] makes the same check.
func Check(t reflect.Type, c Codec) error {
	_, err := For(t, c)
	return err
}

func pointee(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// target returns the value that v points to.
func target(name string, v any) (reflect.Value, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return reflect.Value{}, fmt.Errorf("tiered: %s: need a pointer to a value, not %T", name, v)
	}
	return p.Elem(), nil
}

// rescue turns a panic of a user's own (Un)marshal method into an error: a record that
// breaks it must be a miss, and a value that breaks it must not end the process.
func rescue(name string, err *error) {
	if p := recover(); p != nil {
		*err = broken(name, p)
	}
}

func broken(name string, p any) error {
	if cause, ok := p.(error); ok {
		return fmt.Errorf("tiered: %s: panic: %w", name, cause)
	}
	return fmt.Errorf("tiered: %s: panic: %v", name, p)
}

// rescueAppend is rescue for an Append, whose result after an error is dst.
func rescueAppend(name string, dst []byte, out *[]byte, err *error) {
	if p := recover(); p != nil {
		*err = broken(name, p)
	}
	if *err != nil {
		*out = dst
	}
}

// fail puts the codec's name before the error of its library.
func fail(name, verb string, err error) error {
	if strings.HasPrefix(err.Error(), "tiered: ") {
		return err
	}
	return fmt.Errorf("tiered: %s: %s: %w", name, verb, err)
}
