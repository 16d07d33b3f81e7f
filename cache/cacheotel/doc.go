// Package cacheotel tells OpenTelemetry what a Store and its caches do: spans of what goes beyond memory, and metrics.
//
//	telemetry, err := cacheotel.New(cacheotel.Options{Store: store})
//	defer telemetry.Close()
//	users, err := cache.New(repo.UserByID, cache.Options{Store: store, Name: "users", Observer: telemetry.Observer()})
//
// # Spans
//
// A read that memory answers has no span: there may be millions a second. What goes beyond has one, named as the
// conventions for databases (semconv 1.43) name it, by the operation and the cache: "read users", "refresh users",
// "invalidate users", "set users", "mutate users". A call of the loader, "load users", is a child of the read that it is
// for, and the parent of what the loader does in the database, since loaders get its context; a load in the background
// begins a trace of its own. Others that wait for the same load, or whose keys it loads too, have spans with a link to it:
// how long it took, and why it failed, is told there.
//
// The spans are of kind internal: which of them reach Redis is not known when they begin. go-redis's own
// instrumentation adds spans of its commands, on contexts of their own.
//
// Attributes are db.system.name ("freshet"), db.operation.name, db.collection.name (the cache's name),
// db.operation.batch.size for more than one key, error.type, and freshet.answer (redis_hit, load, joined, negative, stale,
// error; for many keys freshet.answers.redis_hit and so on, which are counts). Keys are not told: they may be private.
//
// # Metrics
//
// db.client.operation.duration has the durations of the same operations but loads, by the same attributes;
// freshet.load.duration those of loads. With Options.Store the counters of all its caches are observed
// (freshet.cache.requests by freshet.answer, freshet.cache.load_errors, …), and the state of the Store: freshet.link.up,
// freshet.breaker.state, freshet.memory.used, and more.
//
// The package is a module of its own, so that the library does not depend on OpenTelemetry.
package cacheotel
