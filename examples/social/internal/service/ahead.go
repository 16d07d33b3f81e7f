package service

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	gather = 20 * time.Millisecond // how long users may wait for more of them
	queued = 1000                  // users; more are left to load what they need when they need it
)

// ahead loads what users will need for authentication, behind the first answer that they get: whose following had to be
// loaded is new here, and will be back. They go in batches.
type ahead struct {
	users chan int64
	stop  context.CancelFunc
	done  sync.WaitGroup
}

func newAhead(load func(ctx context.Context, users []int64) error) *ahead {
	ctx, stop := context.WithCancel(context.Background())
	a := &ahead{users: make(chan int64, queued), stop: stop}
	a.done.Go(func() {
		for {
			select {
			case user := <-a.users:
				_ = load(ctx, a.more(ctx, user)) // whoever needs it meets the error again
			case <-ctx.Done():
				return
			}
		}
	})
	return a
}

// more gathers a batch.
func (a *ahead) more(ctx context.Context, first int64) []int64 {
	users := []int64{first}
	end := time.NewTimer(gather)
	defer end.Stop()
	for len(users) < warmBatch {
		select {
		case u := <-a.users:
			users = append(users, u)
		case <-end.C:
			return users
		case <-ctx.Done():
			return users
		}
	}
	return users
}

// expect tells of users who are new. It never waits.
func (a *ahead) expect(users []int64) {
	for _, u := range users {
		select {
		case a.users <- u:
		default:
			return
		}
	}
}

func (a *ahead) close() {
	a.stop()
	a.done.Wait()
}

// accounts loads what the authentications of users need.
func (c *Cached) accounts(ctx context.Context, users []int64) error {
	g, ctx := errgroup.WithContext(ctx)
	batches(ctx, g, c.sessions, users)
	batches(ctx, g, c.users, users)
	batches(ctx, g, c.profiles, users)
	batches(ctx, g, c.notifications, users)
	batches(ctx, g, c.messages, users)
	return g.Wait()
}
