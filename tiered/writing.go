package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-go/freshet/ttl"
)

// Fill is a value, or an absence, on its way into Redis.
type Fill struct {
	*Fetch
	Value    any // a pointer to the value; unused if Negative
	Negative bool
	Life     ttl.Lifetime
	Cost     time.Duration // of the load
}

// Fill is FillAll for results that are not missed if they cannot be written.
func (s *Store) Fill(fills ...Fill) {
	_, _ = s.FillAll(fills...)
}

// FillAll writes results that leases were granted for, or that replace what was Found, each only if nothing else came in
// between. It tells of each whether Redis has it now. What cannot be written gives its lease back, and is counted: a
// value that is too large or that its codec cannot encode, or one whose epoch is over. The error is for the first two.
func (s *Store) FillAll(fills ...Fill) (stored []bool, faults error) {
	stored = make([]bool, len(fills))
	var cmds []command
	var sent []int
	var abandoned []*Fetch
	for i, f := range fills {
		switch {
		case s.remote == nil:
			stored[i] = f.Outcome == Granted
			continue
		case !f.MayFill():
			continue
		case s.link.gated():
			s.counts.fillsDropped.Add(1)
			continue
		}
		record, px, err := s.encode(f)
		switch {
		case err != nil:
			s.counts.unencodable.Add(1)
			faults = errors.Join(faults, fmt.Errorf("tiered: encode: %w", err))
		case len(record) > s.options.MaxValueBytes+recordSize:
			s.counts.oversized.Add(1)
			faults = errors.Join(faults, fmt.Errorf("tiered: value of %d bytes, the limit is %d: %w", len(record)-recordSize, s.options.MaxValueBytes, ErrTooLarge))
		case px <= 0 || f.epoch != s.fence.epoch.Load():
			s.counts.fillsDropped.Add(1)
		default:
			cmds = append(cmds, command{scriptFill, f.Key, []any{f.head, record, px, s.channel(), s.message(msgWake, f.Key)}})
			sent = append(sent, i)
			continue
		}
		abandoned = append(abandoned, f.Fetch)
	}
	s.Abandon(abandoned...)
	if len(cmds) == 0 {
		return stored, faults
	}
	results, err := s.remote.run(cmds...)
	for j, i := range sent {
		var n int64
		if err == nil && results[j].err == nil {
			n, _ = results[j].value.(int64)
		}
		switch stored[i] = n == 1; {
		case stored[i]:
			s.counts.fills.Add(1)
		case err != nil || results[j].err != nil:
			s.counts.redisErrors.Add(1)
		default:
			s.counts.fillsRefused.Add(1)
		}
	}
	return stored, faults
}

// encode makes a record and the milliseconds that Redis is to keep it.
func (s *Store) encode(f Fill) (b []byte, px int64, err error) {
	now := time.Now().UnixMilli()
	r := record{
		negative: f.Negative,
		cost:     f.Cost,
		fresh:    now + f.Life.Fresh.Milliseconds(),
		stale:    now + f.Life.Stale.Milliseconds(),
		keep:     now + f.Life.Keep.Milliseconds(),
		prefix:   f.Stamp.prefix,
	}
	if !f.Negative {
		if r.payload, r.compressed, err = s.encodeValue(f.Codec, f.Value); err != nil {
			return nil, 0, err
		}
	}
	tok := f.token
	if f.Outcome != Granted {
		tok = token() + "\x00\x00\x00\x00\x00\x00\x00"
	}
	b = make([]byte, 0, recordSize+len(r.payload))
	return r.appendTo(b, tok, f.Key, f.Codec.Name()), max(r.fresh, r.stale, r.keep) - now, nil
}

// Abandon gives leases back whose load came to nothing, so that others need not wait for their end.
func (s *Store) Abandon(fetches ...*Fetch) {
	var cmds []command
	for _, f := range fetches {
		if s.remote == nil || f.Outcome != Granted {
			continue
		}
		left := int64(0)
		if f.usable {
			left = max(f.rec.fresh, f.rec.stale, f.rec.keep) - time.Now().UnixMilli()
		}
		cmds = append(cmds, command{scriptAbandon, f.Key, []any{f.head, left, s.channel(), s.message(msgWake, f.Key)}})
		f.Outcome = Alone
	}
	if len(cmds) > 0 {
		if _, err := s.remote.run(cmds...); err != nil {
			s.counts.redisErrors.Add(1)
		}
	}
}

// Set begins a blind write of keys: it is an Invalidate that takes a lease for the value, which counts as loaded when
// the lease is granted. Each Fetch is then Granted (Fill it, then keep the value in memory under its Stamp), Held or
// Unseen. The error is that of Invalidate.
func (s *Store) Set(fetches ...*Fetch) error {
	keys := make([]string, len(fetches))
	leases := make(map[string]time.Duration, len(fetches))
	for i, f := range fetches {
		keys[i], leases[f.Key] = f.Key, f.Lease
	}
	if s.remote != nil {
		s.recent.remember(keys...)
	}
	s.fence.bump(keys...)
	epoch := s.fence.epoch.Load()
	var results []result
	var err error
	if s.remote != nil {
		results, err = s.send(keys, func(k string) command {
			return command{scriptSet, k, []any{s.channel(), s.message(msgInvalidate, k), token(), max(leases[k].Milliseconds(), 1)}}
		})
		s.fence.bump(keys...)
	}
	for i, f := range fetches {
		f.Stamp, f.epoch, f.Outcome = s.fence.stamp(f.Key), epoch, Granted
		if s.remote == nil {
			continue
		}
		tok, _ := results[i].value.(string)
		switch {
		case results[i].err != nil:
			f.Outcome = Unseen
		case tok == "":
			f.Outcome = Held
		default:
			f.token, f.head = tok, string(kindLease)+tok
		}
	}
	return err
}

// A Hold marks a key while it is being written: readers on all nodes bypass the cache for it.
type Hold struct {
	store *Store
	key   string
	token string
}

// Hold places a hold on key for at most d, which is also an invalidation. If Redis cannot be told, the write may go on
// all the same: only a crash of this process is not covered then.
func (s *Store) Hold(key string, d time.Duration) *Hold {
	h := &Hold{s, key, token()}
	if s.remote != nil {
		s.recent.remember(key)
		s.holds.add(h, d)
		if err := h.place(d); err != nil {
			s.counts.holdsFailed.Add(1)
		}
	}
	s.fence.bump(key)
	return h
}

func (h *Hold) place(d time.Duration) error {
	s := h.store
	results, err := s.remote.run(command{scriptHold, h.key, []any{s.channel(), s.message(msgInvalidate, h.key), h.token, max(d.Milliseconds(), 1)}})
	if err == nil {
		err = results[0].err
	}
	return err
}

// Release invalidates the key and takes the hold away; with after above 0, readers go on bypassing the cache for that
// long, for databases that are read through lagging replicas. The error is that of Invalidate.
func (h *Hold) Release(_ context.Context, after time.Duration) error {
	s := h.store
	defer s.holds.remove(h)
	return s.tell([]string{h.key}, func(k string) command {
		return command{scriptRelease, k, []any{s.channel(), s.message(msgInvalidate, k), h.token, max(after.Milliseconds(), 0)}}
	})
}

// holds are the live holds of this node, to be put back after a failover.
type holds struct {
	mu  sync.Mutex
	all map[*Hold]time.Time // to their end
}

func (hs *holds) add(h *Hold, d time.Duration) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.all == nil {
		hs.all = map[*Hold]time.Time{}
	}
	hs.all[h] = time.Now().Add(d)
}

func (hs *holds) remove(h *Hold) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	delete(hs.all, h)
}

func (s *Store) putBackHolds() error {
	s.holds.mu.Lock()
	live := make(map[*Hold]time.Duration, len(s.holds.all))
	for h, end := range s.holds.all {
		live[h] = time.Until(end)
	}
	s.holds.mu.Unlock()
	for h, d := range live {
		if err := h.place(d); err != nil {
			return err
		}
	}
	return nil
}
