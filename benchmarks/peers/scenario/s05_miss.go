package scenario

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9"
)

const loadTime = time.Millisecond

var misses = Scenario{
	ID: "S5", Title: "A miss",
	Note: "A load of 1 ms, values of 200 bytes. naive is GET, load, SET behind a singleflight, and for a hundred keys MGET, " +
		"one load, and SETs in a pipeline; Freshet also takes a lease.",
	Bouts: func(*Lab) []Bout {
		return []Bout{
			{
				Name: "Miss", Case: "keys=1",
				Entrants: []Entrant{missEntrant(freshetRedis), missEntrant("naive")},
				Targets:  []Target{atMostTimes(1.05, freshetRedis, NsPerOp, "naive")},
			},
			{
				Name: "Miss", Case: "keys=100",
				Entrants: []Entrant{{freshetRedis, prepareBatchMiss}, {"naive", prepareNaiveBatchMiss}},
				Targets:  []Target{atMostTimes(1.1, freshetRedis, NsPerOp, "naive")},
			},
		}
	},
}

// fresh numbers keys that nobody has asked for, in all rounds.
type fresh struct{ last atomic.Int64 }

func (f *fresh) key() string { return "new:" + strconv.FormatInt(f.last.Add(1), 10) }

func (f *fresh) keys(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = f.key()
	}
	return all
}

// slowly is how a query takes its time.
func slowly(string) []byte {
	time.Sleep(loadTime)
	return bytes[string](200)("")
}

func missEntrant(lib string) Entrant {
	return Entrant{lib, func(ctx context.Context, _ *Lab) (Trial, error) {
		name := lib
		if lib == freshetRedis {
			name = "freshet-ristretto"
		}
		c, err := open(ctx, name, slowly, 0, true, lifetime)
		if err != nil {
			return Trial{}, err
		}
		var f fresh
		return Trial{Close: c.Close, Work: lab.Work{Op: func(int) error {
			before := c.origin.loads.Load()
			_, err := c.Get(ctx, f.key())
			if err == nil && c.origin.loads.Load() != before+1 {
				err = fmt.Errorf("%d loads for a miss", c.origin.loads.Load()-before)
			}
			return err
		}}}, nil
	}}
}

func loadMany(_ context.Context, keys []string) (map[string][]byte, error) {
	value := slowly("")
	all := make(map[string][]byte, len(keys))
	for _, key := range keys {
		all[key] = value
	}
	return all, nil
}

// batches is work that misses a hundred keys at once.
func batches(get func(keys []string) (map[string][]byte, error)) lab.Work {
	var f fresh
	return lab.Work{Op: func(int) error {
		found, err := get(f.keys(batch))
		if err == nil && len(found) != batch {
			err = fmt.Errorf("%d keys found of %d", len(found), batch)
		}
		return err
	}}
}

func prepareBatchMiss(ctx context.Context, _ *Lab) (Trial, error) {
	s, err := server(ctx)
	if err != nil {
		return Trial{}, err
	}
	c, err := contender.OpenFreshet(contender.Setup[int, []byte]{Redis: s.Addr}, tiered.Options{})
	if err != nil {
		s.Close()
		return Trial{}, err
	}
	free := func() {
		c.Close()
		s.Close()
	}
	rows, err := cache.NewBatch(loadMany, cache.Options{Store: c.Store, Name: "batches"})
	if err != nil {
		free()
		return Trial{}, err
	}
	return Trial{Close: free, Work: batches(func(keys []string) (map[string][]byte, error) {
		return rows.GetMany(ctx, keys)
	})}, nil
}

func prepareNaiveBatchMiss(ctx context.Context, _ *Lab) (Trial, error) {
	s, err := server(ctx)
	if err != nil {
		return Trial{}, err
	}
	rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
	free := func() {
		_ = rdb.Close()
		s.Close()
	}
	return Trial{Close: free, Work: batches(func(keys []string) (map[string][]byte, error) {
		values, err := rdb.MGet(ctx, keys...).Result()
		if err != nil {
			return nil, err
		}
		found := make(map[string][]byte, len(keys))
		var missing []string
		for i, value := range values {
			if data, ok := value.(string); ok {
				found[keys[i]] = []byte(data)
			} else {
				missing = append(missing, keys[i])
			}
		}
		loaded, err := loadMany(ctx, missing)
		if err != nil {
			return nil, err
		}
		_, err = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for key, value := range loaded {
				found[key] = value
				p.Set(ctx, key, value, lifetime)
			}
			return nil
		})
		return found, err
	})}, nil
}
