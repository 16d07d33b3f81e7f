package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
)

var memoryHits = Scenario{
	ID: "S1", Title: "A hit in memory",
	Note: "Values of 64 bytes, zipf. Freshet checks on each hit that nothing invalidated the entry, that it has not " +
		"expired and that its link to other nodes is trusted, and counts it; its Store has a Redis, as has that of " +
		"whoever can have one. Engines with “-ttl” have a time to live, which the others do without.",
	Bouts: func(l *Lab) []Bout {
		var all []Bout
		for _, callers := range []int{1, 2} {
			all = append(all,
				memoryBout("string", callers, names(l.Keys)),
				memoryBout("int", callers, numbers(l.Keys)))
		}
		return all
	},
}

// memoryLibs are the entrants: a suffix says what they have a time to live.
var memoryLibs = []string{
	"freshet-ristretto", "freshet-otter", "ristretto", "ristretto-ttl", "otter", "otter-ttl", "theine-ttl", "sturdyc",
	"go-redis-cache", "rueidis-csc", "map",
}

func memoryBout[K contender.Key](kind string, callers int, keys []K) Bout {
	b := Bout{Name: "MemoryHit", Case: fmt.Sprintf("keys=1e4/type=%s/callers=%d", kind, callers)}
	if len(keys) != 10_000 {
		b.Case = fmt.Sprintf("keys=%d/type=%s/callers=%d", len(keys), kind, callers)
	}
	for _, lib := range memoryLibs {
		b.Entrants = append(b.Entrants, memoryEntrant(lib, callers, keys))
	}
	for _, lib := range []string{"freshet-ristretto", "freshet-otter"} {
		b.Targets = append(b.Targets, atMost(lib, AllocsOp, 0.01), atMostTimes(0.1, lib, NsPerOp, "go-redis-cache"))
	}
	b.Targets = append(b.Targets,
		atMostTimes(1.6, "freshet-ristretto", NsPerOp, "ristretto"),
		atMostTimes(0.7, "freshet-ristretto", NsPerOp, "sturdyc"),
		atMostTimes(1.8, "freshet-otter", NsPerOp, "otter"),
		atMostTimes(0.45, "freshet-otter", NsPerOp, "sturdyc"),
	)
	return b
}

func memoryEntrant[K contender.Key](lib string, callers int, keys []K) Entrant {
	return Entrant{lib, func(ctx context.Context, _ *Lab) (Trial, error) {
		name, timed := strings.CutSuffix(lib, "-ttl")
		ttl, redis := lifetime, true
		switch name {
		case "ristretto", "otter", "theine", "map":
			if !timed {
				ttl = time.Duration(0)
			}
		case "sturdyc":
			redis = false // it would make no difference to a hit, and JSON of everything
		}
		c, err := open(ctx, name, bytes[K](64), 10*len(keys), redis, ttl)
		if err != nil {
			return Trial{}, err
		}
		if err := warm(ctx, c.Cache, c.origin, keys); err != nil {
			c.Close()
			return Trial{}, err
		}
		return Trial{Work: lab.Work{Op: c.hits(ctx, asked(keys)), Callers: callers, Quick: true}, Spoiled: &c.origin.loads, Close: c.Close}, nil
	}}
}
