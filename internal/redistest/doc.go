// Package redistest gives tests a Redis: one inside the process, whose time is the test's and whose network can fail on
// command ([Mini], [Network]), and real ones, in processes that can be killed and frozen: a server ([Start]), a Cluster
// ([StartCluster]), or a master with replicas and Sentinels ([StartSentinel]).
//
// The first kind works in a testing/synctest bubble: it opens no socket, and its goroutines end with the test.
package redistest
