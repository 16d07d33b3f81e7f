//go:build unix

// Package servers starts real redis-server processes on free loopback ports: one with a replica, a master with replicas
// under three Sentinels, or a Cluster of three masters with a replica each. It stops, kills and fails them over.
package servers
