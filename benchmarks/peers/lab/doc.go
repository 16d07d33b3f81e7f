// Package lab is what measuring takes: servers to freeze and kill, callers at work, and processes that act as nodes. It
// knows no cache.
package lab
