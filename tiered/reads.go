package tiered

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ramp makes reads go in small batches at first: a Redis that has just come back is not met by all who have waited.
func (r *remote) ramp() { r.reads.slowly() }

// read reads a key, until ctx ends; what Redis has is read-only, and empty for nothing. If ctx ended first, left will have
// the answer. The round trip is shared with whoever reads at the same time.
func (r *remote) read(ctx context.Context, key string) (reply []byte, left *waiter[[]byte], err error) {
	return r.reads.ask(ctx, key)
}

// readMany reads keys in chunks. If ctx ended first, rest waits for what is under way.
func (r *remote) readMany(ctx context.Context, keys []string) (replies [][]byte, rest func() ([][]byte, error), err error) {
	began := time.Now()
	got := make([][]byte, 0, len(keys))
	for len(got) < len(keys) {
		some, err, ok := self(r, r.reads.alone(ctx), r.chunk(keys[len(got):]))
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			break
		}
		got, began = append(got, some...), time.Now()
	}
	if len(got) == len(keys) {
		return got, nil, nil
	}
	var failure error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for within := r.budget - time.Since(began); len(got) < len(keys) && failure == nil; within = r.budget {
			var some [][]byte
			began := time.Now()
			some, failure = guardFor(r, within, request, r.chunk(keys[len(got):]))
			r.took.Store(int64(time.Since(began)))
			got = append(got, some...)
		}
	}()
	wait := func() ([][]byte, error) {
		<-ended
		return got, failure
	}
	select {
	case <-ended:
		return got, nil, failure
	case <-ctx.Done():
		return nil, wait, nil
	}
}

// chunk reads the first of keys.
func (r *remote) chunk(keys []string) func(context.Context) ([][]byte, error) {
	return func(ctx context.Context) ([][]byte, error) { return r.getMany(ctx, keys[:min(len(keys), readChunk)]) }
}

// get reads a key.
func (r *remote) get(ctx context.Context, key string) ([]byte, error) {
	s, err := r.rdb.Get(ctx, r.space+key).Result()
	if isFault(err) {
		return nil, err
	}
	return readOnly(s), nil // nothing, too, for a key of another type, which a lease overwrites
}

// getMany reads keys in one round trip; on a Cluster that is one pipeline for each of its nodes.
func (r *remote) getMany(ctx context.Context, keys []string) (out [][]byte, err error) {
	out = make([][]byte, len(keys))
	switch {
	case len(keys) == 1:
		out[0], err = r.get(ctx, keys[0])
		return out, err
	case !r.cluster:
		full, args := r.full(keys), make([]any, 1+len(keys))
		args[0] = "mget"
		for i := range full {
			args[1+i] = full[i]
		}
		cmd := redis.NewStringSliceCmd(ctx, args...)
		if err := r.rdb.Process(ctx, cmd); err != nil {
			return nil, err
		}
		for i, s := range cmd.Val() {
			out[i] = readOnly(s)
		}
	default:
		pipe := r.rdb.Pipeline()
		cmds := make([]*redis.StringCmd, len(keys))
		for i, k := range r.full(keys) {
			cmds[i] = pipe.Get(ctx, k)
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		for i, cmd := range cmds {
			s, err := cmd.Result()
			if isFault(err) {
				return nil, err
			}
			out[i] = readOnly(s)
		}
	}
	return out, nil
}

// full returns the keys as Redis knows them, in one piece of memory.
func (r *remote) full(keys []string) []string {
	size := 0
	for _, k := range keys {
		size += len(r.space) + len(k)
	}
	var b strings.Builder
	b.Grow(size)
	full := make([]string, len(keys))
	for i, k := range keys {
		at := b.Len()
		b.WriteString(r.space)
		b.WriteString(k)
		full[i] = b.String()[at:]
	}
	return full
}
