// Package cache puts a cache in front of a function and keeps the promise that a cache usually breaks: after you
// invalidate, nobody gets the old value again.
//
//	users, err := cache.New(repo.UserByID, cache.Options{Store: store, Name: "users"})
//	u, err := users.Get(ctx, 42)
//
// The result is a [Cached]: its Get has the signature of the function, and can stand in for it. Values come from memory
// (tens of nanoseconds), from Redis (one round trip, shared with whoever reads at the same time) or from the function,
// which is called once per key however many callers on however many nodes ask. A [tiered.Store] holds the entries of
// all caches of a process; without one, a cache is private and in memory only.
//
// # How a Get goes
//
// get.go looks into memory. If the entry there is stamped, and nothing that concerns its key was invalidated since, that
// is the answer. Otherwise the caller joins the flight of the key, or leads one (ticket.go), under a Stamp taken before
// anything is read. fly.go takes the flight through Redis: a value found there ends it; where there is none, a lease is
// taken, so that no other node loads the same; loads.go calls the function; land keeps the result in memory under the
// Stamp, answers all who wait, and writes it to Redis by compare-and-set on the lease. An invalidation in between ends
// the Stamp and removes the lease: callers who asked before still get the result, and nothing of it stays.
//
// # The contract
//
//   - F1, same node: after Invalidate, InvalidatePrefix, Set or Mutate returned, even with an error because Redis is
//     away, no read that starts later on this node returns a value whose load began before that call. A Set's value
//     counts as loaded when its lease is granted.
//   - F2, shared tier: a value whose load began before an invalidation is never stored in Redis after it. No clock is
//     involved.
//   - F3, other nodes: with the link up, they drop the value when the message arrives. With the link down, silent or
//     lossy (a message is missing), they stop trusting memory within MaxStaleness and read Redis instead, and nobody joins
//     a load that is older than that; if Redis is away too, they keep entries in memory no longer than FallbackTTL.
//   - F4, writer crash: Mutate marks the key before the write. If the process dies between the commit and the
//     invalidation, readers bypass the cache for the key until the mark expires, and see nothing older than the start of
//     the load that answers them. Not covered: a mark that could not be placed, was evicted, or expired before the write
//     ended.
//   - F5, one load: one cold key costs one load. A load that hangs past its timeout is given up, and its late result
//     thrown away.
//   - F6, callers: each obeys its own context only. A cancelled leader, a panic or a runtime.Goexit in a load harms no
//     other caller.
//   - F7, outage: no fault of Redis is an error of Get, or delays it by more than the Store's budget before the breaker
//     opens, and by nothing after.
//   - F8, recovery: when Redis is back, the journal of missed invalidations is replayed first, then memory is emptied,
//     then reads resume.
//   - F9, books: [Stats] always balance.
//
// # Other nodes, at once
//
// A [tiered.Token], taken on one node and given to a read on another by [WithToken], makes that read see all that had
// returned on the first: read your own writes, across nodes.
//
// # A restart that begins warm
//
// Which keys are read most is found by a sample of the reads, one in [SampleEvery], which costs a hit a nanosecond or two,
// and remembered in Redis: the keys, never their values. HotKeys gives them back, the hottest first, and Warm takes them:
// what Redis still has of their values comes from there. Nothing of it says what is true: what Warm fetches is read like
// anything else.
//
// # Errors
//
// No usable value comes with an error, but for GetMany, which returns what it has beside a [*BatchError]. Every message
// begins with the name of a package of this module; the causes are wrapped.
//
// # Values and keys
//
// Values are shared by all callers and must not be changed, unless [Options].Isolate gives each caller a copy. Memory and
// Redis give back equal values: a type that would not come back equal from Redis is refused by New, by name of the
// field.
//
// Keys are strings, integers, booleans, arrays and structs of them, and types with MarshalText. A struct's fields become
// segments in order: with a key of struct{User int; Day string}, InvalidatePrefix(ctx, 42) invalidates all days of user
// 42. Unequal keys never share an entry, unless their MarshalText makes them alike.
//
// # Caveats
//
//   - The journal of missed invalidations dies with its process. What other nodes have is bounded by its time to live
//     then.
//   - An asynchronous failover of Redis can lose the last invalidations of a node that died with it.
//   - Times to live use wall clocks: clocks that differ move expiry, never freshness after an invalidation.
//   - A node that was paused may serve memory until the first tick of its clock, 10 ms after it goes on.
//   - Memory's deadlines are rounded down by that tick: an entry that lives for less than 10 ms lives in Redis only.
//   - A loader that ignores its context keeps its place among MaxLoads until it returns, on purpose: otherwise a
//     database that hangs would be asked without bound.
//   - A node that loads renews its lease every second; the lease of one that died ends three seconds after that, and
//     until then the others wait for it.
//   - While nodes follow different masters, as in the seconds before Sentinels have corrected an old one, they do not hear
//     of each other.
//   - A node that ends without Close makes the others empty their memory once, three seconds later: what it published last
//     may have been lost.
//   - A refused fill still stays in this node's memory, under its Stamp. That looks wrong and is not: what made Redis
//     refuse it also ends the Stamp, here at once or when its message arrives.
package cache
