package codec

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// exact looks at what an `any` holds. Nothing in the encoding says which Go type it was, so only
// those types pass that the decoder makes by itself.
func (f form) exact(x any, depth int) *fault {
	if depth >= maxDepth {
		return tooDeep()
	}
	switch x := x.(type) {
	case nil, bool, float64:
		return nil
	case string:
		if f.json && !utf8.ValidString(x) {
			return &fault{why: "JSON replaces what is not valid UTF-8"}
		}
		return nil
	case []any:
		if x == nil {
			break
		}
		for i := range x {
			if fault := f.exact(x[i], depth+1); fault != nil {
				return fault.at("[" + strconv.Itoa(i) + "]")
			}
		}
		return nil
	case map[string]any:
		if x == nil {
			break
		}
		for k, e := range x {
			if f.json && !utf8.ValidString(k) {
				return &fault{why: "JSON replaces what is not valid UTF-8"}
			}
			if fault := f.exact(e, depth+1); fault != nil {
				return fault.at(fmt.Sprintf("[%q]", k))
			}
		}
		return nil
	}
	if f.json {
		return &fault{why: fmt.Sprintf("any holds %s, which JSON reads as another type: it can hold bool, float64, "+
			"string, []any and map[string]any", describe(x))}
	}
	switch x := x.(type) {
	case int64:
		return nil
	case []byte:
		if x != nil {
			return nil
		}
	case time.Time:
		if !x.IsZero() {
			return f.zone(&x)
		}
	}
	return &fault{why: fmt.Sprintf("any holds %s, which CBOR reads as another type: it can hold bool, int64, float64, "+
		"string, []byte, time.Time, []any and map[string]any", describe(x))}
}

func describe(x any) string {
	switch x := x.(type) {
	case []any, map[string]any, []byte:
		return fmt.Sprintf("a nil %T", x)
	case time.Time:
		return "the zero time.Time"
	}
	return fmt.Sprintf("%T", x)
}
