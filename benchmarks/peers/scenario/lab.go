package scenario

import (
	"context"
	"time"

	"github.com/freshet-go/freshet/benchmarks/internal/trace"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

// Lab is how much effort a run makes, and what it has at hand.
type Lab struct {
	Rounds    int           // of each bout
	RoundTime time.Duration // of each turn of an entrant, where it works for a time
	Keys      int           // of most scenarios
	Sizes     []int         // entries, of S8: from few to many
	Requests  int           // of each trace, the first so many
	Prefixes  int           // alive, of S10
	Trials    int           // of S7: misses without Redis
	Patience  time.Duration // of S7: with those who wait for Redis
	Traces    []trace.Trace // of S9; none: a zipf order
}

// Full is the effort of which results are worth keeping.
func Full() Lab {
	return Lab{
		Rounds: 7, RoundTime: 300 * time.Millisecond, Keys: 10_000, Sizes: []int{1e4, 1e6, 5e6}, Requests: 1_000_000,
		Prefixes: 100_000, Trials: 1000, Patience: 6 * time.Second,
	}
}

// Quick is for a look.
func Quick() Lab {
	return Lab{
		Rounds: 3, RoundTime: 30 * time.Millisecond, Keys: 10_000, Sizes: []int{1e4, 1e5}, Requests: 60_000,
		Prefixes: 10_000, Trials: 100, Patience: time.Second,
	}
}

// Tiny shows that everything runs.
func Tiny() Lab {
	return Lab{
		Rounds: 1, RoundTime: 2 * time.Millisecond, Keys: 256, Sizes: []int{500, 1000}, Requests: 5_000,
		Prefixes: 50, Trials: 20, Patience: 100 * time.Millisecond,
	}
}

// Scenario is a question, and the bouts that answer it.
type Scenario struct {
	ID    string
	Title string
	Note  string // what a reader of its figures must know
	Bouts func(*Lab) []Bout
}

// All returns the scenarios in their order.
func All() []Scenario {
	return []Scenario{
		memoryHits, redisHits, structHits, manyKeys, misses, stampede, outage, sizes, hitRatio, invalidation,
	}
}

// server starts a redis-server for one entrant: entrants that shared one would read each other's keys.
func server(ctx context.Context) (*lab.Server, error) { return lab.StartServer(ctx) }
