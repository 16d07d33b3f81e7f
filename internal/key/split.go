package key

import (
	"fmt"
	"strings"
)

// Split returns the segments of a key: the inverse of [Join]. It refuses every
// string that Join cannot return, other spellings of the same segments
// included, so that a key and its segments always stand for each other.
func Split(key string) ([]string, error) {
	if key == "" {
		return nil, nil
	}
	segments := make([]string, 0, 1+strings.Count(key, string(separator)))
	for part := range strings.SplitSeq(key, string(separator)) {
		segment, err := unescape(part, len(segments) == 0)
		if err != nil {
			return nil, fmt.Errorf("key: %q is malformed: segment %d: %w", key, len(segments), err)
		}
		segments = append(segments, segment)
	}
	return segments, nil
}

func unescape(part string, first bool) (string, error) {
	if first {
		switch part {
		case "":
			return "", fmt.Errorf("an empty first segment is written %q", emptyFirst)
		case emptyFirst:
			return "", nil
		}
	}
	if !needsEscape(part) {
		return part, nil
	}
	segment := make([]byte, 0, len(part))
	for i := 0; i < len(part); i++ {
		b := part[i]
		if !special[b] {
			segment = append(segment, b)
			continue
		}
		if b != escape {
			return "", fmt.Errorf("byte %q must be escaped", b)
		}
		if len(part) < i+3 {
			return "", fmt.Errorf("escape %q is cut off", part[i:])
		}
		high := strings.IndexByte(digits, part[i+1])
		low := strings.IndexByte(digits, part[i+2])
		if high < 0 || low < 0 || !special[high<<4|low] {
			return "", fmt.Errorf("escape %q is not one that is written", part[i:i+3])
		}
		segment = append(segment, byte(high<<4|low))
		i += 2
	}
	return string(segment), nil
}
