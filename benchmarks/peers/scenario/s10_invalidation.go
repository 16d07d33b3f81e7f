package scenario

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
	"github.com/freshet-go/freshet/benchmarks/peers/lab"
	"github.com/freshet-go/freshet/tiered"
	"github.com/redis/go-redis/v9"
)

const (
	roundTrips = "round-trips/op"
	prefixCost = "cost-ns/op"
	channel    = "invalidations"
	replayTime = 30 * time.Second
)

var invalidation = Scenario{
	ID: "S10", Title: "An invalidation",
	Note: "del-publish is DEL, then PUBLISH, as programs tell other nodes that have no link; nothing there notices a message " +
		"that is lost. The prefixes are invalidated and not forgotten yet; each pass over the keys follows the " +
		"invalidation of one more, so that every hit has to look its prefixes up.",
	Bouts: func(l *Lab) []Bout {
		return []Bout{
			{
				Name: "Invalidate", Case: "callers=128",
				Entrants: []Entrant{
					{"freshet-ristretto", prepareInvalidate},
					{"del-publish", prepareDelPublish(false)},
					{"del-publish-pipelined", prepareDelPublish(true)},
				},
				Targets: []Target{atLeastTimes(3, "freshet-ristretto", OpsPerS, "del-publish")},
			},
			{
				Name: "Invalidate", Case: "callers=1/counted", Rounds: 1,
				Entrants: []Entrant{{"freshet-ristretto", prepareRoundTrips}},
				Targets:  []Target{atMost("freshet-ristretto", roundTrips, 1)},
			},
			{
				Name: "Prefixes", Case: fmt.Sprintf("prefixes=%.0e", float64(l.Prefixes)),
				Entrants: []Entrant{{"freshet-ristretto", preparePrefixes}},
				Targets:  []Target{atMost("freshet-ristretto", prefixCost, 100)},
			},
		}
	},
}

func openWarm(ctx context.Context, keys []string) (*opened[string, []byte], error) {
	c, err := open(ctx, "freshet-ristretto", bytes[string](64), 10*len(keys), true, lifetime)
	if err != nil {
		return nil, err
	}
	if err := warm(ctx, c.Cache, c.origin, keys); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func prepareInvalidate(ctx context.Context, l *Lab) (Trial, error) {
	keys := names(l.Keys)
	c, err := openWarm(ctx, keys)
	if err != nil {
		return Trial{}, err
	}
	var deferred atomic.Int64
	return Trial{Close: c.Close, Spoiled: &deferred, Work: lab.Work{Callers: 128, Op: func(i int) error {
		err := c.Invalidate(ctx, keys[i%len(keys)])
		if errors.Is(err, tiered.ErrDeferred) {
			deferred.Add(1)
		}
		return told(err)
	}}}, nil
}

func prepareDelPublish(pipelined bool) func(context.Context, *Lab) (Trial, error) {
	return func(ctx context.Context, l *Lab) (Trial, error) {
		s, err := server(ctx)
		if err != nil {
			return Trial{}, err
		}
		rdb := redis.NewClient(&redis.Options{Addr: s.Addr})
		heard := rdb.Subscribe(ctx, channel) // there is somebody to tell, as with the others
		free := func() {
			_ = heard.Close()
			_ = rdb.Close()
			s.Close()
		}
		if _, err := heard.Receive(ctx); err != nil {
			free()
			return Trial{}, fmt.Errorf("invalidate: subscribe: %w", err)
		}
		messages := heard.Channel()
		go func() {
			for range messages { // dropped: the server's work counts here
			}
		}()
		keys := names(l.Keys)
		if err := each(keys, func(key string) error { return rdb.Set(ctx, key, "value", lifetime).Err() }); err != nil {
			free()
			return Trial{}, err
		}
		return Trial{Close: free, Work: lab.Work{Callers: 128, Op: func(i int) error {
			key := keys[i%len(keys)]
			if pipelined {
				_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
					p.Del(ctx, key)
					p.Publish(ctx, channel, key)
					return nil
				})
				return err
			}
			return errors.Join(rdb.Del(ctx, key).Err(), rdb.Publish(ctx, channel, key).Err())
		}}}, nil
	}
}

// counting is a hook that counts round trips.
type counting struct{ trips atomic.Int64 }

func (c *counting) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *counting) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.trips.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.trips.Add(1)
		return next(ctx, cmds)
	}
}

func prepareRoundTrips(ctx context.Context, l *Lab) (Trial, error) {
	keys := names(l.Keys)
	c, err := openWarm(ctx, keys)
	if err != nil {
		return Trial{}, err
	}
	var hook counting
	c.Cache.(*contender.Freshet[string, []byte]).Redis.AddHook(&hook)
	return Trial{Close: c.Close, Measure: func(ctx context.Context) (Sample, error) {
		var each []float64 // the link has round trips of its own, now and then: the middle one counts
		for _, key := range keys[:100] {
			before := hook.trips.Load()
			if err := c.Invalidate(ctx, key); err != nil {
				return nil, err
			}
			each = append(each, float64(hook.trips.Load()-before))
		}
		trips := lab.Median(each)
		if trips == 0 {
			return nil, errors.New("invalidate: no round trip was seen")
		}
		return Sample{roundTrips: trips}, nil
	}}, nil
}

// prefixed is a warm cache that gets prefix invalidations of other keys.
type prefixed struct {
	*contender.Freshet[string, []byte]

	keys []string
	last int
}

// another invalidates a prefix that none of the keys has.
func (p *prefixed) another(ctx context.Context) error {
	p.last++
	return told(p.InvalidatePrefix(ctx, "other:"+strconv.Itoa(p.last)))
}

// told forgives that Redis is told later: the machine stood still.
func told(err error) error {
	if errors.Is(err, tiered.ErrDeferred) {
		return nil
	}
	return err
}

// pass asks once for each key, and returns the nanoseconds of one.
func (p *prefixed) pass(ctx context.Context) (float64, error) {
	began := time.Now()
	for _, key := range p.keys {
		if _, err := p.Get(ctx, key); err != nil {
			return 0, err
		}
	}
	return float64(time.Since(began)) / float64(len(p.keys)), nil
}

func preparePrefixes(ctx context.Context, l *Lab) (Trial, error) {
	keys := names(l.Keys)
	few, err := openWarm(ctx, keys)
	if err != nil {
		return Trial{}, err
	}
	many, err := openWarm(ctx, keys)
	if err != nil {
		few.Close()
		return Trial{}, err
	}
	free := func() {
		few.Close()
		many.Close()
	}
	without := prefixed{Freshet: few.Cache.(*contender.Freshet[string, []byte]), keys: keys}
	with := prefixed{Freshet: many.Cache.(*contender.Freshet[string, []byte]), keys: keys}
	if err := each(numbers(l.Prefixes), func(n int) error {
		return told(with.InvalidatePrefix(ctx, "prefix:"+strconv.Itoa(n)))
	}); err != nil {
		free()
		return Trial{}, err
	}
	for end := time.Now().Add(replayTime); with.Store.Stats().Prefixes < l.Prefixes; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			free()
			return Trial{}, fmt.Errorf("prefixes: %d of %d are alive", with.Store.Stats().Prefixes, l.Prefixes)
		}
	}
	return Trial{Close: free, Measure: func(ctx context.Context) (Sample, error) {
		var none, looked []float64
		for end := time.Now().Add(2 * l.RoundTime); time.Now().Before(end) || len(looked) == 0; {
			before, err := without.pass(ctx)
			if err != nil {
				return nil, err
			}
			if err := with.another(ctx); err != nil {
				return nil, err
			}
			after, err := with.pass(ctx)
			if err != nil {
				return nil, err
			}
			none, looked = append(none, before), append(looked, after)
		}
		s := Sample{"without-ns/op": lab.Median(none), "with-ns/op": lab.Median(looked)}
		s[prefixCost] = s["with-ns/op"] - s["without-ns/op"]
		return s, nil
	}}, nil
}
