// Package benchmarks measures what the tiers cost an application, and what the memory engines cost the tiers.
//
//	go test -run '^$' -bench . ./benchmarks
//
// takes about a minute and a half. With a redis-server on PATH it starts one for each benchmark, on a free port, and
// stops it where Redis is to be gone; without one, a miniredis in this process takes its place. The first lines of the
// output say which, and benchstat reads them.
//
// # Tiers
//
// BenchmarkFeed, BenchmarkAuth and BenchmarkHealth are three requests of one application: a feed of whom a user follows,
// their posts and their profiles (three caches, two GetMany of 20 keys); a session and its user; one value. The users
// follow a zipf order, the same in every run. Each request is answered by the origin, without a cache; by Redis alone; by
// memory; and by memory after Redis was stopped, once the Store has fallen back. loads/op counts the calls of the origin,
// and callers=16 is sixteen goroutines, who share round trips.
//
// The origin is a few maps in this process that answer at once: it stands for the least that a load can cost, not for a
// database. A feed from memory costs about what those maps do; a cache pays where a load is a query.
//
// Measured in November 2026 on two shared cores with Go 1.26.8 and redis-server 7.0.15; trust ratios, not times:
//
//	p50 (p99) with one caller      feed               auth                health
//	origin                         12 µs  (36 µs)     0.66 µs (2.2 µs)     24 µs    (44 µs)
//	redis                         172 µs (426 µs)     76 µs   (168 µs)     22 µs    (94 µs)
//	memory                         16 µs  (50 µs)     0.17 µs (0.8 µs)     0.06 µs  (0.22 µs)
//	memory-redis-down              16 µs  (49 µs)     0.17 µs (0.6 µs)     0.05 µs  (0.07 µs)
//
// All but the origin answered without a load, but for one feed. From Redis, sixteen callers get a feed in 77 µs, an auth in 11 µs
// and a health in 3.8 µs each, against 212, 88 and 40 µs for one (ns/op): reads at the same time share a round trip. A
// Redis that is gone costs nothing while memory has the answer.
//
// # Engines
//
// BenchmarkMemoryHit compares a hit with that of the engine alone, 10,000 keys and values of 64 bytes with a time to live.
// ns/op, with one goroutine and with two:
//
//	freshet-ristretto    75   39
//	raw-ristretto       119   60
//	freshet-otter        44   22
//	raw-otter            81   39
//
// The library's hits are not slower than the engines' own, although each checks that nothing invalidated it: deadlines are
// compared with a ticked clock, where the engines read the real one on every hit.
//
// BenchmarkEngineCost and BenchmarkHitRatio tell the rest. Bytes of an entry with a value of 64 bytes, in a Store of 256 MiB
// that is not full:
//
//	             heap   counted against MemoryBytes   an empty Store
//	ristretto     329   460                           18 MB
//	otter         216   216                            2 MB
//
// While memory is not full, ristretto and the window in front of it both hold the entry and both count it; it exists once.
//
// Hits in percent of the requests of two recorded traces, for memory of about 1, 5 and 25 percent of their distinct keys:
//
//	             orm-busy          web07
//	ristretto    65  83  90        43  53  64
//	otter        67  82  88        44  52  63
//
// The loop is tight: neither engine has the time that a network would give it to take entries in, and runs differ by a few
// points. The traces are not part of the project; FRESHET_TRACES names a folder of them, and without one a zipf order is
// replayed.
package benchmarks
