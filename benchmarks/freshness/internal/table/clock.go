package table

import "time"

var (
	base   = time.Now()
	offset = calibrate()
)

// Now is an instant that all processes of the machine agree on, in nanoseconds: CLOCK_MONOTONIC, read as the difference
// to one calibrated reading, so that it costs no system call.
func Now() int64 { return offset + int64(time.Since(base)) }

// calibrate finds what the system's clock showed at base; a reading during which the process was held up is repeated.
func calibrate() int64 {
	for {
		before := time.Since(base)
		at := monotonic()
		if after := time.Since(base); after-before < 100*time.Microsecond {
			return at - int64(before)
		}
	}
}
