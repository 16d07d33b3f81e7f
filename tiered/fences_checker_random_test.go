package tiered_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/ttl"
)

// chaos is a random history: three nodes read, write and invalidate a few rows, while loads are slow or fail, commands are
// late, lost or executed twice, networks break, Redis fails over to replicas that lag behind, and a writer dies.
type chaos struct {
	*lab
	seed uint64
	over chan struct{}
}

var histories = flag.Uint64("tiered.histories", 12, "how many random histories are made")

const (
	chaosNodes   = 3
	chaosReaders = 2 // of each node
	chaosFor     = 8 * time.Second
)

// With all fences nothing is missed. The seeds are fixed; the order in which goroutines run is not.
func TestNothingIsMissed(t *testing.T) {
	policies := []ttl.Policy{
		ttl.Fixed(labPolicy).StaleIfError(time.Hour),
		ttl.Fixed(700 * time.Millisecond).Jitter(0.3),
		ttl.Fixed(500 * time.Millisecond).StaleWhileRevalidate(time.Hour).StaleIfError(time.Hour),
	}
	for seed := range *histories {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			violations, trace := inLab(t, chaosNodes, policies[seed%3], func(l *lab) {
				(&chaos{l, seed, make(chan struct{})}).run()
			})
			require.Empty(t, violations, "seed %d:\n%s", seed, trace)
		})
	}
}

// random is a source of its own for one goroutine; draw makes one that several may share.
func (c *chaos) random(of int) *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(of))) }

func (c *chaos) draw(of int) func(n int) int {
	r := c.random(of)
	var mu sync.Mutex
	return func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return r.IntN(n)
	}
}

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func (c *chaos) run() {
	c.drawLoads(c.draw(1))
	for i, m := range c.members {
		m.on("", c.delays(c.draw(100+i)))
		for j := range chaosReaders {
			c.meanwhile(func() { c.reader(m, c.random(200+10*i+j)) })
		}
		c.meanwhile(func() { c.writer(m, c.random(300+i)) })
		c.meanwhile(func() { c.breaker(m, c.random(400+i)) })
	}
	c.meanwhile(func() { c.failovers(c.random(500)) })
	time.Sleep(chaosFor)
	close(c.over)
	c.work.Wait()
	c.drawLoads(nil)
}

func (c *chaos) goesOn() bool {
	select {
	case <-c.over:
		return false
	default:
		return true
	}
}

// delays are those of commands and of their answers, sometimes longer than anybody waits.
func (c *chaos) delays(draw func(int) int) func(redis.Cmder, func() error) error {
	delay := func() {
		switch n := draw(100); {
		case n == 0:
			time.Sleep(millis(draw(200)))
		case n <= 10:
			time.Sleep(millis(draw(20)))
		}
	}
	return func(_ redis.Cmder, next func() error) error {
		delay()
		if draw(200) == 0 {
			return errLost
		}
		err := next()
		if draw(50) == 0 {
			err = next()
		}
		delay()
		if draw(200) == 0 {
			return errLost
		}
		return err
	}
}

func (c *chaos) key(r *rand.Rand) labKey { return labKey{1 + r.IntN(2), 1 + r.IntN(2)} }

func (c *chaos) reader(m *member, r *rand.Rand) {
	for c.goesOn() && !m.dead.Load() {
		time.Sleep(millis(r.IntN(40)))
		for range 5 {
			switch key := c.key(r); r.IntN(20) {
			case 0:
				m.refresh(key)
			case 1, 2:
				m.peek(key)
			default:
				m.get(key)
			}
		}
	}
}

func (c *chaos) writer(m *member, r *rand.Rand) {
	pause := func() { time.Sleep(millis(r.IntN(30))) }
	for c.goesOn() {
		time.Sleep(millis(r.IntN(200)))
		switch key := c.key(r); r.IntN(10) {
		case 0, 1:
			m.set(key)
		case 2, 3, 4:
			if m.node == 2 && r.IntN(20) == 0 {
				m.mutate(key, pause, m.crash)
				return
			}
			m.mutate(key, pause, pause)
		case 5:
			m.invalidatePrefix(key.Group)
		case 6:
			m.expire(key)
		default:
			m.invalidate(key)
		}
	}
}

// breaker breaks the network of a node now and then.
func (c *chaos) breaker(m *member, r *rand.Rand) {
	for c.goesOn() && !m.dead.Load() {
		time.Sleep(millis(100 + r.IntN(4000)))
		lasts := millis(r.IntN(3000))
		switch r.IntN(4) {
		case 0:
			m.note("node %d: connections break", m.node)
			m.net.Load().Cut()
			continue
		case 1:
			m.note("node %d: connections fall silent", m.node)
			m.away.Store(true)
			m.net.Load().Silence()
		case 2:
			m.down()
		case 3:
			m.freeze()
		}
		time.Sleep(lasts)
		if !m.dead.Load() {
			m.note("node %d: all is well", m.node)
			m.up()
		}
	}
}

func (m *member) note(format string, args ...any) { m.lab.note(format, args...) }

// failovers are two, to replicas that lag behind.
func (c *chaos) failovers(r *rand.Rand) {
	for range 2 {
		time.Sleep(millis(500 + r.IntN(3000)))
		replica := c.replicate()
		time.Sleep(millis(r.IntN(300)))
		c.failover(replica)
	}
}
