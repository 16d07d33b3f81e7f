package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
)

// JSON is the codec for records that people or other languages read. It is slower than [CBOR],
// keeps less, and goes by what the types' own JSON methods say.
var JSON Codec = new(jsonAny)

// jsonAny finds the codec of a type when it first meets it.
type jsonAny struct{ byType sync.Map } // reflect.Type → Codec

func (c *jsonAny) Name() string { return "json" }

func (c *jsonAny) Append(dst []byte, v any) ([]byte, error) {
	typed, err := c.typed(v)
	if err != nil {
		return dst, err
	}
	return typed.Append(dst, v)
}

func (c *jsonAny) Decode(data []byte, v any) error {
	typed, err := c.typed(v)
	if err != nil {
		return err
	}
	return typed.Decode(data, v)
}

func (c *jsonAny) typed(v any) (Codec, error) {
	e, err := target("json", v)
	if err != nil {
		return nil, err
	}
	return c.forType(e.Type())
}

func (c *jsonAny) forType(t reflect.Type) (Codec, error) {
	if known, ok := c.byType.Load(t); ok {
		return known.(Codec), nil
	}
	f := form{json: true}
	if err := f.check(t); err != nil {
		return nil, err
	}
	g := guards{form: f, made: map[reflect.Type]*guard{}}
	known, _ := c.byType.LoadOrStore(t, &jsonTyped{form: f, typ: t, guard: g.of(t), null: mayBeNull(f, t)})
	return known.(Codec), nil
}

// jsonTyped is JSON for the values of one type.
type jsonTyped struct {
	form  form
	typ   reflect.Type
	guard guard
	null  bool
}

func (c *jsonTyped) Name() string { return "json" }

// writer is an encoder and the buffer it is bound to. The buffer is emptied of the caller's
// slice before it goes back: nothing of a value stays in the pool.
type writer struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var writers = sync.Pool{New: func() any {
	w := new(writer)
	w.enc = json.NewEncoder(&w.buf)
	w.enc.SetEscapeHTML(false)
	return w
}}

func (c *jsonTyped) Append(dst []byte, v any) (out []byte, err error) {
	defer rescueAppend("json", dst, &out, &err)
	e, err := c.target(v)
	if err != nil {
		return dst, err
	}
	if c.guard != nil {
		if f := c.guard(e, 0); f != nil {
			return dst, f.at(name(c.typ)).err(c.form)
		}
	}
	w := writers.Get().(*writer)
	w.buf = *bytes.NewBuffer(dst)
	err = w.enc.Encode(v)
	out = w.buf.Bytes()
	w.buf = bytes.Buffer{}
	writers.Put(w)
	if err != nil {
		return dst, fail("json", "append", err)
	}
	return out[:len(out)-1], nil // Encode ends with a newline
}

func (c *jsonTyped) Decode(data []byte, v any) (err error) {
	e, err := c.target(v)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			e.SetZero()
		}
	}()
	defer rescue("json", &err)
	e.SetZero()
	if !c.null && string(bytes.TrimSpace(data)) == "null" {
		return fmt.Errorf("tiered: json: null is not a %v", c.typ)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fail("json", "decode", err)
	}
	return nil
}

func (c *jsonTyped) target(v any) (reflect.Value, error) {
	e, err := target("json", v)
	if err == nil && e.Type() != c.typ {
		err = fmt.Errorf("tiered: json: need a *%v, not %T", c.typ, v)
	}
	return e, err
}
