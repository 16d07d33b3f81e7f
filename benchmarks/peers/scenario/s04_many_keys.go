package scenario

import (
	"context"
	"fmt"
	"reflect"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
	"github.com/freshet-go/freshet/tiered"
	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"
)

const batch = 100

var manyKeys = Scenario{
	ID: "S4", Title: "A hundred keys at once, all there",
	Note: "Structs of fifteen fields. mget is one MGET and the same decoding, without any cache around it.",
	Bouts: func(l *Lab) []Bout {
		redisBout := Bout{
			Name: "GetMany", Case: "keys=100/tier=redis",
			Entrants: []Entrant{manyEntrant(freshetRedis), {"mget", prepareMGet}},
			Targets:  []Target{atMostTimes(1.15, freshetRedis, NsPerOp, "mget")},
		}
		memoryBout := Bout{
			Name: "GetMany", Case: "keys=100/tier=memory",
			Entrants: []Entrant{manyEntrant("freshet-ristretto"), manyEntrant("freshet-otter"), {"otter", prepareBulkGet}},
			Targets: []Target{
				atMostTimes(1.3, "freshet-ristretto", NsPerOp, "otter"),
				atMostTimes(1.3, "freshet-otter", NsPerOp, "otter"),
			},
		}
		return []Bout{redisBout, memoryBout}
	},
}

// many is work that asks for batches of keys, each of which must come back.
func many(keys []string, get func(keys []string) (map[string]user, error)) lab.Work {
	count := max(len(keys)-batch, 1)
	return lab.Work{Op: func(i int) error {
		from := i * batch % count
		want := keys[from : from+batch]
		found, err := get(want)
		if err == nil && len(found) != len(want) {
			err = fmt.Errorf("%d keys found of %d", len(found), len(want))
		}
		return err
	}}
}

func manyEntrant(lib string) Entrant {
	return Entrant{lib, func(ctx context.Context, l *Lab) (Trial, error) {
		name, entries := lib, 10*l.Keys
		if lib == freshetRedis {
			name, entries = "freshet-ristretto", 0
		}
		keys := names(l.Keys)
		c, err := open(ctx, name, newUser, entries, true, lifetime)
		if err != nil {
			return Trial{}, err
		}
		if err := warm(ctx, c.Cache, c.origin, keys); err != nil {
			c.Close()
			return Trial{}, err
		}
		cached := c.Cache.(*contender.Freshet[string, user])
		return Trial{Close: c.Close, Spoiled: &c.origin.loads, Work: many(keys, func(keys []string) (map[string]user, error) {
			return cached.GetMany(ctx, keys)
		})}, nil
	}}
}

func prepareMGet(ctx context.Context, l *Lab) (Trial, error) {
	s, err := server(ctx)
	if err != nil {
		return Trial{}, err
	}
	rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
	free := func() {
		_ = rdb.Close()
		s.Close()
	}
	codec, err := tiered.CodecFor(reflect.TypeFor[user](), tiered.CBOR)
	if err != nil {
		free()
		return Trial{}, err
	}
	keys := names(l.Keys)
	if err := each(keys, func(key string) error {
		value := newUser(key)
		data, err := codec.Append(nil, &value)
		if err == nil {
			err = rdb.Set(ctx, key, data, lifetime).Err()
		}
		return err
	}); err != nil {
		free()
		return Trial{}, err
	}
	return Trial{Close: free, Work: many(keys, func(keys []string) (map[string]user, error) {
		values, err := rdb.MGet(ctx, keys...).Result()
		if err != nil {
			return nil, err
		}
		found := make(map[string]user, len(keys))
		for i, value := range values {
			if data, ok := value.(string); ok {
				var u user
				if err := codec.Decode([]byte(data), &u); err != nil {
					return nil, err
				}
				found[keys[i]] = u
			}
		}
		return found, nil
	})}, nil
}

func prepareBulkGet(ctx context.Context, l *Lab) (Trial, error) {
	keys := names(l.Keys)
	c, err := open(ctx, "otter", newUser, 10*l.Keys, false, lifetime)
	if err != nil {
		return Trial{}, err
	}
	if err := warm(ctx, c.Cache, c.origin, keys); err != nil {
		c.Close()
		return Trial{}, err
	}
	cached := c.Cache.(*contender.Otter[string, user])
	loader := otter.BulkLoaderFunc[string, user](func(context.Context, []string) (map[string]user, error) {
		return nil, errLoaded
	})
	return Trial{Close: c.Close, Spoiled: &c.origin.loads, Work: many(keys, func(keys []string) (map[string]user, error) {
		return cached.BulkGet(ctx, keys, loader)
	})}, nil
}
