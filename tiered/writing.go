package tiered

import (
	"errors"
	"fmt"
	"time"

	"github.com/freshet-go/freshet/internal/wall"
	"github.com/freshet-go/freshet/ttl"
)

// Fill is a value, or an absence, on its way into Redis.
type Fill struct {
	*Fetch
	Value    any // a pointer to the value; unused if Negative
	Negative bool
	Life     ttl.Lifetime
	Cost     time.Duration // of the load
	Since    time.Time     // when the life began; zero: now
}

// Until is the end of freshness that the record will have, in Unix milliseconds.
func (f Fill) Until() int64 { return f.Since.UnixMilli() + f.Life.Fresh.Milliseconds() }

// Fill is FillAll for results that are not missed if they cannot be written.
func (s *Store) Fill(fills ...Fill) {
	_, _ = s.FillAll(fills...)
}

// FillAll writes results that leases were granted for, or that replace what was Found, each only if nothing else came in
// between. It tells of each whether Redis has it now. What cannot be written gives its lease back, and is counted: a
// value that is too large or that its codec cannot encode, or one whose epoch is over. The error is for the first two.
// A fill that Redis did not answer leaves its Fetch Alone.
func (s *Store) FillAll(fills ...Fill) (stored []bool, faults error) {
	stored = make([]bool, len(fills))
	var cmds []command
	var sent []int
	var abandoned []*Fetch
	for i, f := range fills {
		switch {
		case s.remote == nil:
			stored[i] = f.Outcome == Granted && !s.holds.covers(f.Key)
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
		case px <= 0 || f.epoch != s.fence.epoch.Load() && !ruleEpochBeforeFill.off():
			s.counts.fillsDropped.Add(1)
		default:
			fill := invoke(scriptFill, f.Key, f.head, record, px, s.channel(), s.message(msgWake, f.Key))
			fill.still = func() bool { // it may have to wait for its turn
				return !s.link.gated() && (f.epoch == s.fence.epoch.Load() || ruleEpochBeforeFill.off())
			}
			cmds = append(cmds, fill)
			sent = append(sent, i)
			continue
		}
		abandoned = append(abandoned, f.Fetch)
	}
	s.Abandon(abandoned...)
	if len(cmds) == 0 {
		return stored, faults
	}
	for j, r := range s.remote.run(cmds...) {
		i := sent[j]
		n, _ := r.value.(int64)
		switch stored[i] = n == 1; {
		case stored[i]:
			s.counts.fills.Add(1)
		case errors.Is(r.err, errStale):
			s.orphan(fills[i].Fetch)
			fills[i].Outcome = Alone
			s.counts.fillsDropped.Add(1)
		case r.err != nil:
			s.orphan(fills[i].Fetch)
			fills[i].Outcome = Alone // as good as not filled
			s.counts.redisErrors.Add(1)
		default:
			s.counts.fillsRefused.Add(1)
		}
	}
	return stored, faults
}

// encode makes a record and the milliseconds that Redis is to keep it.
func (s *Store) encode(f Fill) (b []byte, px int64, err error) {
	if f.Since.IsZero() {
		f.Since = wall.Now()
	}
	since := f.Since.UnixMilli()
	r := record{
		negative: f.Negative,
		cost:     f.Cost,
		fresh:    f.Until(),
		stale:    since + f.Life.Stale.Milliseconds(),
		keep:     since + f.Life.Keep.Milliseconds(),
		prefix:   s.prefixStamp(f.Stamp),
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
	return r.appendTo(b, tok, f.Key, f.Codec.Name()), max(r.fresh, r.stale, r.keep) - wall.Now().UnixMilli(), nil
}

// Abandon gives leases back whose load came to nothing, so that others need not wait for their end.
func (s *Store) Abandon(fetches ...*Fetch) {
	var cmds []command
	var sent []*Fetch
	for _, f := range fetches {
		if s.remote == nil || f.Outcome != Granted && (f.Outcome != Found || !f.forsaken) {
			continue
		}
		left := int64(0)
		if f.usable {
			left = max(f.rec.fresh, f.rec.stale, f.rec.keep) - wall.Now().UnixMilli()
		}
		cmds = append(cmds, invoke(scriptAbandon, f.Key, f.head, left, s.channel(), s.message(msgWake, f.Key)))
		sent = append(sent, f)
		f.Outcome = Alone
	}
	if len(cmds) == 0 {
		return
	}
	for i, r := range s.remote.run(cmds...) {
		if r.err != nil {
			s.orphan(sent[i])
		}
	}
}

// orphan says that the lease of f may stand, and that this node has no use for it.
func (s *Store) orphan(f *Fetch) {
	if len(f.token) >= 16 {
		s.orphans.add(f.token[:16], f.Lease)
	}
}

// Set begins a blind write of keys: it is an Invalidate that takes a lease for the value, which counts as loaded when
// the lease is granted. Each Fetch is then Granted (Fill it, then keep the value in memory under its Stamp), Held or
// Unseen. The error is that of Invalidate.
//
// The Stamps are taken before Redis is told: an invalidation that comes between, of the key or of a prefix, ends them.
func (s *Store) Set(fetches ...*Fetch) error {
	keys := make([]string, len(fetches))
	leases := make(map[string]time.Duration, len(fetches))
	for i, f := range fetches {
		keys[i], leases[f.Key] = f.Key, f.Lease
	}
	if s.remote != nil {
		s.recent.remember(keys...)
	}
	s.fence.bumpBy(ruleFirstBump, keys...)
	for _, f := range fetches {
		f.Stamp, f.Outcome = s.fence.stamp(f.Key), Granted
		f.epoch = f.Stamp.epoch
	}
	if s.remote == nil {
		return nil
	}
	results, err := s.send(keys, func(k string) command {
		return invoke(scriptSet, k, s.channel(), s.message(msgInvalidate, k), token(), max(leases[k].Milliseconds(), 1))
	})
	s.fence.bumpOnce(keys...)
	for i, f := range fetches {
		f.Stamp.count++ // that was this Set's own; any other bump since has ended the Stamp
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
