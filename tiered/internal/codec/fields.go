package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// field is one that the codec writes.
type field struct {
	index []int
	path  string // as Go code would select it
	key   string // as the codec names it
	typ   reflect.Type
}

// fields lists what the codec writes of struct t, embedded structs included. It fails for a
// struct of which something would come back zero: both libraries drop silently what is
// unexported, hidden or named twice.
func (f form) fields(t reflect.Type) ([]field, error) {
	w := flattener{form: f, open: map[reflect.Type]bool{}}
	if m, ok := t.FieldByName("_"); ok && !f.json {
		w.array = strings.Contains(m.Tag.Get("cbor"), "toarray")
	}
	if _, err := w.flatten(t, nil, ""); err != nil {
		return nil, err
	}
	named := make(map[string]field, len(w.out))
	for _, fd := range w.out {
		if twin, ok := named[fd.key]; ok {
			return nil, refuse(fd.path, "it has the same name as %s, and one would hide the other: name it by a tag", twin.path)
		}
		named[fd.key] = fd
	}
	return w.out, nil
}

type flattener struct {
	form  form
	array bool
	open  map[reflect.Type]bool // embedding one another, down to here
	out   []field
}

// flatten returns how many of t's fields are written whatever they hold.
func (w *flattener) flatten(t reflect.Type, index []int, path string) (always int, err error) {
	if w.open[t] {
		return 0, refuse(path, "%v embeds itself", t)
	}
	w.open[t] = true
	defer delete(w.open, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		at := join(path, sf.Name)
		deep := append(append(make([]int, 0, len(index)+1), index...), i)
		tag, skip, err := w.form.tag(sf)
		if err != nil {
			return 0, at1(at, err)
		}
		embedded := sf.Anonymous && tag.name == "" && pointee(sf.Type).Kind() == reflect.Struct
		switch {
		case skip, sf.Name == "_":
			continue
		case !sf.IsExported() && sf.Type.Size() == 0:
			continue // nothing in it to lose
		case !sf.IsExported() && !embedded:
			way := w.form.remedy()
			return 0, refuse(at, "it is unexported and would come back zero: export it, give %v a %s and an %s, "+
				"or tag it `%s:\"-\"` to do without it", t, way.method, way.inverse, w.form)
		case !embedded:
			w.out = append(w.out, field{deep, at, tag.key(sf), sf.Type})
			if !tag.omit {
				always++
			}
			continue
		}
		n, err := w.flatten(pointee(sf.Type), deep, at)
		if err != nil {
			return 0, err
		}
		if sf.Type.Kind() != reflect.Pointer {
			always += n
			continue
		}
		// An embedded pointer is not written itself: its fields say that it is not nil.
		switch {
		case !sf.IsExported():
			return 0, refuse(at, "a pointer to an unexported struct cannot be filled: embed the struct")
		case w.array:
			return 0, refuse(at, "an embedded pointer in a `toarray` struct comes back non-nil: name the field")
		case n == 0:
			return 0, refuse(at, "an embedded pointer whose fields may all be omitted comes back nil: name the field")
		}
	}
	return always, nil
}

type tag struct {
	name      string
	omit, num bool
}

// tag reads what the codec's library would read, and refuses a json:"-" that CBOR would inherit.
func (f form) tag(sf reflect.StructField) (t tag, skip bool, err error) {
	ofCBOR, ofJSON := sf.Tag.Get("cbor"), sf.Tag.Get("json")
	text := ofJSON
	if !f.json && ofCBOR != "" {
		text = ofCBOR
	}
	switch {
	case text == "-" && (f.json || ofCBOR == "-" || !sf.IsExported()):
		return t, true, nil
	case text == "-":
		return t, false, refuse("", "`json:\"-\"` hides it from clients, and would hide it from readers of Redis: "+
			"add `cbor:%q` to keep it, or `cbor:\"-\"` to do without it", strings.ToLower(sf.Name))
	case !sf.IsExported() && (ofCBOR == "-" || ofJSON == "-"):
		return t, true, nil
	}
	name, options, _ := strings.Cut(text, ",")
	t.name = name
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty", "omitzero":
			t.omit = true
		case "keyasint":
			t.num = !f.json
		}
	}
	return t, false, nil
}

// key is the name in the encoding; integers have names of their own.
func (t tag) key(sf reflect.StructField) string {
	if t.name == "" {
		return sf.Name
	}
	if t.num {
		if n, err := strconv.Atoi(t.name); err == nil {
			return "#" + strconv.Itoa(n)
		}
	}
	return t.name
}

// refusal says which part of a type cannot come back, and why.
type refusal struct{ path, why string }

func (r *refusal) Error() string { return r.path + ": " + r.why }

func refuse(path, format string, args ...any) error {
	return &refusal{path, fmt.Sprintf(format, args...)}
}

// at1 puts path in front of a refusal that knows nothing of where it is.
func at1(path string, err error) error {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return &refusal{join(path, r.path), r.why}
	}
	return err
}

func join(path, name string) string {
	switch {
	case path == "":
		return name
	case name == "", strings.HasPrefix(name, "["):
		return path + name
	}
	return path + "." + name
}
