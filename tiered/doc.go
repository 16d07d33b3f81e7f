// Package tiered is memory over Redis, and everything that keeps the two honest. It knows Redis and no loads; package
// cache knows loads and no Redis. Most programs call [Open] and [Dial] only, and give the [Store] to package cache.
//
//	rdb, err := tiered.Dial("redis://localhost:6379")
//	store, err := tiered.Open(tiered.Options{Redis: rdb, MemoryBytes: 256 << 20})
//	defer store.Close()
//
// # What keeps it honest
//
// Three things carry the freshness. The fence (fence.go) is what this node knows to be invalidated; it gives and checks
// Stamps, and every memory read checks one: the engines are trusted for nothing. The link (link.go) is how nodes tell
// each other (listen.go is one session of it); publisher.go and peers.go count its messages, to find lost ones; trust.go
// decides what its silence means; arrivals.go and recovery.go find out whether another Redis answers, and tell it what it
// may not know. The journal (journal.go) is what Redis could not be told yet.
//
// In Redis one key holds one entry: a value, its absence, a lease for whoever loads it, or a hold while it is being
// written (record.go). Every change is one script on that key (scripts.go), which compares the header of what it
// replaces; nothing spans the slots of a Cluster. Leases are those of Nishtala et al., "Scaling Memcache at Facebook",
// NSDI 2013, with a token that is unique to the execution of the command.
//
// A prefix invalidation is one row in a sorted set (sequence.go, prefixes.go): a value is dead if an ancestor of its key
// has a later sequence than the newest one that was known before its load. No keys are scanned.
//
// # What is hot
//
// The hottest keys of each cache are remembered in one record (hotkeys.go, hotrecord.go), which nodes read, merge with what
// they have found, and write, once a minute and when a cache closes. A key keeps the reads of the node where they are most,
// not a sum: to say a thing twice changes nothing, so that nodes need not agree on who says it, and what is lost when two
// write at once is said again. Nothing is written while Redis is away, or is not known to be the one that it was.
//
// # When Redis is away
//
// Every call has a budget and goes through a breaker (remote.go). While the breaker is open, requests do not wait for
// Redis at all: only the Store's own commands find out whether it is back. Invalidations are journaled, and their keys
// not read from Redis by this node until they are replayed.
//
// # Caveats
//
//   - Whoever can write to Redis can write values. Records carry a checksum against accidents, not against malice.
//   - One Namespace is one set of Stores: they must agree on MaxTTL and on the codecs of their caches.
//   - The eviction policy of Redis should be volatile or allkeys: with noeviction and a full memory nothing new is
//     cached there, which is counted and harmless.
//   - A hold that Redis evicts protects nothing; leave it some room.
//
// # Memory engines
//
// [Ristretto] is the default, [Otter] the alternative; package benchmarks has what each costs. An engine is a function
// that makes a [Memory], and any other can be given instead.
package tiered
