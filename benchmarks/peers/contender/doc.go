// Package contender puts caches of different libraries behind one small interface, each as its documentation would have
// a program use it, so that they can be checked and timed in the same way.
//
// Before a contender is timed it is checked (checks.go): does it return what was loaded, what does a caller get after an
// invalidation, what does the cancellation of one caller do to the others. What it fails is listed beside its figures: a
// cache that skips the work is quicker, and no faster.
package contender
