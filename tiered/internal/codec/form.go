package codec

import "reflect"

// form is how a codec reads a type: what encodes itself, and which tags count.
type form struct {
	json bool // encoding/json's rules; else CBOR's
	text bool // CBOR with MarshalText honoured, for types that have no other way
}

// own says whether values of t encode themselves, or why they must not. A type that does is not
// looked into.
func (f form) own(t reflect.Type, addressable bool) (ok bool, why string) {
	switch {
	case t == typeBigFloat:
		return false, "its text form is read back with 64 bits of precision"
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Interface:
		return false, ""
	case !f.json && (t == typeTime || t == typeBigInt):
		return true, ""
	}
	p := reflect.PointerTo(t)
	for _, way := range f.ways() {
		if !p.Implements(way.marshal) && !p.Implements(way.unmarshal) {
			continue
		}
		if way.half(p) {
			return false, way.lack(p)
		}
		if f.json && !addressable && !t.Implements(way.marshal) {
			// encoding/json does not call a pointer's method on a map's value.
			return false, way.method + " needs a pointer, and a map's value has none: store pointers in the map"
		}
		if why := way.promoted(t); why != "" {
			return false, why
		}
		return true, ""
	}
	return false, ""
}

// ways are the methods that the codec prefers to a type's structure, best first.
func (f form) ways() []pair {
	switch {
	case f.json:
		return []pair{pairs.json, pairs.text}
	case f.text:
		return []pair{pairs.cbor, pairs.binary, pairs.text}
	}
	return []pair{pairs.cbor, pairs.binary}
}

// remedy is the pair to recommend.
func (f form) remedy() pair {
	if f.json {
		return pairs.json
	}
	return pairs.binary
}

func (f form) String() string {
	if f.json {
		return "json"
	}
	return "cbor"
}
