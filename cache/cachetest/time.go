package cachetest

import (
	"testing/synctest"
	"time"
)

// Pass lets d pass in a synctest bubble, and waits until everything that is due by then has happened: entries expired,
// breakers half open, refreshes done. Outside of a bubble it panics, as synctest.Wait does.
func Pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
