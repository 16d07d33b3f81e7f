package breaker

import (
	"context"
	"errors"
)

// Do calls fn if the breaker allows it, reports what came of it, and returns
// fn's error as it is, or [ErrOpen] without calling fn.
//
// What counts:
//
//	fn                                          counts as
//	returns nil                                 a success
//	returns an error that is context.Canceled   nothing: the caller went away
//	returns an error for which isFailure(err)   a failure
//	returns any other error                     a success: the service answered
//	panics, or calls runtime.Goexit             nothing; it goes on as usual
//
// isFailure is not asked about context.Canceled, alone or wrapped. It is asked
// about context.DeadlineExceeded, as only the caller knows whose deadline it
// was. A nil isFailure takes every other error for a failure.
func (b *Breaker) Do(fn func() error, isFailure func(error) bool) error {
	p, err := b.Allow()
	if err != nil {
		return err
	}
	defer p.Cancel()
	err = fn()
	switch {
	case err == nil:
		p.Success()
	case errors.Is(err, context.Canceled):
		p.Cancel()
	case isFailure == nil || isFailure(err):
		p.Failure()
	default:
		p.Success()
	}
	return err
}
