package audit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/audit"
)

// TestReasons is a script: what happened to a key, and why it was loaded next.
func TestReasons(t *testing.T) {
	const key = int64(7)
	type book = audit.Book[int64]
	var faults uint64
	load := func(b *book, ctx context.Context, err error) {
		b.Loading(ctx, key)
		b.Landed([]int64{key}, func(int64) bool { return true }, err)
	}
	read := func(b *book) {
		ctx, done := b.Reading(context.Background(), key)
		defer done()
		load(b, ctx, nil)
	}
	for _, c := range []struct {
		name string
		then func(b *book) // after one load
		want audit.Reason
	}{
		{"nothing happened", read, audit.Unexplained},
		{"a write ended", func(b *book) { b.Writing(key)(); read(b) }, audit.Invalidated},
		{"a write is under way", func(b *book) { b.Writing(key); time.Sleep(time.Second); read(b) }, audit.Invalidated},
		{"another key was written", func(b *book) { b.Writing(key + 1)(); read(b) }, audit.Unexplained},
		{"it is too old", func(b *book) { time.Sleep(time.Minute); read(b) }, audit.Expired},
		{"it may be too old by jitter", func(b *book) { time.Sleep(55 * time.Second); read(b) }, audit.Expired},
		{"it is not too old by jitter", func(b *book) { time.Sleep(50 * time.Second); read(b) }, audit.Unexplained},
		{"nobody waits", func(b *book) { load(b, context.Background(), nil) }, audit.Refreshed},
		{"Redis failed", func(b *book) { faults++; read(b) }, audit.Outage},
		{"a batch of another's", func(b *book) {
			ctx, done := b.Reading(context.Background(), key+1)
			defer done()
			load(b, ctx, nil)
		}, audit.Refreshed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := audit.New(audit.Options{
					Name: "users", TTL: time.Minute, Jitter: 0.1, Absence: 30 * time.Second, Budget: 50 * time.Millisecond,
					Faults: func() (uint64, bool) { return faults, false },
				}, func(k int64) uint64 { return uint64(k) })
				read(b)
				time.Sleep(time.Second)
				before, _ := b.Count()
				if before[audit.Cold] != 1 || before.Total() != 1 {
					t.Fatalf("the first load is %v, want cold", before.Map())
				}
				c.then(b)
				after, strange := b.Count()
				if n := after.Minus(before); n[c.want] != 1 || n.Total() != 1 {
					t.Fatalf("the second load is %v, want %v", n.Map(), c.want)
				}
				if (len(strange) == 1) != (c.want == audit.Unexplained) {
					t.Fatalf("examples of what is unexplained: %q", strange)
				}
			})
		})
	}
}

// TestWriteDuringRead: what was asked for before a write ended cannot be kept, and the next load is the write's.
func TestWriteDuringRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := audit.New(audit.Options{TTL: time.Minute, Faults: func() (uint64, bool) { return 0, false }}, func(k int64) uint64 { return uint64(k) })
		ctx, done := b.Reading(t.Context(), 1)
		time.Sleep(time.Millisecond)
		b.Writing(1)()
		time.Sleep(time.Millisecond)
		b.Loading(ctx, 1)
		done()
		time.Sleep(time.Millisecond)
		ctx, done = b.Reading(t.Context(), 1)
		defer done()
		b.Loading(ctx, 1)
		if n, _ := b.Count(); n[audit.Cold] != 1 || n[audit.Invalidated] != 1 {
			t.Fatalf("loads are %v, want one cold and one invalidated", n.Map())
		}
	})
}

// TestFailedLoad: after a load that failed there is still nothing.
func TestFailedLoad(t *testing.T) {
	b := audit.New(audit.Options{TTL: time.Minute, Faults: func() (uint64, bool) { return 0, false }}, func(k int64) uint64 { return uint64(k) })
	ctx, done := b.Reading(t.Context(), 1)
	defer done()
	b.Loading(ctx, 1)
	b.Landed([]int64{1}, func(int64) bool { return false }, context.DeadlineExceeded)
	b.Loading(ctx, 1)
	if n, _ := b.Count(); n[audit.Cold] != 2 {
		t.Fatalf("loads are %v, want two cold", n.Map())
	}
}
