// Package wall is the clock on the wall, by which records in Redis say until when they are fresh. Those of nodes differ;
// nothing but expiry may depend on it.
package wall

import "time"

// skew is how far this process's clock is off, for a checker that wants clocks apart.
var skew time.Duration

// Skew sets the clock wrong by d. It must be called before anything reads the clock.
func Skew(d time.Duration) { skew = d }

// Now is the time that this node believes in.
func Now() time.Time { return Of(time.Now()) }

// Of is what Now was at t.
func Of(t time.Time) time.Time { return t.Add(skew) }
