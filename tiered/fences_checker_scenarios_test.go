package tiered_test

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// Short histories, each of which goes wrong without one fence. They say what happens; what may be read is judged as in
// any history.

var k = labKey{1, 1}

// lose loses commands: before Redis executes them, or after.
func lose(executed bool) func(redis.Cmder, func() error) error {
	return func(_ redis.Cmder, next func() error) error {
		if executed {
			_ = next()
		}
		return errLost
	}
}

// late lets commands take their time before they are executed, and their answers.
func late(before, after time.Duration) func(redis.Cmder, func() error) error {
	return func(_ redis.Cmder, next func() error) error {
		time.Sleep(before)
		err := next()
		time.Sleep(after)
		return err
	}
}

func readAfterInvalidate(l *lab) {
	a := l.members[0]
	a.get(k)
	a.invalidate(k)
	a.get(k)
}

func messagesMissedInAnOutage(l *lab) {
	a, b := l.members[0], l.members[1]
	b.get(k)
	b.down()
	l.pass(time.Second)
	a.invalidate(k)
	l.pass(20 * time.Second)
	b.up()
	l.pass(20 * time.Second)
	b.get(k)
}

func readDuringMutate(l *lab) {
	a := l.members[0]
	a.get(k)
	a.mutate(k, func() {}, func() {
		l.pass(5 * time.Second)
		a.get(k)
	})
}

func readBetweenTheBumps(l *lab) {
	a := l.members[0]
	a.get(k)
	a.on("invalidate", late(20*time.Millisecond, 0))
	l.meanwhile(func() { a.invalidate(k) })
	l.pass(10 * time.Millisecond)
	a.get(k) // from Redis, which has not heard of it
	l.pass(20 * time.Millisecond)
	a.get(k)
}

func setBetweenTheBumps(l *lab) {
	a := l.members[0]
	a.get(k)
	a.on("set", late(20*time.Millisecond, 0))
	l.meanwhile(func() { a.set(k) })
	l.pass(10 * time.Millisecond)
	a.get(k)
	l.pass(20 * time.Millisecond)
	a.get(k)
}

func joinAnOlderLoad(l *lab) {
	a := l.members[0]
	l.slow(k, 500*time.Millisecond)
	l.meanwhile(func() { a.get(k) })
	l.pass(100 * time.Millisecond)
	a.invalidate(k)
	a.get(k)
}

func leaseExecutedTwice(l *lab) {
	a, b := l.members[0], l.members[1]
	var again func() error
	a.on("lease", func(cmd redis.Cmder, next func() error) error {
		args := cmd.Args()
		again = func() error { return l.raw.Do(context.Background(), args...).Err() }
		return next()
	})
	l.slow(k, 500*time.Millisecond)
	l.meanwhile(func() { a.get(k) })
	l.pass(100 * time.Millisecond)
	b.invalidate(k)
	if again != nil {
		_ = again()
	}
	l.pass(time.Second)
	b.get(k)
}

func fillAfterAnotherLease(l *lab) {
	a, b := l.members[0], l.members[1]
	l.slow(k, 500*time.Millisecond)
	l.meanwhile(func() { a.get(k) })
	l.pass(100 * time.Millisecond)
	b.invalidate(k)
	l.slow(k, time.Second)
	l.meanwhile(func() { b.get(k) })
	l.pass(500 * time.Millisecond)
	l.join().get(k)
}

func refreshOverExpired(l *lab) {
	a, b := l.members[0], l.members[1]
	a.get(k)
	l.slow(k, 500*time.Millisecond)
	l.meanwhile(func() { a.refresh(k) })
	l.pass(100 * time.Millisecond)
	b.expire(k)
	l.pass(time.Second)
	b.get(k)
}

func prefixDuringALoad(l *lab) {
	a := l.members[0]
	l.slow(k, 500*time.Millisecond)
	l.meanwhile(func() { a.get(k) })
	l.pass(100 * time.Millisecond)
	a.invalidatePrefix(k.Group)
	l.pass(time.Second)
	a.get(k)
}

func readAfterPrefix(l *lab) {
	a, b := l.members[0], l.members[1]
	a.get(k)
	b.get(k)
	b.invalidatePrefix(k.Group)
	b.get(k)
	l.pass(2 * time.Second)
	a.get(k)
}

// writerCrash is a Mutate whose process dies after the commit.
func writerCrash(l *lab) {
	a, b := l.members[0], l.members[1]
	b.get(k)
	a.mutate(k, func() {
		l.pass(10 * time.Millisecond)
		b.get(k)
	}, func() {
		a.crash()
	})
	l.pass(4 * time.Second)
	b.get(k)
	l.pass(20 * time.Second)
	b.get(k)
}

// A reader that did not get Redis's answer has not seen the hold.
func writerCrashUnseen(l *lab) {
	a, b := l.members[0], l.members[1]
	a.mutate(k, func() {
		l.pass(10 * time.Millisecond)
		b.on("get", lose(false))
		b.get(k)
		b.clear()
	}, func() {
		a.crash()
	})
	l.pass(4 * time.Second)
	b.get(k)
}

func invalidationLost(l *lab) {
	a := l.members[0]
	a.get(k)
	a.on("invalidate", lose(false))
	a.invalidate(k)
	a.get(k)
	l.pass(10 * time.Millisecond)
	a.get(k)
}

func readBeforeTheTaint(l *lab) {
	a := l.members[0]
	a.get(k)
	a.on("invalidate", func(redis.Cmder, func() error) error {
		time.Sleep(20 * time.Millisecond)
		return errLost
	})
	l.meanwhile(func() { a.invalidate(k) })
	l.pass(25 * time.Millisecond)
	a.get(k)
	l.pass(50 * time.Millisecond)
	a.get(k)
}

func failureDuringAReplay(l *lab) {
	a, b := l.members[0], l.members[1]
	a.get(k)
	a.on("invalidate", late(0, 40*time.Millisecond)) // of the replay
	lost := func(done func(int) bool) {
		n := 0
		a.on("invalidate", func(cmd redis.Cmder, next func() error) error {
			if n++; done(n) {
				return late(0, 40*time.Millisecond)(cmd, next)
			}
			return errLost
		})
	}
	lost(func(n int) bool { return n > 1 })
	a.invalidate(k)
	l.pass(10 * time.Millisecond) // the replay was executed, but not answered
	b.get(k)
	lost(func(n int) bool { return n > 6 })
	a.invalidate(k)
	l.pass(35 * time.Millisecond)
	a.get(k)
	l.pass(5 * time.Millisecond)
	a.get(k)
}

// Redis executes an invalidation, fails over to a replica that has not heard of it, and the author hears of that before
// it hears the answer.
func failoverDuringAnInvalidation(l *lab) {
	a := l.members[0]
	a.get(k)
	r := l.replicate()
	a.on("invalidate", func(_ redis.Cmder, next func() error) error {
		a.clear()
		err := next()
		time.Sleep(45 * time.Millisecond)
		return err
	})
	l.meanwhile(func() { a.invalidate(k) })
	l.pass(5 * time.Millisecond)
	l.failover(r)
	l.pass(100 * time.Millisecond)
	a.get(k)
}

func failoverAfterAnInvalidation(l *lab) {
	a, b := l.members[0], l.members[1]
	a.get(k)
	b.get(k)
	r := l.replicate()
	a.invalidate(k)
	l.pass(time.Second)
	l.failover(r)
	l.pass(10 * time.Second)
	a.get(k)
	b.get(k)
}

func readRightAfterAFailover(l *lab) {
	a := l.members[0]
	a.get(k)
	r := l.replicate()
	a.invalidate(k)
	l.pass(time.Second)
	a.on("info", late(40*time.Millisecond, 0))
	l.failover(r)
	l.pass(10 * time.Millisecond)
	a.get(k)
}

func failoverDuringAMutate(l *lab) {
	a, b := l.members[0], l.members[1]
	r := l.replicate()
	a.mutate(k, func() {
		l.failover(r)
		l.pass(3 * time.Second)
		b.get(k)
	}, func() {
		a.crash()
	})
	l.pass(5 * time.Second)
	b.get(k)
}

// The old master's clock was ahead, and only b has heard of the sequence that it gave last.
func failoverLosesASequence(l *lab) {
	a, b := l.members[0], l.members[1]
	r := l.replicate()
	a.down()
	l.pass(time.Second)
	ahead := float64(time.Now().Add(24 * time.Hour).UnixMicro())
	l.raw.ZAdd(context.Background(), "freshet:prefixes", redis.Z{Member: "posts", Score: ahead})
	l.pass(2 * time.Second)
	b.subscribing(func() { time.Sleep(20 * time.Second) }) // then it fetches the prefix table, which lacks what it knows
	l.failover(r)
	a.up()
	l.pass(10 * time.Second)
	b.get(k)
	a.invalidatePrefix(k.Group)
	a.get(k)
	l.pass(2 * time.Second)
	b.get(k)
}

// The lease of b's load is back after a failover, and a, who ended it, is slow to say so again.
func fillAfterAFailover(l *lab) {
	a, b := l.members[0], l.members[1]
	l.slow(k, 1500*time.Millisecond)
	l.meanwhile(func() { b.get(k) })
	l.pass(100 * time.Millisecond)
	r := l.replicate()
	a.invalidate(k)
	l.pass(10 * time.Millisecond)
	a.down()
	l.failover(r)
	l.pass(5 * time.Second)
}

func readBeforeTheSubscription(l *lab) {
	a, b := l.members[0], l.members[1]
	a.get(k)
	b.subscribing(func() {
		b.clear()
		time.Sleep(200 * time.Millisecond)
	})
	b.net.Load().Cut()
	l.pass(150 * time.Millisecond)
	b.get(k) // from Redis: memory is not trusted
	a.invalidate(k)
	l.pass(2 * time.Second)
	b.get(k)
}

// b hears nothing of the prefix, and Redis is slow to tell it.
func prefixBeforeTheSubscription(l *lab) {
	a, b := l.members[0], l.members[1]
	a.get(k)
	b.subscribing(func() {
		time.Sleep(200 * time.Millisecond)
		b.on("info", lose(false))
	})
	b.net.Load().Cut()
	l.pass(100 * time.Millisecond)
	a.invalidatePrefix(k.Group)
	l.pass(1500 * time.Millisecond)
	b.get(k)
}

func silentLink(l *lab) {
	a, b := l.members[0], l.members[1]
	b.get(k)
	b.net.Load().Silence()
	a.invalidate(k)
	l.pass(3 * time.Second)
	b.get(k)
}

// Of a link that stands, one message is lost.
func lostMessage(l *lab) {
	a, b := l.members[0], l.members[1]
	b.get(k)
	a.on("invalidate", func(cmd redis.Cmder, next func() error) error {
		for i, arg := range cmd.Args() {
			if arg == "freshet:link" {
				cmd.Args()[i] = "nobody"
			}
		}
		return next()
	})
	a.invalidate(k)
	a.clear()
	l.pass(3 * time.Second)
	b.get(k)
}

// b cannot subscribe, but reads Redis: of what was invalidated meanwhile, prefixes included.
func prefixWithoutALink(l *lab) {
	a, b := l.members[0], l.members[1]
	a.get(k)
	b.unsubscribed()
	l.pass(2 * time.Second)
	a.invalidatePrefix(k.Group)
	l.pass(5 * time.Second)
	b.get(k)
}
