package scenario

import (
	"context"
	"fmt"

	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

// freshetRedis is Freshet that keeps nothing in memory.
const freshetRedis = "freshet-redis"

var redisHits = Scenario{
	ID: "S2", Title: "A hit in Redis",
	Note: "Nobody keeps anything in memory. go-redis is a plain GET with its default pool. mget-floor is no cache: two " +
		"goroutines that ask for 256 keys at a time over go-redis, which is the most that such a client and server give.",
	Bouts: func(l *Lab) []Bout {
		throughput := map[int][]float64{200: {0.95, 1, 4.5, 8}, 2048: {0.95, 1, 2.8, 4}}
		var all []Bout
		for _, size := range []int{200, 2048} {
			for i, callers := range []int{1, 16, 128, 512} {
				b := Bout{Name: "RedisHit", Case: fmt.Sprintf("bytes=%d/callers=%d", size, callers)}
				for _, lib := range []string{freshetRedis, "go-redis", "rueidis", "go-redis-cache"} {
					b.Entrants = append(b.Entrants, redisEntrant(lib, callers, bytes[string](size), l.Keys))
				}
				b.Targets = []Target{
					atLeastTimes(throughput[size][i], freshetRedis, OpsPerS, "go-redis"),
					atMostTimes(1, freshetRedis, P99, "go-redis"),
				}
				if callers >= 128 {
					b.Targets = append(b.Targets, atLeastTimes(1.8, freshetRedis, OpsPerS, "rueidis"))
					b.Entrants = append(b.Entrants, floorEntrant(size))
				}
				all = append(all, b)
			}
		}
		return all
	},
}

func redisEntrant[V any](lib string, callers int, value func(string) V, count int) Entrant {
	return Entrant{lib, func(ctx context.Context, _ *Lab) (Trial, error) {
		name := lib
		if lib == freshetRedis {
			name = "freshet-ristretto" // without room, it has no memory
		}
		keys := names(count)
		c, err := open(ctx, name, value, 0, true, lifetime)
		if err != nil {
			return Trial{}, err
		}
		if err := warm(ctx, c.Cache, c.origin, keys); err != nil {
			c.Close()
			return Trial{}, err
		}
		return Trial{Work: lab.Work{Op: c.hits(ctx, asked(keys)), Callers: callers}, Spoiled: &c.origin.loads, Close: c.Close}, nil
	}}
}
