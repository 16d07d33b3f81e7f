package cache_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// delays lets commands and answers take their time, sometimes longer than anybody waits; the command is executed then
// all the same. Some commands are sent twice, as clients that retry do.
type delays struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (d *delays) draw(cmd redis.Cmder) (before, after time.Duration, twice bool) {
	if name := cmd.Name(); name == "hello" || name == "client" {
		return 0, 0, false // the client holds a lock meanwhile, and time stands still in a bubble where others want it
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delay := func() time.Duration {
		switch d.r.IntN(100) {
		case 0:
			return time.Duration(d.r.IntN(200)) * time.Millisecond
		case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
			return time.Duration(d.r.IntN(20)) * time.Millisecond
		}
		return 0
	}
	return delay(), delay(), d.r.IntN(50) == 0
}

func (d *delays) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *delays) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		before, after, twice := d.draw(cmd)
		time.Sleep(before)
		ctx = context.WithoutCancel(ctx)
		err := next(ctx, cmd)
		if twice {
			err = next(ctx, cmd)
		}
		time.Sleep(after)
		return err
	}
}

func (d *delays) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		before, after, _ := d.draw(cmds[0])
		time.Sleep(before)
		err := next(context.WithoutCancel(ctx), cmds)
		time.Sleep(after)
		return err
	}
}
