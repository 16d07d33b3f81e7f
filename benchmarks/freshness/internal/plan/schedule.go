package plan

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Settings are what a plan depends on beside its seed.
type Settings struct {
	Seed     uint64
	Duration time.Duration
	Nodes    int
	Keys     int
	Faults   []Fault
}

const (
	redisCycle = 5800 * time.Millisecond // of a fault of Redis and the quiet after it: every kind comes ten times in ten minutes
	nodeCycle  = 5200 * time.Millisecond
	aftermath  = 5 * time.Second // in which what was lost is told again
	quietAtEnd = 2 * time.Second
)

// Schedule is the faults of the two lanes, each in the order of time.
func (s Settings) Schedule() (redis, node []Event) {
	redis = s.lane(1, RedisFaults, redisCycle, nil)
	node = s.lane(2, NodeFaults, nodeCycle, redis)
	return redis, node
}

// lane repeats the kinds in ever new orders, so that all come equally often. A fault that silences a node waits while
// another lane has Redis lose what that node may have to tell again.
func (s Settings) lane(lane uint64, kinds []Fault, cycle time.Duration, beside []Event) (events []Event) {
	r := rand.New(rand.NewPCG(s.Seed, lane<<32))
	kinds = slices.DeleteFunc(slices.Clone(kinds), func(f Fault) bool { return !slices.Contains(s.Faults, f) })
	if len(kinds) == 0 {
		return nil
	}
	var round []Fault
	for at := cycle / 4; ; {
		if len(round) < len(kinds) {
			next := slices.Clone(kinds)
			r.Shuffle(len(next), func(i, j int) { next[i], next[j] = next[j], next[i] })
			round = append(round, next...)
		}
		e := Event{At: at, For: lasts(r), Node: r.IntN(s.Nodes), Draw: r.Uint64()}
		i := slices.IndexFunc(round, func(f Fault) bool { return !clashes(f, e, beside) })
		if e.At+e.For > s.Duration-quietAtEnd {
			return events
		}
		if i < 0 {
			at += 500 * time.Millisecond
			continue
		}
		e.Fault = round[i]
		round = slices.Delete(round, i, i+1)
		events = append(events, e)
		at += max(e.For+cycle/5, cycle/2+time.Duration(r.Int64N(int64(cycle))))
	}
}

// lasts is short, longer than MaxStaleness, or long enough for everything to notice.
func lasts(r *rand.Rand) time.Duration {
	switch r.IntN(4) {
	case 0:
		return time.Duration(50+r.IntN(500)) * time.Millisecond
	case 1, 2:
		return time.Duration(600+r.IntN(1800)) * time.Millisecond
	}
	return time.Duration(2500+r.IntN(1500)) * time.Millisecond
}

func clashes(f Fault, e Event, beside []Event) bool {
	return f.silences() && slices.ContainsFunc(beside, func(other Event) bool {
		from, to := other.At-time.Second, other.At+other.For+aftermath
		return (other.Fault.loses() || other.Fault == MutateKilled && f == NodeKill) && e.At < to && e.At+e.For > from
	})
}

// Digest tells two plans apart.
func (s Settings) Digest() uint64 {
	h := uint64(14695981039346656037)
	mix := func(vs ...uint64) {
		for _, v := range vs {
			h = (h ^ v) * 1099511628211
		}
	}
	redis, node := s.Schedule()
	for _, e := range slices.Concat(redis, node) {
		mix(uint64(e.At), uint64(e.For), uint64(e.Node), e.Draw)
		for _, b := range []byte(e.Fault) {
			mix(uint64(b))
		}
	}
	for node := range s.Nodes {
		for worker := range Readers + Writers {
			ops := s.Ops(node, 0, worker)
			for range 256 {
				op := ops.Next()
				mix(uint64(op.Kind), uint64(op.Key), uint64(op.Pause), uint64(op.Within), op.Draw)
			}
		}
	}
	return h
}
