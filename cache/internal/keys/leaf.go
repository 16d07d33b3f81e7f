package keys

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"

	"github.com/freshet-go/freshet/internal/key"
)

// kind is how a leaf is written.
type kind uint8

const (
	str kind = iota
	signed
	unsigned
	boolean
	bytes // an array of bytes
	text  // through MarshalText
)

// leaf is a part of a key type that is one segment.
type leaf struct {
	kind kind
	typ  reflect.Type
	path []int  // fields and elements from the key to here
	name string // the same for people: "Owner.ID"; "" if the key is the leaf
}

// in returns the leaf's value in a key.
func (l *leaf) in(v reflect.Value) reflect.Value {
	for _, i := range l.path {
		if v.Kind() == reflect.Struct {
			v = v.Field(i)
		} else {
			v = v.Index(i)
		}
	}
	return v
}

// appendValue appends the segment of a leaf that is not a text. It uses only
// accessors by kind, which read unexported fields as well and let the value
// stay on its stack.
func (l *leaf) appendValue(dst []byte, v reflect.Value) []byte {
	switch l.kind {
	case str:
		return key.Append(dst, v.String())
	case signed:
		return key.AppendInt(dst, v.Int())
	case unsigned:
		return key.AppendUint(dst, v.Uint())
	case boolean:
		return key.Append(dst, strconv.FormatBool(v.Bool()))
	default:
		const digits = "0123456789abcdef"
		dst = key.Append(dst, "")
		for i := range v.Len() {
			b := v.Index(i).Uint()
			dst = append(dst, digits[b>>4], digits[b&15])
		}
		return dst
	}
}

// appendText appends the segment of a text; v is addressable. Its address and
// not v itself is asked for an interface, since v may be an unexported field,
// and since MarshalText may have a pointer receiver.
func (l *leaf) appendText(dst []byte, v reflect.Value) ([]byte, error) {
	p := reflect.NewAt(l.typ, v.Addr().UnsafePointer())
	b, err := p.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return dst, fmt.Errorf("MarshalText of %v: %w", l.typ, err)
	}
	return key.Append(dst, b), nil
}

// where names the leaf's place, if it has one, for use behind another noun.
func (l *leaf) where() string {
	if l.name == "" {
		return ""
	}
	return ", field " + l.name
}
