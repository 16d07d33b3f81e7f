package tiered

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/freshet-go/freshet/breaker"
	"github.com/freshet-go/freshet/internal/prompt"
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
	reads   batcher[string, []byte]
	scripts batcher[command, result]

	promise *prompt.Promise // of the client, to come back when a context has ended
	lies    atomic.Int64    // times that it did not
	lied    atomic.Int64    // when it last did not, Unix nanoseconds
	took    atomic.Int64    // by the last round trip, in nanoseconds

	whole, short hand // contexts of a whole budget, and of a patience
}

func newRemote(rdb redis.UniversalClient, b *breaker.Breaker, budget time.Duration, namespace string) *remote {
	_, cluster := rdb.(*redis.ClusterClient)
	r := &remote{rdb: rdb, breaker: b, budget: budget, cluster: cluster, space: namespace + ":", channel: namespace + ":link"}
	// Timers are late by up to a millisecond; the budget is not to be.
	r.whole, r.short = hand{after: budget - budget/50, early: budget / 10}, hand{after: patience, early: patience / 4}
	if client, ok := rdb.(*redis.Client); ok && client.Options().Limiter == nil {
		r.promise = prompt.Of(client)
	}
	r.reads = batcher[string, []byte]{remote: r, run: r.get, most: readChunk, repeat: true}
	r.scripts = batcher[command, result]{remote: r, run: r.pipeline, most: chunkCommands, bytes: command.size}
	return r
}

// command is one script to run.
type command struct {
	script *redis.Script
	key    string
	args   []any
	still  func() bool // whether it may go out, asked when it does; nil: it may
}

func invoke(script *redis.Script, key string, args ...any) command {
	return command{script: script, key: key, args: args}
}

// errStale is what a command answers that was not to go out any more.
var errStale = errors.New("tiered: not sent")

// result is a script's answer.
type result struct {
	value any
	err   error
}

// size is about what the command takes in bytes.
func (c command) size() (n int) {
	for _, arg := range c.args {
		switch arg := arg.(type) {
		case string:
			n += len(arg)
		case []byte:
			n += len(arg)
		}
	}
	return n
}

// run runs scripts, and returns the answer to each. They share pipelines with whoever runs some at the same time. What is
// left when Redis does not answer is not sent.
func (r *remote) run(cmds ...command) []result {
	all := make([]result, len(cmds))
	if len(cmds) == 0 {
		return all
	}
	in := r.scripts.ask(context.Background(), cmds...)
	in.wait(context.Background())
	in.each(func(i int, answer result, err error) {
		if all[i] = answer; err != nil {
			all[i].err = err
		}
	})
	return all
}

// insist is run for commands that go out although Redis may be away.
func (r *remote) insist(who caller, cmds ...command) []result {
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

// runAs is run for requests, and insist for the Store itself.
func (r *remote) runAs(who caller, cmds ...command) []result {
	if who == request {
		return r.run(cmds...)
	}
	return r.insist(who, cmds...)
}

// chunkOf is how many of cmds go in one pipeline: so many as Redis can be expected to take within the budget.
func chunkOf(cmds []command) int {
	bytes := 0
	for i, cmd := range cmds {
		bytes += cmd.size()
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
	all := make([]int, 0, len(cmds))
	for i, cmd := range cmds {
		if cmd.still == nil || cmd.still() {
			all = append(all, i)
		} else {
			out[i].err = errStale
		}
	}
	r.send(ctx, cmds, all, out, (*redis.Script).EvalSha)
	var unknown []int
	for i := range out {
		if out[i].err != nil && redis.HasErrorPrefix(out[i].err, "NOSCRIPT") {
			unknown = append(unknown, i)
		}
	}
	r.send(ctx, cmds, unknown, out, (*redis.Script).Eval)
	var fault error
	for i := range out {
		if errors.Is(out[i].err, redis.Nil) {
			out[i].err = nil
		}
		if isFault(out[i].err) && out[i].err != errStale { //nolint:errorlint // our own
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

// stringOf is readOnly the other way round.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
