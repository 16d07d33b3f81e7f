package size_test

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// graph is wired at random: shared parts, cycles, nils.
type graph struct {
	next  *graph
	many  []*graph
	names map[string]*graph
	any   any
	text  string
	flat  [2]graphLeaf
}

type graphLeaf struct {
	data []byte
	up   *graph
}

func TestRandomGraphsEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := make([]graph, rapid.IntRange(1, 30).Draw(t, "nodes"))
		pick := func() *graph {
			if i := rapid.IntRange(-1, len(nodes)-1).Draw(t, "pick"); i >= 0 {
				return &nodes[i]
			}
			return nil
		}
		for i := range nodes {
			n := &nodes[i]
			n.next, n.text = pick(), rapid.StringN(0, 5, -1).Draw(t, "text")
			n.flat[0].up, n.flat[1].data = pick(), make([]byte, i)
			switch rapid.IntRange(0, 4).Draw(t, "any") {
			case 0:
				n.any = pick()
			case 1:
				n.any = []any{pick(), n.any, n}
			case 2:
				n.any = &n.any
			case 3:
				n.many = []*graph{pick(), pick()}
			case 4:
				n.names = map[string]*graph{"a": pick(), "b": pick()}
			}
		}
		estimate(t, nodes)
		estimate(t, &nodes[0])
		estimate[any](t, nodes[0])
	})
}

func TestRandomTypesDoNotPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := reflect.New(randomType(t, 3)).Elem()
		fill(t, v, 3)
		estimate(t, v.Interface())
		estimate(t, v.Addr().Interface())
	})
}

func randomType(t *rapid.T, depth int) reflect.Type {
	scalars := []reflect.Type{
		reflect.TypeFor[int8](), reflect.TypeFor[string](), reflect.TypeFor[any](), reflect.TypeFor[complex128](),
		reflect.TypeFor[func()](), reflect.TypeFor[chan int](), reflect.TypeFor[struct{}](),
	}
	if depth == 0 {
		return rapid.SampledFrom(scalars).Draw(t, "scalar")
	}
	inner := func() reflect.Type { return randomType(t, depth-1) }
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return reflect.PointerTo(inner())
	case 1:
		return reflect.SliceOf(inner())
	case 2:
		return reflect.ArrayOf(rapid.IntRange(0, 3).Draw(t, "length"), inner())
	case 3:
		return reflect.MapOf(reflect.TypeFor[any](), inner())
	case 4:
		var fields []reflect.StructField
		for i := range rapid.IntRange(0, 3).Draw(t, "fields") {
			fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: inner()})
		}
		return reflect.StructOf(fields)
	}
	return rapid.SampledFrom(scalars).Draw(t, "scalar")
}

func fill(t *rapid.T, v reflect.Value, depth int) {
	if rapid.IntRange(0, 4).Draw(t, "zero") == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("some text")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 3))
		fill(t, v.Index(0), depth)
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), depth)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		elem := reflect.New(v.Type().Elem()).Elem()
		fill(t, elem, depth)
		v.SetMapIndex(reflect.ValueOf(any(depth)), elem)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), depth)
		}
	case reflect.Interface:
		if depth > 0 {
			elem := reflect.New(randomType(t, depth-1)).Elem()
			fill(t, elem, depth-1)
			v.Set(elem)
		}
	}
}
