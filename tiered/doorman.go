package tiered

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// doorman is the hook of arrivals on the client of one server, and after a failover under Sentinel of the next one. It
// asks on each new connection, and again before an answer is believed from a server that was a replica when it was last
// asked: it has been promoted since.
//
// A hook cannot be taken off a client. That of a closed Store does nothing, and holds nothing.
type doorman struct {
	arrivals *arrivals
	master   atomic.Bool // it was one when it was last asked, and has not denied it since
}

// DialHook dials only for contexts that are not over: whoever gave one that is over wants no connection.
func (d *doorman) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return next(ctx, network, addr)
	}
}

// ProcessHook asks after the greeting, which is the first command on every connection, and wherever it is in doubt.
func (d *doorman) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	ask := func(ctx context.Context, info redis.Cmder) error { return next(ctx, info) }
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "hello" && err == nil || d.doubts(err) {
			if unsaid := d.question(ctx, ask); unsaid != nil {
				cmd.SetErr(unsaid)
				return unsaid
			}
		}
		return err
	}
}

// ProcessPipelineHook asks where it is in doubt.
func (d *doorman) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	ask := func(ctx context.Context, info redis.Cmder) error { return next(ctx, []redis.Cmder{info}) }
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		if cmds[0].Name() == "multi" { // a transaction, which is none of the Store's
			return err
		}
		doubtful := false
		for _, cmd := range cmds { // a Cluster's client takes redirections for itself, and returns no error
			doubtful = d.doubts(cmd.Err()) || doubtful
		}
		if !doubtful {
			return err
		}
		if unsaid := d.question(ctx, ask); unsaid != nil {
			for _, cmd := range cmds {
				cmd.SetErr(unsaid)
			}
			return unsaid
		}
		return err
	}
}

// doubts tells whether a reply came from a server that was no master when it was last asked. One that sends its callers
// away will be asked when it answers again.
func (d *doorman) doubts(err error) bool {
	switch {
	case err == nil || errors.Is(err, redis.Nil):
		return !d.master.Load()
	case redis.HasErrorPrefix(err, "MOVED"), redis.HasErrorPrefix(err, "READONLY"):
		d.master.Store(false)
	}
	return false
}

// question asks the server who it is. If it does not answer, what it has said must not be used, nor the connection: the
// client would take an answer that is late for that to its next command. A refusal is an answer.
func (d *doorman) question(ctx context.Context, ask func(context.Context, redis.Cmder) error) error {
	l := d.arrivals.link.Load()
	if l == nil {
		return nil
	}
	info := redis.NewStringCmd(ctx, "info", "replication")
	err := ask(ctx, info)
	var refusal redis.Error
	switch {
	case err == nil:
		d.master.Store(!d.arrivals.meet(l, info.Val()))
	case errors.As(err, &refusal):
		d.master.Store(true) // or so it must be taken
	default:
		return err
	}
	return nil
}
