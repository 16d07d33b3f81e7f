// Package hot finds the keys that are read most, in bounded space and from a
// sample of the reads.
//
// A [Sketch] is Space-Saving, of Metwally, Agrawal and El Abbadi, "Efficient
// Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005: a
// fixed number of counters, the least of which is given to a key that has none,
// together with its count. So a count is never too small, and too large by at
// most what the counter had when its key got it; what was added since is what
// [Sketch.Counts] tells. Of n samples and m counters, a key that has more than
// n/m of the samples has a counter.
//
// What is counted is halved again and again, so that keys that were hot
// yesterday make room.
package hot
