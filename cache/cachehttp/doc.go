// Package cachehttp shows what the caches of a process do, as JSON for machines and as a page for people, and lets
// operators invalidate. It needs nothing but the standard library.
//
//	stats, err := cachehttp.New(cachehttp.Options{Store: store})
//	defer stats.Close()
//	users, err := cache.New(repo.UserByID, cache.Options{Store: store, Name: "users", Observer: stats.Observer()})
//	internal.Handle("/cache/stats", stats)
//
// # Statistics
//
// [Stats] is a read-only handler for one path, whichever that is. Browsers get a page that updates itself every other
// second: per cache the answers by tier, loads, and their latencies; charts of answers, latencies, memory in use, link and
// breaker over the last minutes, of all caches or of one; what Redis did. Everybody else gets a [Snapshot] as JSON; so do
// browsers with ?format=json. With ?cache=NAME its history is of that cache.
//
// The page loads nothing from elsewhere. Its script and its style come from its own path (?file=…), so it works under a
// Content-Security-Policy of 'self', and sends a stricter one itself.
//
// What it shows may be private: the names of caches, and with Options.ShowKeys the keys that are read most on this node.
// Mount it where only operators get, or behind a handler that checks who asks.
//
// # Invalidation
//
// [Admin] is a handler of its own, mounted and authorised separately. It takes POST alone, refuses requests that a
// browser makes on behalf of other sites, and logs who invalidated what.
package cachehttp
