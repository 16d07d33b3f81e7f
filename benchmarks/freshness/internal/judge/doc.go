// Package judge decides from a history whether a read was too old. Its functions are pure: what happened comes in, the
// least version that a read had to return goes out.
//
// A version of a key only grows. An invalidation covers the version that the origin had when it was called: a value whose
// load began later has at least that version. Two kinds of floor follow:
//
//   - the node's own: once an invalidation returned on a node, no read that starts later there may be below what it
//     covered (F1). That floor has no clock, and no fault excuses it;
//   - the others': an invalidation that was acknowledged by Redis is [Told]; a read elsewhere may be below what it covered
//     for a time that depends on what happened to the reader's connections meanwhile (F3). [Bounds] says how long.
package judge
