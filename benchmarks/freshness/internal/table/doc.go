//go:build unix

// Package table is the memory that the coordinator and the nodes share: a mapped file. It holds the origin (one version
// for each key, which only grows), what Redis was told, what is done to whom, and the last events of each key on each
// node. It outlives a node that is killed, and a read or a write of it is an atomic load or store.
package table
