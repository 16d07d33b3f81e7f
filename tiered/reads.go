package tiered

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ramp makes reads go in small batches at first: a Redis that has just come back is not met by all who have waited.
func (r *remote) ramp() { r.reads.slowly() }

// get reads keys in one round trip; on a Cluster that is one pipeline for each of its nodes. What Redis has is read-only,
// and empty for nothing.
func (r *remote) get(ctx context.Context, keys []string) ([][]byte, error) {
	out := make([][]byte, len(keys))
	switch {
	case len(keys) == 1:
		s, err := r.rdb.Get(ctx, r.space+keys[0]).Result()
		if isFault(err) {
			return nil, err
		}
		out[0] = readOnly(s) // nothing, too, for a key of another type, which a lease overwrites
	case !r.cluster:
		full, args := r.full(keys), make([]any, 1+len(keys))
		args[0] = "mget"
		for i := range full {
			args[1+i] = &full[i] // a pointer, as a string in an interface is an allocation
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
