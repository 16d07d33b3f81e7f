// Package size estimates how many bytes a value holds, so that a cache in
// memory can be bounded in bytes.
//
// The estimate is what the value itself takes plus the heap blocks that its
// strings, slices, maps, pointers and interfaces reach, with the allocator's
// rounding and a map's spare room guessed. For ordinary values it is within a
// factor of two of the truth, mostly closer; it is a cost, not an account.
//
// Types are compiled once. A type that reaches nothing costs a constant, a
// string or a slice of such a type one multiplication. Everything else is
// walked, within bounds, so that a huge value costs little more than a large
// one, and a cyclic one ends:
//
//   - of a long slice or a large map a sample is walked and the rest taken to
//     be alike;
//   - beyond a number of parts or a depth, nothing more is counted;
//   - what two pointers of one value share is counted once; what two values
//     share is counted for both.
//
// # What is not walked
//
// Channels, functions and unsafe pointers count as the word that they are.
//
// A struct with a lock or an atomic in it, of the packages sync and
// sync/atomic, counts as its own bytes only. It is a live object that others
// may change at any time, and to range over its maps meanwhile would end the
// program. A cache of such objects should be bounded in entries.
//
// Nor is what all values have in common: time zones, interned handles, type
// descriptors.
package size
