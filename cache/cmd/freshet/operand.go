package main

import (
	"go/types"
	"slices"
	"strings"
)

// operand is a parameter or a result, or fields of it.
type operand struct {
	path
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

// segments are what a prefix is made of: of a key that is one struct, its fields.
func segments(parts []operand) []operand {
	if len(parts) != 1 || marshalsText(parts[0].typ) {
		return parts
	}
	s, ok := parts[0].typ.Underlying().(*types.Struct)
	if !ok {
		return parts
	}
	var all []operand
	for f := range s.Fields() {
		if f.Name() != "_" {
			all = append(all, operand{path: path{f.Name()}, typ: f.Type()})
		}
	}
	return all
}

func (p *plan) list(parts []operand) string {
	all := make([]string, len(parts))
	for i, o := range parts {
		all[i] = o.path.String() + " " + types.TypeString(o.typ, types.RelativeTo(p.src.pkg))
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
