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
//	origin                         17 µs  (96 µs)     0.90 µs (3.6 µs)     41 µs    (125 µs)
//	redis                         369 µs (1.0 ms)     98 µs   (295 µs)     40 µs    (111 µs)
//	memory                         25 µs  (88 µs)     0.29 µs (1.4 µs)     0.08 µs  (0.17 µs)
//	memory-redis-down              25 µs  (84 µs)     0.23 µs (1.1 µs)     0.08 µs  (0.14 µs)
//
// All but the origin answered without a single load. From Redis, sixteen callers get a feed in 202 µs, an auth in 26 µs
// and a health in 5.0 µs each, against 433, 125 and 46 µs for one (ns/op): reads at the same time share a round trip. A
// Redis that is gone costs nothing while memory has the answer.
//
// # Engines
//
// BenchmarkMemoryHit compares a hit with that of the engine alone, 10,000 keys and values of 64 bytes with a time to live.
// ns/op, with one goroutine and with two:
//
//	freshet-ristretto   109   97
//	raw-ristretto       165  102
//	freshet-otter        67   52
//	raw-otter           106   50
//
// The library's hits are not slower than the engines' own, although each checks that nothing invalidated it: deadlines are
// compared with a ticked clock, where the engines read the real one on every hit.
//
// BenchmarkEngineCost and BenchmarkHitRatio tell the rest. Bytes of an entry with a value of 64 bytes, in a Store of 256 MiB
// that is not full:
//
//	             heap   counted against MemoryBytes   an empty Store
//	ristretto     377   572                           18 MB
//	otter         263   272                            2 MB
//
// While memory is not full, ristretto and the window in front of it both hold the entry and both count it; it exists once.
//
// Hits in percent of the requests of two recorded traces, for memory of about 1, 5 and 25 percent of their distinct keys:
//
//	             orm-busy          web07
//	ristretto    62  82  90        42  53  64
//	otter        64  80  88        43  52  62
//
// The loop is tight: neither engine has the time that a network would give it to take entries in, and runs differ by a few
// points. The traces are not part of the project; FRESHET_TRACES names a folder of them, and without one a zipf order is
// replayed.
package benchmarks
