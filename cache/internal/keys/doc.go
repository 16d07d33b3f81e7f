// Package keys turns Go values into the segments of an encoded key.
//
// A type is compiled once, by [For]. Its leaves become segments, in order:
//
//   - strings as they are, integers in decimal, booleans as true and false;
//   - an array of bytes as one segment, in hexadecimal;
//   - a type with MarshalText as one segment, its text, whatever its structure;
//   - a struct as the segments of its fields, any other array as those of its
//     elements, nested ones inline. Unexported fields count, for they are part
//     of ==; fields named _ do not, for they are not.
//
// The number of segments and the kind of each follow from the type alone, and
// the syntax of package key keeps segments apart; so unequal values have
// unequal keys, unless their MarshalText makes them alike.
//
// # What cannot be a key
//
// Floats and complex numbers (0 and -0 are equal and print differently, NaN
// does not equal itself), and whatever refers to other memory: pointers,
// interfaces, channels. [For] refuses them and says where they are. It refuses
// floats even in types that have MarshalText: equal keys must encode alike, or
// an invalidation of one would miss the other.
//
// # Caveats
//
// MarshalText must depend on nothing but the value, and be the same for equal
// values. Where it gives the same text for unequal values they share an entry
// in Redis: the text is then what identifies them.
//
// [time.Time] is such a type. Its == compares the monotonic clock reading and
// the location as well, of which the text keeps only the offset, so one instant
// can be many keys; a key built by time.Now().UTC().Truncate(24*time.Hour) or,
// better, an integer is what a caller wants.
//
// A struct that embeds a type with MarshalText has that method too, by
// promotion, and it says nothing about the other fields. Such a struct is
// encoded by its fields; so is one that embeds such a type and overrides its
// method, which cannot be told apart.
package keys
