package scenario

import (
	"context"

	"github.com/freshet-go/freshet/benchmarks/peers/lab"
	"github.com/redis/go-redis/v9"
)

const (
	// mgetFloor is what the client and the server can do at best: keys that are known beforehand, asked for in full
	// batches that nobody waits for one by one.
	mgetFloor   = "mget-floor"
	floorKeys   = 256 // in an MGET
	floorTrips  = 2   // in flight
	floorChunks = 64  // of keys, asked for in turn
)

// floorEntrant counts keys, not commands.
func floorEntrant(size int) Entrant {
	return Entrant{mgetFloor, func(ctx context.Context, l *Lab) (Trial, error) {
		s, err := server(ctx)
		if err != nil {
			return Trial{}, err
		}
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
		free := func() {
			_ = rdb.Close()
			s.Close()
		}
		value := bytes[string](size)("")
		keys := names(floorKeys * floorChunks)
		if err := each(keys, func(key string) error { return rdb.Set(ctx, key, value, lifetime).Err() }); err != nil {
			free()
			return Trial{}, err
		}
		ask := lab.Work{Callers: floorTrips, Op: func(i int) error {
			at := i % floorChunks * floorKeys
			return rdb.MGet(ctx, keys[at:at+floorKeys]...).Err()
		}}
		return Trial{Close: free, Measure: func(context.Context) (Sample, error) {
			done, err := ask.For(l.RoundTime)
			if err != nil {
				return nil, err
			}
			count := float64(done.Ops * floorKeys)
			return Sample{
				NsPerOp: float64(done.Elapsed) / count, OpsPerS: count / done.Elapsed.Seconds(),
				AllocsOp: done.Allocs / floorKeys,
			}, nil
		}}, nil
	}}
}
