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

// Ancestors yields how long each key is that covers key, and begins it, the
// shortest first: the root, the first segment, the first two, and so on, and
// key itself. They are lengths, and not strings, so that key need not outlive
// the loop; a range statement over them allocates nothing.
func Ancestors(key string) iter.Seq[int] {
	return func(yield func(int) bool) {
		if !yield(0) || key == "" {
			return
		}
		for i := range len(key) {
			if key[i] == separator && !yield(i) {
				return
			}
		}
		yield(len(key))
	}
}
