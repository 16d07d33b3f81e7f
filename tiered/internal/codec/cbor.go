package codec

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// CBOR is the codec that a cache has by default: the fastest of those that keep what Go values
// are (see the package documentation). It works for any type that [For] accepts, wrapped in a
// codec of your own too.
var CBOR Codec = new(cborAny)

// Decoding stops one level after what Append lets through: an `any` may put a tag around a time.
const maxNested = maxDepth + 2

var encOptions = cbor.EncOptions{
	Time:          cbor.TimeRFC3339Nano, // nanoseconds and offset
	TimeTag:       cbor.EncTagRequired,  // or a time in an `any` would come back a string
	NilContainers: cbor.NilContainerAsNull,
	NaNConvert:    cbor.NaNConvertNone,
	InfConvert:    cbor.InfConvertNone,
	ShortestFloat: cbor.ShortestFloatNone, // an integral float stays a float
	IndefLength:   cbor.IndefLengthForbidden,
	OmitEmpty:     cbor.OmitEmptyGoValue,
}

var decOptions = cbor.DecOptions{
	DefaultMapType:    reflect.TypeFor[map[string]any](),
	IntDec:            cbor.IntDecConvertSignedOrFail,
	UTF8:              cbor.UTF8DecodeInvalid, // a Go string may hold anything
	FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	IndefLength:       cbor.IndefLengthForbidden,
	MaxNestedLevels:   maxNested,
	// The decoder checks the whole input before it allocates: a length is never more than there
	// are bytes for.
	MaxArrayElements: math.MaxInt32,
	MaxMapPairs:      math.MaxInt32,
}

type mode struct {
	enc cbor.UserBufferEncMode
	dec cbor.DecMode
}

var structureMode, textMode = newMode(encOptions, decOptions), newMode(withText())

func newMode(e cbor.EncOptions, d cbor.DecOptions) mode {
	enc, err := e.UserBufferEncMode()
	if err != nil {
		panic(fmt.Sprintf("tiered: cbor options: %v", err)) // constant options
	}
	dec, err := d.DecMode()
	if err != nil {
		panic(fmt.Sprintf("tiered: cbor options: %v", err))
	}
	return mode{enc, dec}
}

func withText() (cbor.EncOptions, cbor.DecOptions) {
	e, d := encOptions, decOptions
	e.TextMarshaler = cbor.TextMarshalerTextString
	d.TextUnmarshaler = cbor.TextUnmarshalerTextString
	return e, d
}

// cborAny finds the codec of a type when it first meets it.
type cborAny struct{ byType sync.Map } // reflect.Type → Codec

func (c *cborAny) Name() string { return "cbor" }

func (c *cborAny) Append(dst []byte, v any) ([]byte, error) {
	typed, err := c.typed(v)
	if err != nil {
		return dst, err
	}
	return typed.Append(dst, v)
}

func (c *cborAny) Decode(data []byte, v any) error {
	typed, err := c.typed(v)
	if err != nil {
		return err
	}
	return typed.Decode(data, v)
}

func (c *cborAny) typed(v any) (Codec, error) {
	e, err := target("cbor", v)
	if err != nil {
		return nil, err
	}
	return c.forType(e.Type())
}

func (c *cborAny) forType(t reflect.Type) (Codec, error) {
	if known, ok := c.byType.Load(t); ok {
		return known.(Codec), nil
	}
	f := form{}
	err := f.check(t)
	if err != nil {
		// MarshalText is made for people and may be lossy, so structure comes first. But where
		// structure is not enough, text may be: big.Rat, regexp.Regexp.
		f.text = true
		if f.check(t) != nil {
			return nil, err
		}
	}
	g := guards{form: f, made: map[reflect.Type]*guard{}}
	typed := &cborTyped{name: "cbor", form: f, mode: structureMode, typ: t, guard: g.of(t), null: mayBeNull(f, t)}
	if f.text {
		typed.name, typed.mode = "cbor+text", textMode
	}
	known, _ := c.byType.LoadOrStore(t, typed)
	return known.(Codec), nil
}

// mayBeNull reports whether a value of t is ever written as null. Where it is not, null in a
// record is not a zero value but a broken record.
func mayBeNull(f form, t reflect.Type) bool {
	own, _ := f.own(t, true)
	return own || canBeNil(t)
}

// cborTyped is CBOR for the values of one type.
type cborTyped struct {
	name  string
	form  form
	mode  mode
	typ   reflect.Type
	guard guard
	null  bool
}

func (c *cborTyped) Name() string { return c.name }

// The encoder appends to a bytes.Buffer. It sees the caller's slice through one of these; no
// bytes of any value stay in the pool.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func (c *cborTyped) Append(dst []byte, v any) (out []byte, err error) {
	defer rescueAppend(c.name, dst, &out, &err)
	e, err := c.target(v)
	if err != nil {
		return dst, err
	}
	if c.guard != nil {
		if f := c.guard(e, 0); f != nil {
			return dst, f.at(name(c.typ)).err(c.form)
		}
	}
	b := buffers.Get().(*bytes.Buffer)
	*b = *bytes.NewBuffer(dst)
	err = c.mode.enc.MarshalToBuffer(v, b)
	out = b.Bytes()
	*b = bytes.Buffer{}
	buffers.Put(b)
	if err != nil {
		return dst, fail(c.name, "append", err)
	}
	return out, nil
}

func (c *cborTyped) Decode(data []byte, v any) (err error) {
	e, err := c.target(v)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			e.SetZero()
		}
	}()
	defer rescue(c.name, &err)
	e.SetZero()
	if len(data) == 1 && (data[0] == 0xf6 || data[0] == 0xf7) && !c.null {
		return fmt.Errorf("tiered: %s: null is not a %v", c.name, c.typ)
	}
	if err := c.mode.dec.Unmarshal(data, v); err != nil {
		return fail(c.name, "decode", err)
	}
	return nil
}

func (c *cborTyped) target(v any) (reflect.Value, error) {
	e, err := target(c.name, v)
	if err == nil && e.Type() != c.typ {
		err = fmt.Errorf("tiered: %s: need a *%v, not %T", c.name, c.typ, v)
	}
	return e, err
}
