// Package codec turns the values of a cache into the bytes of its Redis tier and back.
//
// The promise is that memory and Redis give back equal values. A codec that loses something
// silently breaks it in the worst way: the program works while memory is warm. So every loss
// that the libraries below have is either mended, or refused: by [For] when it lies in the type
// ([ErrType], once, when the cache is made), by Append when it lies in the value ([ErrLossy]).
//
// # Which codec
//
// Four candidates and their settings, each writing a value and reading it back. "ok" is equal,
// "lost" is different without an error.
//
//	                            this   cbor   cbor      msgpack  gob    encoding/
//	                                   tuned  defaults                  json
//	nil and empty kept apart    ok     ok     ok        ok       lost   ok
//	pointer to zero             ok     ok     ok        ok       lost   ok
//	time: ns and offset         ok     ok     lost      lost     ok     ok
//	offset with seconds         error  lost   lost      lost     ok     lost
//	NaN's bits, ±Inf, -0        ok     ok     lost      ok       ok     error
//	string not UTF-8            ok     ok     error     ok       ok     lost
//	netip.Addr, big.Int         ok     ok     ok        ok       ok     ok
//	big.Rat (text only)         ok     lost   lost      ok       ok     ok
//	struct as a map's key       ok     ok     ok        ok       ok     error
//	any: whole float64          ok     ok     ok        ok       ok     ok
//	any: int64                  ok     ok     lost      ok       ok     lost
//	any: int                    error  lost   lost      lost     ok     lost
//	any: map[string]any         ok     ok     lost      ok       error  ok
//	any: []byte                 ok     ok     lost      ok       ok     lost
//	any: time.Time              ok     ok     lost      lost     error  lost
//	unexported field            type   lost   lost      lost     lost   lost
//	field tagged json:"-"       type   lost   lost      ok       ok     lost
//	field hidden by embedding   type   lost   lost      error    ok     lost
//	time.Time embedded          type   lost   lost      lost     lost   lost
//	value containing itself     error  crash  crash     crash    crash  error
//
//	user, append                1.0    1.0    0.7       2.0      7.3    2.5
//	user, decode                1.0    1.0    0.9       1.0      12     3.0
//	feed, append                1.0    -      0.7       -        2.4    2.6
//	feed, decode                1.0    -      0.9       -        1.2    3.1
//
// "this" is [CBOR]; "type" means refused when the cache is made, "error" refused by Append, "crash"
// a stack overflow that ends the process. CBOR tuned is fxamacker/cbor with this package's
// settings and without its checks: it keeps most, what it loses can be told beforehand, and
// nothing that keeps as much is as fast. Times are ratios, for a user of 15 fields, two of them
// times (half a microsecond to append, one and a half to decode), and for a feed of twenty posts;
// tuned and msgpack (v5.4.1) were measured apart, on the user alone. The rest is measured by
//
//	go test -run='^$' -bench=. ./tiered/internal/codec
//
// # What is refused in a type
//
//   - Channels, functions, complex numbers, unsafe pointers, interfaces with methods.
//   - A struct with an unexported field, unless the type has MarshalBinary and UnmarshalBinary
//     (or MarshalCBOR; or, where nothing else works, MarshalText: "cbor+text"). JSON wants
//     MarshalJSON or MarshalText. One method without its inverse does not count.
//   - A struct that has such methods only because it embeds, say, time.Time beside other fields.
//   - Two fields of one name, and a field hidden by another: both would be left out.
//   - json:"-" under CBOR. The tag hides a field from clients, often a password hash, and nobody
//     meant it to be empty on a Redis hit. Write cbor:"name" to keep the field.
//   - Map keys that are not == after a round trip: pointers, interfaces, times.
//   - big.Float, whose text is read back with 64 bits.
//
// Recursive types are fine. A codec of the user's own is taken on its word, but for channels and
// functions, which nothing can store.
//
// # What is refused in a value
//
//   - An `any` that holds something other than nil, bool, int64, float64, string, []byte,
//     time.Time, []any and map[string]any (JSON: without int64, []byte and time.Time). An int
//     would come back an int64, a struct a map. This is an error rather than a conversion: a
//     type assertion that works on a memory hit must work on a Redis hit. What comes out of
//     encoding/json always fits. So it is for nil slices and maps in an `any`.
//   - A pointer to a nil pointer, slice or map; under CBOR, a pointer to the zero time.
//   - A time whose offset has seconds, within another value; RFC 3339 would shift it.
//   - Nesting beyond 1000, and so circles. A string that is not UTF-8, under JSON.
//
// # Caveats
//
//   - A field tagged cbor:"-" comes back zero (under JSON: json:"-"), exported or not, and an
//     empty slice or map tagged omitempty comes back nil, -0 comes back 0: the tags say so.
//   - Times come back Equal and with their offset, but without a zone's name or a monotonic
//     clock, as from any encoding; the zero time comes back in UTC.
//   - Types that encode themselves are taken on their word. Under JSON that includes net.IP,
//     json.RawMessage (whitespace is lost) and json.Number.
//   - Pointers that share a target come back as pointers to copies.
//   - Fields may be added, removed and reordered between versions of a program; unknown ones are
//     ignored. A field that changes its type may make old records errors, that is, misses.
//   - A record's lengths are checked against its bytes before anything is allocated. Still, a
//     forged list of nulls can grow by the size of its element: records carry a checksum.
package codec
