package tiered

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/freshet-go/freshet/internal/wall"
)

const (
	prefixSet = "prefixes" // beside the entries; no cache's keys begin so, as they have a separator
	prefixMax = 1 << 20    // most prefixes alive; more become one invalidation of everything
)

// nextSequence gives prefix the next sequence in Redis, and returns it with all rows that came after the newest one
// that this node knows: no gap is left.
func (s *Store) nextSequence(prefix string, who caller) (rows []prefixSeq, top uint64, err error) {
	known := s.fence.known()
	if s.remote == nil {
		top = max(known+1, uint64(wall.Now().UnixMicro()))
		if s.fence.len() >= prefixMax>>4 {
			s.fence.forget(uint64(max(wall.Now().Add(-s.horizon()).UnixMicro(), 0)))
		}
		if s.fence.len() >= prefixMax {
			prefix = ""
		}
		return []prefixSeq{{prefix, top}}, top, nil
	}
	message := s.message(msgPrefix, "")
	r := s.remote.runAs(who, invoke(scriptPrefix, prefixSet,
		prefix, known, s.horizon().Microseconds(), prefixMax, s.channel(), message, s.fence.newest.Load(),
	))[0]
	s.settle(message, r.err == nil)
	if r.err != nil {
		return nil, 0, r.err
	}
	answer, _ := r.value.([]any)
	if len(answer) != 2 {
		return nil, 0, errors.New("tiered: malformed answer to a prefix invalidation")
	}
	if top, err = parseSeq(answer[0]); err != nil {
		return nil, 0, err
	}
	members, _ := answer[1].([]any)
	rows, err = parseRows(members)
	return rows, top, err
}

// horizon is for how long a prefix invalidation is remembered: longer than any value lives, clocks included.
func (s *Store) horizon() time.Duration { return s.options.MaxTTL + time.Hour }

func parseRows(members []any) (rows []prefixSeq, err error) {
	for i := 0; i+1 < len(members); i += 2 {
		prefix, _ := members[i].(string)
		seq, err := parseSeq(members[i+1])
		if err != nil {
			return nil, err
		}
		rows = append(rows, prefixSeq{prefix, seq})
	}
	return rows, nil
}

// parseSeq reads a sequence: an integer, which servers write as the floating-point number that a score is.
func parseSeq(v any) (uint64, error) {
	s, _ := v.(string)
	if n, err := strconv.ParseUint(s, 10, 53); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 1<<53) { // a NaN is neither
		return 0, errors.New("tiered: malformed sequence " + strconv.Quote(s))
	}
	return uint64(f), nil
}

// fetchPrefixes learns all prefix invalidations after the newest known one. If the set has lost that one, Redis has lost
// the set, by eviction or by somebody's hand: everything is invalidated, since a node that starts now knows none of them.
func (s *Store) fetchPrefixes(who caller) error {
	newest := s.fence.newest.Load()
	members, err := guard(s.remote, who, func(ctx context.Context) ([]redis.Z, error) {
		return s.remote.rdb.ZRangeByScoreWithScores(ctx, s.remote.space+prefixSet, &redis.ZRangeBy{
			Min: strconv.FormatUint(newest, 10), Max: "+inf",
		}).Result()
	})
	if err != nil {
		return err
	}
	var rows []prefixSeq
	top := uint64(0)
	for _, m := range members {
		prefix, _ := m.Member.(string)
		rows = append(rows, prefixSeq{prefix, uint64(m.Score)})
		top = max(top, uint64(m.Score))
	}
	s.fence.learn(rows, top)
	horizon := wall.Now().Add(-s.horizon()).UnixMicro()
	if top < newest && newest > uint64(max(horizon, 0)) {
		s.journal.addPrefix("")
		s.fence.bumpEpoch()
	}
	s.fence.forget(uint64(max(horizon, 0)))
	return nil
}
