package tiered_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// What one node says of one key is a register between two bounds: a commit raises the upper one, the end of an
// invalidation the lower one, and a read returns a version between them. Each takes effect at one moment of its call.
type (
	bounds struct{ lower, upper int64 }
	step   struct {
		kind    stepKind
		version int64 // of a commit and of an invalidation
	}
	stepKind uint8
)

const (
	commitStep stepKind = iota
	invalidateStep
	readStep
)

var register = porcupine.Model{
	Init: func() any { return bounds{1, 1} },
	Step: func(state, input, output any) (bool, any) {
		b, in := state.(bounds), input.(step)
		switch in.kind {
		case commitStep:
			b.upper = max(b.upper, in.version)
		case invalidateStep:
			b.lower = max(b.lower, in.version)
		default:
			got := output.(int64)
			return b.lower <= got && got <= b.upper, b
		}
		return true, b
	},
	DescribeOperation: func(input, output any) string {
		return fmt.Sprint([]string{"commit ", "invalidate ", "read "}[input.(step).kind], input.(step).version, " ", output)
	},
}

// keptCalls are a history for porcupine. Their clock counts: in a bubble many things happen at one instant.
type keptCalls struct {
	clock atomic.Int64
	mu    sync.Mutex
	all   []porcupine.Operation
}

// record makes an operation of a call that f makes, unless it fails.
func (c *keptCalls) record(client int, in step, f func() (version int64, ok bool)) {
	began := c.clock.Add(1)
	version, ok := f()
	ended := c.clock.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ok {
		c.all = append(c.all, porcupine.Operation{ClientId: client, Input: in, Call: began, Output: version, Return: ended})
	}
}

// oneKey makes a history of one key on one node, over memory and Redis.
func oneKey(t *testing.T, seed uint64) porcupine.CheckResult {
	t.Helper()
	var c keptCalls
	_, _ = inLab(t, 1, ttl.Fixed(300*time.Millisecond).Jitter(0.3), func(l *lab) {
		m := l.members[0]
		shared := &chaos{l, seed, nil}
		l.drawLoads(shared.draw(1))
		m.on("", shared.delays(shared.draw(2)))
		for i := range 4 {
			r := rand.New(rand.NewPCG(seed, uint64(10+i)))
			l.meanwhile(func() {
				for range 25 {
					time.Sleep(millis(r.IntN(40)))
					c.read(i, m)
				}
			})
		}
		r := rand.New(rand.NewPCG(seed, 20))
		l.meanwhile(func() {
			for range 12 {
				time.Sleep(millis(r.IntN(80)))
				c.write(4, m, r.IntN(2) == 0)
			}
		})
		l.work.Wait()
		l.drawLoads(nil)
	})
	return porcupine.CheckOperationsTimeout(register, c.all, 10*time.Second)
}

func (c *keptCalls) read(client int, m *member) {
	c.record(client, step{kind: readStep}, func() (int64, bool) {
		value, err := m.cache.Get(context.Background(), k)
		version, _ := strconv.ParseInt(value, 10, 64)
		return version, err == nil // or a load has failed
	})
}

func (c *keptCalls) write(client int, m *member, set bool) {
	next := m.lab.version(k) + 1
	c.record(client, step{commitStep, next}, func() (int64, bool) { return m.lab.commit(k), true })
	c.record(client, step{invalidateStep, next}, func() (int64, bool) {
		if set {
			_ = m.cache.Set(context.Background(), k, fmt.Sprint(next))
		} else {
			_ = m.cache.Invalidate(context.Background(), k)
		}
		return next, true
	})
}

func TestOneKeyIsLinearizable(t *testing.T) {
	for seed := range uint64(8) {
		require.Equal(t, porcupine.Ok, oneKey(t, seed), "seed %d", seed)
	}
}

// The model is strict enough to miss a fence.
func TestOneKeyIsNotLinearizableWithoutBumps(t *testing.T) {
	defer tiered.Without(tiered.RuleSecondBump | tiered.RuleFirstBump)()
	for seed := range uint64(8) {
		if oneKey(t, seed) == porcupine.Illegal {
			return
		}
	}
	t.Fatal("nobody misses the bumps")
}
