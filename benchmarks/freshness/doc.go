//go:build unix

// Command freshness checks the freshness contract of package cache on real processes, and would catch a lie: it starts
// redis-servers and cache nodes, has them read and write a versioned origin while it breaks everything around them, and
// judges every single read.
//
//	go run ./benchmarks/freshness -duration 10m                      # standalone Redis, every fault
//	go run ./benchmarks/freshness -topology sentinel -seed 7
//	go run ./benchmarks/freshness -faults failover,node-kill -engine otter
//	go run ./benchmarks/freshness -faults -link-drop                 # every fault but one
//
// It needs Linux or another Unix, and redis-server on PATH. It ends with a table, the violations with their histories, and
// a line of JSON; the exit code is 1 if a promise was broken, 2 if the run itself failed.
//
// # The origin
//
// Every key has a version that only grows, in a file that all processes map. A write increments it, atomically. A load
// reads it in the moment when it begins, and returns that, however long it takes: a value says when its load began. So
// floors need no clocks: an invalidation covers the version that is there when it is called, a value below that was loaded
// before.
//
// # What is judged
//
//   - F1: on the node where an Invalidate, InvalidatePrefix, Set or Mutate returned, with whatever error, a read that starts
//     later returns no less than that call covered. A restarted node begins anew. One fault alone excuses it, for a second
//     and unless -strict is set: a failover that loses writes behind an intact link, which the library documents as a limit.
//   - F2: what an acknowledged invalidation of a key has removed from Redis must not be found there by a Store without
//     memory, at any time, nor anything too old by a new Store in the end.
//   - F3: on other nodes a read may be behind what Redis has acknowledged for 250 ms with the link up; for MaxStaleness more
//     if the link was disturbed since; for FallbackTTL and a load more if Redis could not be reached. The coordinator marks
//     what it disturbs before it does; a plain client that has no answer in the budget of a Store marks the rest, as
//     on a busy machine. Prefixes may take a poll of one second more. Scheduling stalls are measured and
//     added, and so is the first tick of a clock after its process was stopped. A failover, or a restart from an old
//     snapshot, that loses acknowledged writes voids F3 until their authors, who are then alive, have told them again.
//   - F4: a node is killed between the commit of a Mutate and its invalidation: from the longest load later on, others
//     return no less than the commit.
//   - F5: a key that nobody has asked for yet is asked for by all nodes at once; undisturbed, that is one load.
//   - F6 and F7: a read fails only if its own context ended or a load of its key failed, and returns within its waits for
//     loads and a second. A write fails only with ErrDeferred, or with its own error.
//   - F8: within 20 s after the last fault all nodes are at rest, owe Redis nothing, and no tier has anything too old.
//   - F9: the books balance, and count what was asked.
//   - Tokens: a read with one returns no less than it covers, at once.
//
// # What is drawn
//
// The operations of every worker, the behavior of every load (slow, failing, hanging, deaf to its context, panicking) and
// the times and kinds of the faults come from the seed. Equal seeds give equal lists; how they interleave is the machine's.
//
// Times are CLOCK_MONOTONIC, which is one for all processes of a machine. The wall clocks that the
// library goes by differ: each node that was killed comes back with one that is minutes fast or slow (-skew).
package main
