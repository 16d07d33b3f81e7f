package key

import "strconv"

const (
	separator = ':'
	escape    = '%'

	// emptyFirst is a first segment that is empty. It needs a mark of its own,
	// or the key of one empty segment would be the key of none.
	emptyFirst = "%"

	digits = "0123456789ABCDEF"
)

// special holds the bytes that do not stand for themselves in a segment.
var special = func() (t [256]bool) {
	for b := range 0x20 {
		t[b] = true
	}
	for _, b := range []byte{separator, escape, '{', '}', 0x7f} {
		t[b] = true
	}
	return t
}()

// Append extends key by one segment. A key of length zero is the root; any
// other gets a separator first, so that a caller may build a key behind bytes
// of its own, provided that the first segment is already there.
func Append[S ~string | ~[]byte](key []byte, segment S) []byte {
	if len(key) > 0 {
		key = append(key, separator)
	} else if len(segment) == 0 {
		return append(key, emptyFirst...)
	}
	clean := 0
	for i := range len(segment) {
		b := segment[i]
		if !special[b] {
			continue
		}
		key = append(key, segment[clean:i]...)
		key = append(key, escape, digits[b>>4], digits[b&15])
		clean = i + 1
	}
	return append(key, segment[clean:]...)
}

// AppendInt extends key by a segment that is n in decimal.
func AppendInt(key []byte, n int64) []byte {
	if len(key) > 0 {
		key = append(key, separator)
	}
	return strconv.AppendInt(key, n, 10)
}

// AppendUint extends key by a segment that is n in decimal.
func AppendUint(key []byte, n uint64) []byte {
	if len(key) > 0 {
		key = append(key, separator)
	}
	return strconv.AppendUint(key, n, 10)
}

// Child returns key extended by one segment. A segment without special bytes,
// however long, costs the allocation of the result and no other.
func Child(key, segment string) string {
	if key != "" && !needsEscape(segment) {
		return key + string(separator) + segment
	}
	var buf [128]byte
	return string(Append(append(buf[:0], key...), segment))
}

// Join returns the key of a sequence of segments; of none, the root.
func Join(segments ...string) string {
	var buf [128]byte
	key := buf[:0]
	for _, s := range segments {
		key = Append(key, s)
	}
	return string(key)
}

func needsEscape(segment string) bool {
	for i := range len(segment) {
		if special[segment[i]] {
			return true
		}
	}
	return false
}
