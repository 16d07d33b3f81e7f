package scenario

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
	"github.com/freshet-go/freshet/tiered"
)

const (
	growth       = "growth"
	goroutines   = "goroutines"
	turns        = 7    // of hits, of which the middle one counts
	roomFor      = 1024 // bytes per entry that a Store is given: more than it needs
	quietFor     = 200 * time.Millisecond
	goroutineFew = 10
)

// row is a value of 64 bytes.
type row [8]int64

var sizes = Scenario{
	ID: "S8", Title: "Few entries, and many",
	Note: "Values of 64 bytes with a time to live, int keys, asked for at random. growth is the time of a hit among the most " +
		"entries, in times of that among the fewest; the bytes of an entry are all that the heap grew by, divided by the " +
		"entries that can be found. A size is measured once, its hits seven times.",
	Bouts: func(l *Lab) []Bout {
		b := Bout{Name: "Sizes", Case: "value=64B", Rounds: 1}
		for _, lib := range []string{"freshet-ristretto", "freshet-otter", "ristretto-ttl", "otter-ttl", "map"} {
			b.Entrants = append(b.Entrants, Entrant{lib, func(_ context.Context, l *Lab) (Trial, error) {
				return Trial{Measure: func(ctx context.Context) (Sample, error) { return grow(ctx, l, lib) }}, nil
			}})
		}
		for _, engine := range []string{"ristretto", "otter"} {
			b.Targets = append(b.Targets, atMost("freshet-"+engine, growth, 3))
			for _, size := range l.Sizes[1:] {
				b.Targets = append(b.Targets, atMostTimes(1.3, "freshet-"+engine, at("bytes/entry", size), engine+"-ttl"))
			}
		}
		g := Bout{
			Name: "Goroutines", Case: fmt.Sprintf("keys=%d", l.Keys), Rounds: 1,
			Entrants: []Entrant{{"freshet-ristretto", prepareGoroutines}},
			Targets:  []Target{atMost("freshet-ristretto", "goroutines-more", 0)},
		}
		return []Bout{b, g}
	},
}

func at(metric string, size int) string { return fmt.Sprintf("%s@%.0e", metric, float64(size)) }

// grow opens a cache of each size, one after the other.
func grow(ctx context.Context, l *Lab, lib string) (Sample, error) {
	out := Sample{}
	for _, size := range l.Sizes {
		s, err := fill(ctx, l, lib, size)
		if err != nil {
			return nil, fmt.Errorf("%d entries: %w", size, err)
		}
		for metric, value := range s {
			out[at(metric, size)] = value
		}
	}
	out[growth] = out[at(NsPerOp, l.Sizes[len(l.Sizes)-1])] / out[at(NsPerOp, l.Sizes[0])]
	return out, nil
}

func fill(ctx context.Context, l *Lab, lib string, size int) (Sample, error) {
	o := &origin[int, row]{value: func(key int) row { return row{int64(key)} }}
	name, timed := strings.CutSuffix(lib, "-ttl")
	setup := contender.Setup[int, row]{Load: o.load, Entries: 2 * size}
	if timed || strings.HasPrefix(name, "freshet") {
		setup.TTL = lifetime
	}
	keys := numbers(size)
	empty, alone := lab.HeapBytes(), runtime.NumGoroutine()
	c, err := openSized(ctx, name, setup, int64(size)*roomFor)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = warm(ctx, c, o, keys) // some never take in all; what is there is counted below
	o.closed.Store(true)
	found := make([]int, 0, size)
	for _, key := range keys {
		if _, err := c.Get(ctx, key); err == nil {
			found = append(found, key)
		}
	}
	if len(found) < size/2 {
		return nil, fmt.Errorf("only %d can be found", len(found))
	}
	out := Sample{"kept-%": 100 * float64(len(found)) / float64(size)}
	out[goroutines] = float64(idle() - alone)
	out["bytes/entry"] = (lab.HeapBytes() - empty - 8*float64(cap(found))) / float64(len(found))
	out[NsPerOp], err = hitsAtRandom(ctx, l, c, found)
	return out, err
}

func openSized(ctx context.Context, name string, s contender.Setup[int, row], bytes int64) (contender.Cache[int, row], error) {
	switch name {
	case "freshet-ristretto":
		return contender.OpenFreshet(s, tiered.Options{Engine: tiered.Ristretto, MemoryBytes: bytes})
	case "freshet-otter":
		return contender.OpenFreshet(s, tiered.Options{Engine: tiered.Otter, MemoryBytes: bytes})
	}
	return contender.Named[int, row](name).Open(ctx, s)
}

// hitsAtRandom tolerates that an entry or two goes meanwhile.
func hitsAtRandom(ctx context.Context, l *Lab, c contender.Cache[int, row], keys []int) (float64, error) {
	order := make([]int, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range order {
		order[i] = keys[r.IntN(len(keys))]
	}
	missed := 0
	var all []float64
	total := 0
	for turn := range turns {
		done, err := lab.Work{Quick: true, Op: func(i int) error {
			if _, err := c.Get(ctx, order[(i+turn*len(order)/turns)&(len(order)-1)]); err != nil {
				missed++
			}
			return nil
		}}.For(l.RoundTime)
		if err != nil {
			return 0, err
		}
		total += done.Ops
		all = append(all, float64(done.Elapsed)/float64(done.Ops))
	}
	if missed > total/100 {
		return 0, fmt.Errorf("%d of %d hits were none", missed, total)
	}
	return lab.Median(all), nil
}

// idle is the number of goroutines when what is under way has ended.
func idle() int {
	least := runtime.NumGoroutine()
	for end := time.Now().Add(quietFor); time.Now().Before(end); time.Sleep(quietFor / 100) {
		least = min(least, runtime.NumGoroutine())
	}
	return least
}

// prepareGoroutines counts those of a Store with Redis after few keys, and after many.
func prepareGoroutines(ctx context.Context, l *Lab) (Trial, error) {
	before := idle()
	c, err := open(ctx, "freshet-ristretto", bytes[string](64), 10*l.Keys, true, lifetime)
	if err != nil {
		return Trial{}, err
	}
	return Trial{Close: c.Close, Measure: func(ctx context.Context) (Sample, error) {
		get := func(key string) error {
			_, err := c.Get(ctx, key)
			return err
		}
		keys := names(l.Keys)
		if err := each(keys[:goroutineFew], get); err != nil {
			return nil, err
		}
		few := idle() - before
		if err := each(keys, get); err != nil {
			return nil, err
		}
		many := idle() - before
		return Sample{goroutines: float64(many), "goroutines-more": float64(many - few)}, nil
	}}, nil
}
