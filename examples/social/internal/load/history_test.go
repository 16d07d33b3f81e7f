package load

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestPossible is a script of two writes: what may be seen when.
func TestPossible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistories(func(int64) string { return "seed" })
		start := time.Now()
		at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
		write := func(began, returned int, value string) {
			time.Sleep(time.Until(at(began)))
			_, unlock := h.lock(1)
			h.begin(1, value)
			time.Sleep(time.Until(at(returned)))
			h.returned(1, value)
			unlock()
		}
		write(10, 20, "a")
		write(30, 40, "b")
		for _, c := range []struct {
			from, to int
			want     []string
		}{
			{1, 9, []string{"seed"}},
			{1, 15, []string{"seed", "a"}},  // the write may be through
			{15, 25, []string{"seed", "a"}}, // asked before it returned
			{21, 25, []string{"a"}},         // asked after it returned: the old value is stale
			{21, 35, []string{"a", "b"}},
			{1, 50, []string{"seed", "a", "b"}},
			{41, 50, []string{"b"}},
		} {
			if got := h.possible(1, at(c.from), at(c.to)); !slices.Equal(got, c.want) {
				t.Errorf("from %d to %d: %q, want %q", c.from, c.to, got, c.want)
			}
		}
		if got := h.possible(2, at(1), at(2)); !slices.Equal(got, []string{"seed"}) {
			t.Errorf("never written: %q", got)
		}
		if h.latest(1) != "b" || h.latest(2) != "seed" {
			t.Errorf("latest are %q and %q", h.latest(1), h.latest(2))
		}
	})
}

func TestQuantile(t *testing.T) {
	var l Latencies
	if l.Mean() != 0 || l.Quantile(0.99) != 0 {
		t.Error("of nothing, something")
	}
	for i := range 100 {
		l = append(l, time.Duration(i+1))
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 50, 0.95: 95, 0.99: 99, 1: 100} {
		if got := l.Quantile(q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if l.Mean() != 50 {
		t.Errorf("mean is %d", l.Mean())
	}
}
