package key

import (
	"iter"
	"strings"
)

// Covers reports whether prefix is key or an ancestor of it: whether key's
// segments begin with all of prefix's segments, whole. The root covers every
// key.
func Covers(prefix, key string) bool {
	if prefix == "" {
		return true
	}
	return strings.HasPrefix(key, prefix) &&
		(len(key) == len(prefix) || key[len(prefix)] == separator)
}

// Ancestors yields every key that covers key, the shortest first: the root, the
// first segment, the first two, and so on, and key itself. All are substrings
// of key, and a range statement over them allocates nothing.
func Ancestors(key string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !yield("") || key == "" {
			return
		}
		for i := range len(key) {
			if key[i] == separator && !yield(key[:i]) {
				return
			}
		}
		yield(key)
	}
}
