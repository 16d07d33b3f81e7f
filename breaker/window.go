package breaker

import "time"

// tenths is how finely a window moves.
const tenths = 10

// window counts results over a rolling time. It is not safe for concurrent use.
type window struct {
	slice time.Duration // length of one
	head  int64         // number of the newest, counted from the breaker's birth
	good  [tenths]int
	bad   [tenths]int
	total struct{ good, bad int }
}

// add counts a result. A time before the newest slice, which happens when
// goroutines read the clock in one order and arrive in another, counts there.
func (w *window) add(now time.Duration, failed bool) {
	w.roll(int64(now / w.slice))
	if i := w.head % tenths; failed {
		w.bad[i]++
		w.total.bad++
	} else {
		w.good[i]++
		w.total.good++
	}
}

func (w *window) roll(to int64) {
	if to-w.head >= tenths {
		w.clear()
		w.head = to
	}
	for w.head < to {
		w.head++
		i := w.head % tenths
		w.total.good -= w.good[i]
		w.total.bad -= w.bad[i]
		w.good[i], w.bad[i] = 0, 0
	}
}

func (w *window) clear() { *w = window{slice: w.slice, head: w.head} }
