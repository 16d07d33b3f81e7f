package cachetest

import (
	"testing"

	"github.com/freshet-go/freshet/tiered"
)

// Store opens a Store of one megabyte in memory alone, which is closed with the test. Each change may alter the options.
// It runs on the clock of the synctest bubble that it is called in, if it is called in one.
func Store(t testing.TB, change ...func(*tiered.Options)) *tiered.Store {
	t.Helper()
	o := tiered.Options{MemoryBytes: 1 << 20}
	for _, f := range change {
		f(&o)
	}
	store, err := tiered.Open(o)
	if err != nil {
		t.Fatal("cachetest:", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error("cachetest: close the Store:", err)
		}
	})
	return store
}
