package tiered

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/freshet-go/freshet/breaker"
	"github.com/redis/go-redis/v9"
)

// errUnseen is what a call answers that Redis did not answer, for whatever reason.
var errUnseen = errors.New("tiered: no answer from Redis")

const (
	readChunk     = 256       // most keys in one MGET
	chunkCommands = 512       // most commands in one pipeline
	chunkBytes    = 256 << 10 // and about the most bytes
)

// remote sends commands to Redis. A caller never waits longer than the budget, whatever the client does, and not at
// all while the breaker is open. A nil remote is a Redis that is not there and that nobody misses.
type remote struct {
	rdb     redis.UniversalClient
	breaker *breaker.Breaker
	budget  time.Duration
	cluster bool
	space   string // before every key
	channel string
	reads   batcher
}

func newRemote(rdb redis.UniversalClient, b *breaker.Breaker, budget time.Duration, namespace string) *remote {
	_, cluster := rdb.(*redis.ClusterClient)
	r := &remote{rdb: rdb, breaker: b, budget: budget, cluster: cluster, space: namespace + ":", channel: namespace + ":link"}
	r.reads.run, r.reads.budget = r.fetch, budget
	return r
}

// read reads keys; what Redis has is read-only, and empty for nothing. One key shares its round trip with whoever reads
// at the same time; many go in chunks.
func (r *remote) read(keys []string) ([][]byte, error) {
	if len(keys) == 1 {
		one, err := r.reads.read(keys[0])
		return [][]byte{one}, err
	}
	all := make([][]byte, 0, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), readChunk)
		some, err := r.fetch(keys[:n], r.budget)
		if err != nil {
			return nil, err
		}
		all, keys = append(all, some...), keys[n:]
	}
	return all, nil
}

// fetch reads keys in one round trip; on a Cluster that is one pipeline for each of its nodes.
func (r *remote) fetch(keys []string, within time.Duration) ([][]byte, error) {
	return guardFor(r, within, request, func(ctx context.Context) ([][]byte, error) {
		out := make([][]byte, len(keys))
		if len(keys) > 1 && !r.cluster {
			full := make([]string, len(keys))
			for i, k := range keys {
				full[i] = r.space + k
			}
			values, err := r.rdb.MGet(ctx, full...).Result()
			if err != nil {
				return nil, err
			}
			for i, v := range values {
				s, _ := v.(string)
				out[i] = readOnly(s)
			}
			return out, nil
		}
		cmds := make([]*redis.StringCmd, len(keys))
		if len(keys) == 1 {
			cmds[0] = r.rdb.Get(ctx, r.space+keys[0])
		} else {
			pipe := r.rdb.Pipeline()
			for i, k := range keys {
				cmds[i] = pipe.Get(ctx, r.space+k)
			}
			_, _ = pipe.Exec(ctx) // each command has its own error
		}
		for i, cmd := range cmds {
			s, err := cmd.Result()
			if isFault(err) {
				return nil, err
			}
			out[i] = readOnly(s) // nothing, too, for a key of another type, which a lease overwrites
		}
		return out, nil
	})
}

// command is one script to run.
type command struct {
	script *redis.Script
	key    string
	args   []any
}

// result is a script's answer.
type result struct {
	value any
	err   error
}

// run runs scripts, many in one pipeline, and returns the answer to each. After a chunk that Redis did not answer, the
// rest is not sent.
func (r *remote) run(cmds ...command) []result { return r.runAs(request, cmds...) }

func (r *remote) runAs(who caller, cmds ...command) []result {
	all := make([]result, 0, len(cmds))
	for len(cmds) > 0 {
		chunk := cmds[:chunkOf(cmds)]
		some, err := guard(r, who, func(ctx context.Context) ([]result, error) { return r.pipeline(ctx, chunk) })
		if err != nil {
			for range cmds {
				all = append(all, result{err: err})
			}
			return all
		}
		all, cmds = append(all, some...), cmds[len(chunk):]
	}
	return all
}

// chunkOf is how many of cmds go in one pipeline: so many as Redis can be expected to take within the budget.
func chunkOf(cmds []command) int {
	bytes := 0
	for i, cmd := range cmds {
		for _, arg := range cmd.args {
			switch arg := arg.(type) {
			case string:
				bytes += len(arg)
			case []byte:
				bytes += len(arg)
			}
		}
		if i > 0 && bytes > chunkBytes || i == chunkCommands {
			return i
		}
	}
	return len(cmds)
}

// pipeline sends commands by the digests of their scripts, and those that a server does not know by their texts: it has
// restarted, or was flushed, and has not executed them.
func (r *remote) pipeline(ctx context.Context, cmds []command) ([]result, error) {
	out := make([]result, len(cmds))
	all := make([]int, len(cmds))
	for i := range all {
		all[i] = i
	}
	r.send(ctx, cmds, all, out, (*redis.Script).EvalSha)
	var unknown []int
	for i := range out {
		if redis.HasErrorPrefix(out[i].err, "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	r.send(ctx, cmds, unknown, out, (*redis.Script).Eval)
	var fault error
	for i := range out {
		if errors.Is(out[i].err, redis.Nil) {
			out[i].err = nil
		}
		if isFault(out[i].err) {
			fault = out[i].err
		}
	}
	if fault != nil {
		return out, faulty{fault}
	}
	return out, nil
}

type eval func(s *redis.Script, ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd

// send sends the commands with the given indices, and puts their answers into out.
func (r *remote) send(ctx context.Context, cmds []command, which []int, out []result, eval eval) {
	if len(which) == 0 {
		return
	}
	client := redis.Scripter(r.rdb)
	var pipe redis.Pipeliner
	if len(which) > 1 {
		pipe = r.rdb.Pipeline()
		client = pipe
	}
	sent := make([]*redis.Cmd, len(which))
	for j, i := range which {
		sent[j] = eval(cmds[i].script, ctx, client, []string{r.space + cmds[i].key}, cmds[i].args...)
	}
	if pipe != nil {
		_, _ = pipe.Exec(ctx) // each command has its own error
	}
	for j, i := range which {
		out[i].value, out[i].err = sent[j].Result()
	}
}

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
	return guardFor(r, r.budget, who, f)
}

// guardFor is guard for callers who have spent a part of their budget.
func guardFor[T any](r *remote, within time.Duration, who caller, f func(context.Context) (T, error)) (T, error) {
	type done struct {
		value T
		err   error
	}
	var zero T
	if who == request && r.breaker.State() != breaker.Closed {
		return zero, fmt.Errorf("%w: %w", errUnseen, breaker.ErrOpen)
	}
	permit, err := r.breaker.Allow()
	if err != nil && who != replaying {
		return zero, fmt.Errorf("%w: %w", errUnseen, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	ch := make(chan done, 1)
	go func() {
		value, err := f(ctx)
		ch <- done{value, err}
	}()
	select {
	case d := <-ch:
		var part faulty
		switch {
		case errors.As(d.err, &part):
			permit.Failure()
			return d.value, nil
		case isFault(d.err):
			permit.Failure()
			return zero, fmt.Errorf("%w: %w", errUnseen, d.err)
		case d.err != nil:
			permit.Success() // an answer, if not the one that was hoped for
			return zero, fmt.Errorf("%w: %w", errUnseen, d.err)
		}
		permit.Success()
		return d.value, nil
	case <-ctx.Done():
		permit.Failure()
		return zero, fmt.Errorf("%w within %v", errUnseen, within)
	}
}

// isFault tells a failing server or network from an answer. A server that says that it cannot serve is a fault, one
// that refuses a single command is not.
func isFault(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) {
		return false
	}
	var answer redis.Error
	if errors.As(err, &answer) {
		for _, p := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "NOAUTH", "WRONGPASS", "max number of clients"} {
			if strings.HasPrefix(strings.TrimPrefix(answer.Error(), "ERR "), p) {
				return true
			}
		}
		return false
	}
	return !errors.Is(err, context.Canceled)
}

// readOnly returns the bytes of s without a copy; nobody writes to what a remote returns.
func readOnly(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
