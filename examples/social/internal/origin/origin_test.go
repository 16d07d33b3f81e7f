package origin_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

func TestPopulation(t *testing.T) {
	for _, users := range []int{100, 101, 999, 22_024} {
		p := origin.Population{Users: users, Seed: 5}
		writers := 0
		for id := int64(1); id <= int64(users); id++ {
			if n, ok := p.IsWriter(id); ok {
				if p.Writer(n) != id {
					t.Fatalf("of %d users, %d is writer %d, who is %d", users, id, n, p.Writer(n))
				}
				writers++
				if posts := p.Posts(id); len(posts) != 5 {
					t.Fatalf("writer %d has %d posts", id, len(posts))
				}
			} else if len(p.Posts(id)) != 0 {
				t.Fatalf("reader %d has posts", id)
			}
		}
		if writers != p.Writers() {
			t.Errorf("of %d users, %d write, want %d", users, writers, p.Writers())
		}
		for id := int64(1); id <= 100; id++ {
			f := p.Following(id)
			if len(f) < 8 || len(f) > 15 || slices.Contains(f, id) || len(slices.Compact(slices.Clone(f))) != len(f) {
				t.Fatalf("user %d of %d follows %v", id, users, f)
			}
			for _, w := range f {
				if _, ok := p.IsWriter(w); !ok {
					t.Fatalf("user %d follows %d, who is no writer", id, w)
				}
			}
		}
	}
}

// TestLatency: a feed takes 400 to 800 ms, an authentication 200 ms, health 6 s.
func TestLatency(t *testing.T) {
	for range 1000 {
		if d := origin.Seeds("users"); d < 24*time.Millisecond || d > 26*time.Millisecond {
			t.Fatalf("a query takes %v", d)
		}
	}
	if d := origin.Seeds("jobs") + origin.Seeds("jobs_stats"); d < 5900*time.Millisecond || d > 6100*time.Millisecond {
		t.Errorf("health takes %v", d)
	}
	if _, _, err := origin.ParseLatency("fast"); err == nil {
		t.Error("an unknown latency is accepted")
	}
}

// TestCallObeysContext: a query whose caller has gone does not wait its latency out.
func TestCallObeysContext(t *testing.T) {
	db, err := origin.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	db.Delay(func(string) time.Duration { return time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Users(ctx, []int64{1}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
