package cachetest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/freshet-go/freshet/tiered"
)

// TestCodec tests that a codec is one, with a choice of values and with those given, whose types should be the ones
// that it is meant for: what it decodes equals what it encoded (reflect.DeepEqual), whatever was in the target before;
// it appends; it keeps no data; it survives bytes that are cut off or changed; all that concurrently.
//
// A codec may refuse values, by an error of Append, but not those given. values are the values themselves, not pointers
// to them.
func TestCodec(t *testing.T, codec tiered.Codec, values ...any) {
	t.Helper()
	for _, c := range codecChecks {
		t.Run(c.name, func(t *testing.T) {
			for i, v := range append(append([]any{}, values...), usual()...) {
				own, err := tiered.CodecFor(reflect.TypeOf(v), codec)
				var data []byte
				if err == nil {
					data, err = own.Append(nil, pointer(v).Interface())
				}
				switch {
				case err != nil && i < len(values):
					t.Errorf("cachetest: %T: refused: %v", v, err)
				case err == nil:
					if err := guarded(func() error { return c.check(own, v, bytes.Clone(data)) }); err != nil {
						t.Errorf("cachetest: %T: %v", v, err)
					}
				}
			}
		})
	}
}

// codecChecks return what is wrong, so that they can be tested with codecs that are.
var codecChecks = []struct {
	name  string
	check func(c tiered.Codec, v any, data []byte) error
}{
	{"has a name", hasName},
	{"gives back equal values", givesBackEqual},
	{"appends", appends},
	{"keeps no data", keepsNoData},
	{"survives bad data", survivesBadData},
	{"works concurrently", decodesConcurrently},
}

type sample struct {
	ID      int64
	Name    string
	Ratio   float64
	Tags    []string
	Counts  map[string]int
	Next    *sample
	Created time.Time
	Raw     []byte
	On      bool
}

// usual are values of many kinds. A codec for others may refuse them all.
func usual() []any {
	return []any{
		"", "text \x00 \u2028 ž", 0, int64(-1 << 63), uint64(1<<64 - 1), 1.5, true, []byte{0, 255}, []byte{},
		[]string{}, []string{"a", ""}, map[string]int{"a": 1}, map[string]int{}, [2]int{1, 2}, time.Hour,
		sample{}, &sample{ID: 1}, (*sample)(nil),
		sample{
			ID: 1<<53 + 1, Name: "n", Ratio: 0.1, Tags: []string{"a"}, Counts: map[string]int{"a": -1},
			Next: &sample{ID: 2}, Created: time.Unix(1e9, 123456789).UTC(), Raw: []byte{1}, On: true,
		},
	}
}

// pointer returns a pointer to a copy of v.
func pointer(v any) reflect.Value {
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	return p
}

// guarded makes errors of panics.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return f()
}

func hasName(c tiered.Codec, _ any, _ []byte) error {
	if name := c.Name(); name == "" || name != c.Name() {
		return errors.New("the name is empty, or changes: it is part of every record")
	}
	return nil
}

func givesBackEqual(c tiered.Codec, v any, data []byte) error {
	source := pointer(v)
	if _, err := c.Append(nil, source.Interface()); err != nil {
		return err
	}
	if !same(source.Elem().Interface(), v) {
		return errors.New("it changed the value that Append was given")
	}
	fresh := reflect.New(reflect.TypeOf(v))
	if err := c.Decode(data, fresh.Interface()); err != nil {
		return err
	}
	if got := fresh.Elem().Interface(); !same(got, v) {
		return fmt.Errorf("%#v came back as %#v", v, got)
	}
	for _, other := range usual() { // left over in the target
		if reflect.TypeOf(other) != reflect.TypeOf(v) {
			continue
		}
		used := pointer(other)
		if err := c.Decode(data, used.Interface()); err != nil {
			return err
		}
		if got := used.Elem().Interface(); !same(got, v) {
			return fmt.Errorf("%#v came back as %#v, decoded into %#v", v, got, other)
		}
	}
	return nil
}

// same is equality where times may differ in what does not show.
func same(a, b any) bool {
	if t, ok := a.(time.Time); ok {
		u, ok := b.(time.Time)
		return ok && t.Equal(u)
	}
	return reflect.DeepEqual(a, b)
}

func appends(c tiered.Codec, v any, data []byte) error {
	before := make([]byte, 3, 3+len(data)/2)
	copy(before, "abc")
	got, err := c.Append(before, pointer(v).Interface())
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(got, []byte("abc")) {
		return errors.New("it changed what was in the dst of Append")
	}
	back := reflect.New(reflect.TypeOf(v))
	if err := c.Decode(got[3:], back.Interface()); err != nil {
		return fmt.Errorf("what was appended: %w", err)
	}
	if !same(back.Elem().Interface(), v) {
		return errors.New("what was appended came back as something else")
	}
	return nil
}

func keepsNoData(c tiered.Codec, v any, data []byte) error {
	back := reflect.New(reflect.TypeOf(v))
	if err := c.Decode(data, back.Interface()); err != nil {
		return err
	}
	for i := range data {
		data[i] ^= 0xff
	}
	if !same(back.Elem().Interface(), v) {
		return errors.New("the decoded value changes with the bytes it was decoded from")
	}
	return nil
}

// survivesBadData looks for panics alone: not every format can tell.
func survivesBadData(c tiered.Codec, v any, data []byte) error {
	decode := func(bad []byte) error {
		return guarded(func() error {
			_ = c.Decode(bad, reflect.New(reflect.TypeOf(v)).Interface())
			return nil
		})
	}
	for n := range data {
		if err := decode(bytes.Clone(data[:n])); err != nil {
			return fmt.Errorf("%d of %d bytes: %w", n, len(data), err)
		}
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			bad := bytes.Clone(data)
			bad[n] ^= flip
			if err := decode(bad); err != nil {
				return fmt.Errorf("byte %d changed: %w", n, err)
			}
		}
	}
	return decode(append(bytes.Clone(data), 0, 0xff))
}

func decodesConcurrently(c tiered.Codec, v any, data []byte) error {
	var wg sync.WaitGroup
	faults := make([]error, 4)
	p := pointer(v).Interface()
	for i := range faults {
		wg.Go(func() {
			faults[i] = guarded(func() error {
				back := reflect.New(reflect.TypeOf(v))
				for range 20 {
					if _, err := c.Append(nil, p); err != nil {
						return err
					}
					if err := c.Decode(data, back.Interface()); err != nil {
						return err
					}
				}
				if !same(back.Elem().Interface(), v) {
					return errors.New("came back as something else")
				}
				return nil
			})
		})
	}
	wg.Wait()
	return errors.Join(faults...)
}
