//go:build unix && !linux

package table

import "time"

// monotonic stands for a shared monotonic clock where the standard library has no call for it; nobody may set the clock
// during a run.
func monotonic() int64 { return time.Now().UnixNano() }
