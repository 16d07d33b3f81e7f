package main

import (
	"fmt"
	"go/types"
)

// keyFault says why package cache would refuse values of type t as keys, or "". The rules are those of
// cache/internal/keys, which sees the type again when the cache is made.
func keyFault(t types.Type) string {
	why, part := refusal(t, "", map[types.Type]bool{})
	switch {
	case why == "":
		return ""
	case part == "":
		return fmt.Sprintf("%s cannot be a key: %s", t, why)
	}
	return fmt.Sprintf("%s cannot be a key: its field %s: %s", t, part[1:], why)
}

func refusal(t types.Type, at string, above map[types.Type]bool) (why, part string) {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&(types.IsFloat|types.IsComplex) != 0:
			return "0 and -0 are equal but print differently; use an integer or a string", at
		case u.Kind() == types.UnsafePointer:
			return "it is equal by address, which means nothing on another node", at
		}
	case *types.Pointer, *types.Chan:
		return "it is equal by address, which means nothing on another node; use what it refers to", at
	case *types.Interface:
		return "its values can be of different types; use a concrete type", at
	case *types.Slice, *types.Map, *types.Signature:
		return "it is not comparable", at
	case *types.Array:
		if !marshalsText(t) {
			return refusal(u.Elem(), at, above)
		}
	case *types.Struct:
		if marshalsText(t) && types.Comparable(t) || above[t] {
			return "", ""
		}
		above[t] = true
		for f := range u.Fields() {
			if f.Name() == "_" {
				continue
			}
			if why, part := refusal(f.Type(), at+"."+f.Name(), above); why != "" {
				return why, part
			}
		}
	}
	return "", ""
}

// marshalsText tells whether t or *t has a MarshalText that speaks for all of t: neither one that an embedded field lends
// it nor, as for cache/internal/keys, which cannot tell them apart, one where a field could.
func marshalsText(t types.Type) bool {
	if textDepth(t) != 1 {
		return false
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return true
	}
	for f := range s.Fields() {
		if f.Embedded() && textDepth(f.Type()) > 0 {
			return false
		}
	}
	return true
}

// textDepth is 1 if t or *t has a MarshalText of its own, more if that is an embedded field's, and 0 if there is none.
func textDepth(t types.Type) int {
	obj, index, _ := types.LookupFieldOrMethod(t, true, nil, "MarshalText")
	f, ok := obj.(*types.Func)
	if !ok || f.Signature().Params().Len() != 0 || f.Signature().Results().Len() != 2 {
		return 0
	}
	return len(index)
}
