package codec

import (
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/s2"
)

// ErrTooLarge is wrapped by [Decompress] when the content says it is larger than allowed.
var ErrTooLarge = errors.New("tiered: decompressed value above the limit")

// Compress appends payload to dst, compressed with s2. The result may be longer than the
// payload: compress above a size worth it, and keep the shorter. dst and payload must not overlap.
func Compress(dst, payload []byte) []byte {
	room := s2.MaxEncodedLen(len(payload))
	if room < 0 { // beyond 4 GiB, eight times what Redis accepts for a value
		panic("tiered: payload too large to compress")
	}
	dst = slices.Grow(dst, room)
	n := len(dst)
	packed := s2.Encode(dst[n:n+room], payload)
	return dst[:n+len(packed)]
}

// Decompress appends to dst what [Compress] was given. It allocates nothing before it knows that
// the content is at most max bytes; corrupt data is an error. After an error the result is dst.
func Decompress(dst, data []byte, max int) ([]byte, error) {
	n, err := s2.DecodedLen(data)
	if err != nil {
		return dst, fmt.Errorf("tiered: decompress: %w", err)
	}
	if n > max {
		return dst, fmt.Errorf("%w: %d bytes, %d allowed", ErrTooLarge, n, max)
	}
	start := len(dst)
	out := slices.Grow(dst, n)
	content, err := s2.Decode(out[start:start+n], data)
	if err != nil {
		return dst, fmt.Errorf("tiered: decompress: %w", err)
	}
	if len(content) != n {
		return dst, fmt.Errorf("tiered: decompress: %d bytes where %d were promised", len(content), n)
	}
	return out[:start+n], nil
}
