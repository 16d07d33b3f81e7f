package service

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-go/freshet/examples/social/internal/origin"
)

// lookEvery is how often the jobs are looked at anew: long before the result of the last look expires.
const lookEvery = 15 * time.Second

// watch keeps the last good result of a slow look, so that asking for it never waits.
type watch struct {
	look  func(ctx context.Context, anew bool) (sight, error)
	last  atomic.Pointer[sight]
	bad   atomic.Bool // the last look failed
	first chan struct{}
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// sight is what a look saw.
type sight struct {
	jobs   []origin.JobStats
	failed []origin.Job
	at     time.Time // when the look began
}

func newWatch(look func(ctx context.Context, anew bool) (sight, error)) *watch {
	ctx, stop := context.WithCancel(context.Background())
	w := &watch{look: look, first: make(chan struct{}), stop: stop}
	w.done.Go(func() { w.run(ctx) })
	return w
}

func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for anew := false; ; anew = true {
		s, err := w.look(ctx, anew)
		w.bad.Store(err != nil)
		if err == nil {
			if w.last.Swap(&s) == nil {
				close(w.first)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *watch) health() Health {
	s := w.last.Load()
	if s == nil {
		return Health{Status: "starting", Jobs: []origin.JobStats{}, Failed: []origin.Job{}}
	}
	h := Health{Status: "ok", AgeMS: time.Since(s.at).Milliseconds(), Jobs: s.jobs, Failed: s.failed}
	if w.bad.Load() {
		h.Status = "stale"
	}
	return h
}

func (w *watch) close() {
	w.stop()
	w.done.Wait()
}

// look asks the caches for the state of the jobs; anew: the database, ahead of expiry, while readers go on with what
// there is.
func (c *Cached) look(ctx context.Context, anew bool) (s sight, err error) {
	s.at = time.Now()
	stats, jobs := c.jobStats.get, c.jobs.get
	if anew {
		stats, jobs = c.jobStats.cached.Refresh, c.jobs.cached.Refresh
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { s.jobs, err = stats(ctx, allJobs); return err })
	g.Go(func() (err error) { s.failed, err = jobs(ctx, "failed"); return err })
	return s, g.Wait()
}
