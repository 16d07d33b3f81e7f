package tiered

import (
	"fmt"
	"reflect"

	"github.com/freshet-go/freshet/tiered/internal/codec"
)

// Codec turns values into bytes and back. What Decode makes of Append's bytes must equal the value: memory and Redis
// give back equal values. All methods may be called concurrently.
type Codec interface {
	// Name is part of every record: a record that another codec wrote is a miss.
	Name() string
	// Append appends the encoding of the value that v points to.
	Append(dst []byte, v any) ([]byte, error)
	// Decode decodes data into the value that v points to. It must not keep data, and must not panic.
	Decode(data []byte, v any) error
}

var (
	// CBOR is the default codec (RFC 8949): compact, fast, and the most faithful of those measured.
	CBOR Codec = codec.CBOR
	// JSON is for values that others read in Redis.
	JSON Codec = codec.JSON
)

// CodecFor returns the codec for values of type t, where c is the one chosen: []byte and string pass through as they
// are, protobuf messages and encoding.BinaryMarshalers encode themselves, all else is c's. It refuses types that would
// not come back equal, and names the field.
func CodecFor(t reflect.Type, c Codec) (Codec, error) { return codec.For(t, c) }

// encodeValue encodes and, where that helps, compresses.
func (s *Store) encodeValue(c Codec, v any) (payload []byte, compressed bool, err error) {
	defer unpanic(&err)
	payload, err = c.Append(nil, v)
	if err != nil {
		return nil, false, err
	}
	if above := s.options.CompressAbove; above >= 0 && len(payload) > above {
		if small := codec.Compress(nil, payload); len(small) < len(payload) {
			return small, true, nil
		}
	}
	return payload, false, nil
}

// Decode decodes what f Found, or what may be served if its load fails, into the value that v points to. After an error
// the bytes are as good as absent: the next Acquire of f replaces them.
func (s *Store) Decode(f *Fetch, v any) (err error) {
	defer unpanic(&err)
	payload := f.rec.payload
	if f.rec.compressed {
		if payload, err = codec.Decompress(nil, payload, s.options.MaxValueBytes*16); err != nil {
			s.counts.corrupt.Add(1)
			return fmt.Errorf("tiered: decompress: %w", err)
		}
	}
	if err := f.Codec.Decode(payload, v); err != nil {
		s.counts.corrupt.Add(1)
		return fmt.Errorf("tiered: decode: %w", err)
	}
	return nil
}

// unpanic makes an error of a panic in a caller's codec.
func unpanic(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("tiered: the codec panicked: %v", p)
	}
}

// Reject says that what was Found could not be decoded: its bytes are to be replaced. It takes a lease over them, and
// ends as Acquire does.
func (s *Store) Reject(f *Fetch) {
	f.usable, f.Outcome = false, Absent
	s.Lease(f)
	if f.Outcome == Found { // somebody wrote another one meanwhile: it may be as bad
		f.Outcome = Alone
	}
}
