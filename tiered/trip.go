package tiered

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/freshet-go/freshet/breaker"
)

const (
	nearby = time.Millisecond // below it, waking a goroutine is a good part of a round trip

	// patience is how late a caller on its own round trip may notice that its context was cancelled. It costs a connection
	// when Redis takes longer once.
	patience = 4 * time.Millisecond
)

// faulty marks an error that the breaker must hear of although the results are worth having.
type faulty struct{ error }

// caller says on whose behalf Redis is asked. Requests are not delayed by a Redis that may still be away: only the
// Store's own commands probe a breaker that is half open. A replay does not wait for its turn to probe: it has a pace of
// its own, and on a Cluster it must reach the shards that live while another, which is down, keeps the breaker open.
type caller int

const (
	request caller = iota
	probe
	replaying
)

// guard runs f within the budget and tells the breaker how it went. What f returns after the budget is thrown away, so
// f must not write to anything that it does not return.
func guard[T any](r *remote, who caller, f func(context.Context) (T, error)) (T, error) {
	type done struct {
		value T
		err   error
	}
	var none T
	permit, err := r.permit(who)
	if err != nil {
		return none, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.budget)
	defer cancel()
	ch := make(chan done, 1)
	go func() {
		value, err := call(ctx, f)
		ch <- done{value, err}
	}()
	select {
	case d := <-ch:
		return verdict(permit, d.value, d.err)
	case <-ctx.Done():
		permit.Failure()
		return none, fmt.Errorf("%w within %v", errUnseen, r.budget)
	}
}

// self runs f on this goroutine, which must not be kept for longer than within: the budget, or less. It is not ok if that
// is over before the budget; then nothing is said about Redis.
func self[T any](r *remote, began time.Time, within time.Duration, f func(context.Context) (T, error)) (value T, err error, ok bool) { //nolint:revive // err is an answer
	permit, err := r.permit(request)
	if err != nil {
		return value, err, true
	}
	var ctx context.Context
	switch within {
	case r.budget:
		ctx = r.whole.context(began)
	case patience:
		ctx = r.short.context(began)
	default:
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(context.Background(), began.Add(within))
		defer cancel()
	}
	answer, err := call(ctx, f)
	took := time.Since(began)
	if r.took.Store(int64(took)); took > r.budget+patience {
		r.lied.Store(time.Now().UnixNano())
		r.lies.Add(1)
	}
	if err != nil && ctx.Err() != nil && within < r.budget {
		permit.Cancel()
		return value, nil, false
	}
	value, err = verdict(permit, answer, err)
	return value, err, true
}

// call calls the client. A panic of it, or of a hook, is an error.
func call[T any](ctx context.Context, f func(context.Context) (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("tiered: the client panicked: %v", p)
		}
	}()
	return f(ctx)
}

// closed returns an error while requests must not ask Redis.
func (r *remote) closed() error {
	if r.breaker.State() == breaker.Closed {
		return nil
	}
	return fmt.Errorf("%w: %w", errUnseen, breaker.ErrOpen)
}

// permit asks the breaker.
func (r *remote) permit(who caller) (permit breaker.Permit, err error) {
	if who == request {
		if err := r.closed(); err != nil {
			return permit, err
		}
	}
	permit, err = r.breaker.Allow()
	if err != nil && who != replaying {
		return permit, fmt.Errorf("%w: %w", errUnseen, err)
	}
	return permit, nil
}

// verdict tells the breaker how a round trip went, and the caller what it brought.
func verdict[T any](permit breaker.Permit, value T, err error) (T, error) {
	if err == nil {
		permit.Success()
		return value, nil
	}
	var none T
	var part faulty
	switch {
	case errors.As(err, &part):
		permit.Failure()
		return value, nil
	case isFault(err):
		permit.Failure()
	default:
		permit.Success() // an answer, if not the one that was hoped for
	}
	return none, fmt.Errorf("%w: %w", errUnseen, err)
}

// obeyed tells whether the client can be relied on to come back within the budget. One that has not is guarded for a
// while, each time longer: this process may have been paused.
func (r *remote) obeyed() bool {
	lies := r.lies.Load()
	return r.promise.Kept() && (lies == 0 || time.Since(time.Unix(0, r.lied.Load())) > time.Second<<min(lies-1, 8))
}
