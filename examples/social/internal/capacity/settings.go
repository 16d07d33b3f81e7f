// Package capacity bounds what a service takes on at once: so many requests in flight, a bounded queue behind them, and
// a limit on the time of each. What does not fit is refused at once, which is kinder than an answer that comes too late.
package capacity

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Settings say how much a service takes on. FromEnv checks them.
type Settings struct {
	Workers int           // WEB_CONCURRENCY; with Threads: how many requests are in flight at once
	Threads int           // WEB_THREADS: of each worker. To this program both are goroutines
	Queue   int           // WEB_QUEUE: how many more may wait for their turn
	Timeout time.Duration // WEB_TIMEOUT: how long a request may take, waiting included
}

// Defaults are three workers of four threads, as many waiting as are served in four turns, and 30 seconds.
func Defaults() Settings {
	s := Settings{Workers: 3, Threads: 4, Timeout: 30 * time.Second}
	s.Queue = queued * s.Capacity()
	return s
}

// queued is how many may wait for each that is in flight, unless WEB_QUEUE says otherwise.
const queued = 4

// Capacity is how many requests are in flight at once.
func (s Settings) Capacity() int { return s.Workers * s.Threads }

// FromEnv reads the four variables. One that is empty has its default; all faults come back as one error.
func FromEnv(env func(string) string) (Settings, error) {
	s := Defaults()
	var faults []error
	read := func(name string, into *int, low, high int) (set bool) {
		text := env(name)
		if text == "" {
			return false
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			faults = append(faults, fmt.Errorf("%s is %q: must be a whole number from %d to %d", name, text, low, high))
			return false
		}
		*into = n
		return true
	}
	seconds := int(s.Timeout / time.Second)
	read("WEB_CONCURRENCY", &s.Workers, 1, 1000)
	read("WEB_THREADS", &s.Threads, 1, 1000)
	if !read("WEB_QUEUE", &s.Queue, 0, 1_000_000) {
		s.Queue = queued * s.Capacity()
	}
	read("WEB_TIMEOUT", &seconds, 1, 3600)
	s.Timeout = time.Duration(seconds) * time.Second
	return s, errors.Join(faults...)
}
