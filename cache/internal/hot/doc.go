// Package hot finds the keys that are read most, in bounded space and from a
// sample of the reads.
//
// A [Sketch] is Space-Saving (Metwally, Agrawal and El Abbadi, "Efficient
// Computation of Frequent and Top-k Elements in Data Streams", ICDT 2005): a
// fixed number of counters, the least of which is given to a key that has none,
// together with its count. It is given with a chance of one in that count and
// one (Ben Basat, Einziger, Friedman and Kassner, "Randomized Admission Policy
// for Efficient Top-k and Frequency Estimation", INFOCOM 2017), so that the many
// keys that are rarely read cost little and displace nobody. What was added
// since a key got its counter is what [Sketch.Counts] tells: never too much.
//
// What is counted is halved again and again, so that keys that were hot
// yesterday make room.
package hot
