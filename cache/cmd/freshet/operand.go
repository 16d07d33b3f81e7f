package main

import (
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// operand is a parameter or a result, or fields of it.
type operand struct {
	path
	sub      string // a segment of it, as an expression goes on: ".Field", "[0]"
	typ      types.Type
	index    int // of the parameter or the result
	result   bool
	pointers []path // what may be nil on the way
}

// manyOf returns what a single slice is of.
func manyOf(parts []operand) (types.Type, bool) {
	if len(parts) != 1 {
		return nil, false
	}
	s, ok := parts[0].typ.Underlying().(*types.Slice)
	if !ok {
		return nil, false
	}
	return s.Elem(), true
}

// fits tells whether have can stand for want, or for the beginning of it.
func fits(have, want []operand, beginning bool) bool {
	if len(have) > len(want) || len(have) < len(want) && !beginning {
		return false
	}
	for i := range have {
		if !types.AssignableTo(have[i].typ, want[i].typ) {
			return false
		}
	}
	return true
}

// maxSegments is how many a key may have: package cache refuses types with more.
const maxSegments = 64

// segments are what keys are made of, as in cache/internal/keys: the fields of structs, and the elements of arrays, unless
// these write themselves. It tells too which of them cannot be named in the package of the interface, or "".
func (p *plan) segments(parts []operand) (all []operand, hidden string) {
	var add func(o operand)
	add = func(o operand) {
		array, isArray := o.typ.Underlying().(*types.Array)
		fields, isStruct := o.typ.Underlying().(*types.Struct)
		switch {
		case len(all) > maxSegments:
		case marshalsText(o.typ) || !isStruct && !isArray || isArray && isBytes(array):
			all = append(all, o)
		case isArray:
			for i := range min(array.Len(), maxSegments+1) {
				one := o
				one.typ, one.sub = array.Elem(), o.sub+"["+strconv.FormatInt(i, 10)+"]"
				add(one)
			}
		default:
			for f := range fields.Fields() {
				if f.Name() == "_" {
					continue
				}
				one := o
				one.typ, one.sub = f.Type(), o.sub+"."+f.Name()
				if !f.Exported() && f.Pkg() != p.src.pkg && hidden == "" {
					hidden = o.path.String() + one.sub
				}
				add(one)
			}
		}
	}
	for _, o := range parts {
		add(o)
	}
	return all, hidden
}

// isBytes tells an array of bytes, which is one segment.
func isBytes(a *types.Array) bool {
	b, ok := a.Elem().Underlying().(*types.Basic)
	return ok && b.Kind() == types.Uint8 && a.Len() > 0 && !marshalsText(a.Elem())
}

func (p *plan) list(parts []operand) string {
	all := make([]string, len(parts))
	for i, o := range parts {
		all[i] = o.path.String() + o.sub + " " + types.TypeString(o.typ, types.RelativeTo(p.src.pkg))
	}
	return strings.Join(all, ", ")
}

// operand finds what a path names among the parameters of m, and its results too if that is wanted.
func (p *plan) operand(s saying, m *method, name path, results bool) (o operand, ok bool) {
	index := func(vars []*types.Var) int {
		return slices.IndexFunc(vars, func(v *types.Var) bool { return v.Name() == name[0] })
	}
	o = operand{path: name, index: index(m.params)}
	vars := m.params
	if o.index < 0 && results {
		o.result, o.index, vars = true, index(m.results), m.results
	}
	if o.index < 0 {
		p.faults.add(s.at, "%s has no parameter %s", m.Name(), name[0])
		return o, false
	}
	o.typ = vars[o.index].Type()
	if isContext(o.typ) || isError(o.typ) {
		p.faults.add(s.at, "%s cannot be a key: it is of type %s", name[0], o.typ)
		return o, false
	}
	for i, field := range name[1:] {
		if _, ok := o.typ.Underlying().(*types.Pointer); ok {
			o.pointers = append(o.pointers, name[:i+1])
		}
		obj, at, _ := types.LookupFieldOrMethod(o.typ, true, p.src.pkg, field)
		v, ok := obj.(*types.Var)
		if !ok {
			p.faults.add(s.at, "%s has no field %s", types.TypeString(o.typ, types.RelativeTo(p.src.pkg)), field)
			return o, false
		}
		if len(at) > 1 && viaPointer(o.typ, at) {
			p.faults.add(s.at, "%s is a field of an embedded pointer: name that, too", name)
			return o, false
		}
		o.typ = v.Type()
	}
	return o, true
}

// viaPointer tells whether a promoted field is reached through an embedded pointer, which may be nil.
func viaPointer(t types.Type, at []int) bool {
	for _, i := range at[:len(at)-1] {
		if ptr, ok := t.Underlying().(*types.Pointer); ok {
			t = ptr.Elem()
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return true
		}
		t = s.Field(i).Type()
		if _, ok := t.Underlying().(*types.Pointer); ok {
			return true
		}
	}
	return false
}

func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "context" && named.Obj().Name() == "Context"
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }
