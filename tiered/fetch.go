package tiered

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/freshet-go/freshet/internal/wall"
	"github.com/freshet-go/freshet/ttl"
)

// Outcome says what a Fetch came to, and so what its caller does next.
type Outcome uint8

const (
	// Absent: Redis has nothing to use. Only Look leaves it so.
	Absent Outcome = iota
	// Found: Decode the value, or take its absence; it may be stale.
	Found
	// Granted: load; keep the result in memory; Fill or Abandon.
	Granted
	// Busy: somebody else is loading; Await.
	Busy
	// Alone: load and keep the result in memory, but do not fill: another's load did not end in time.
	Alone
	// Held: load, and keep the result nowhere: a Mutate is under way.
	Held
	// Unseen: load; Redis gave no answer, and the result may be kept only in fallback mode.
	Unseen
)

// A Fetch is one key's way through Redis: read, lease, fill. It is used by one goroutine at a time.
type Fetch struct {
	Key     string
	Codec   Codec
	Stamp   Stamp         // taken before the Fetch is used
	Lease   time.Duration // how long a lease lasts that is not renewed
	Outcome Outcome

	rec    record // of Found, or what may be served if a load fails
	came   moment // when rec did
	usable bool   // rec is there
	seen   bool   // Redis answered after Stamp was taken, and there was no hold
	head   string // what a lease, then a fill, replaces
	token  string // of the record that a fill writes
	epoch  uint32 // in which the fill must go out

	forsaken bool // what is there is not to stay
}

// moment is one reading of the system's clock.
type moment struct {
	wall    int64 // Unix milliseconds
	instant int64 // of the Store's clock
}

func (s *Store) moment() moment {
	now := time.Now()
	return moment{wall.Of(now).UnixMilli(), s.clock.Of(now)}
}

// Look reads what Redis has for each Fetch: Found, Absent, Busy, Held or Unseen.
func (s *Store) Look(fetches ...*Fetch) {
	if len(fetches) == 1 {
		s.Seek(context.Background(), fetches[0])
	} else {
		s.SeekAll(context.Background(), fetches)
	}
}

// Seek is Look for a caller who waits only until ctx ends. Then it returns what is left to be done, with the Fetch in its
// hands; otherwise nil.
func (s *Store) Seek(ctx context.Context, f *Fetch) (rest func()) {
	if !s.asks(f) {
		return nil
	}
	in := s.remote.reads.ask(ctx, f.Key)
	if !in.wait(ctx) {
		return func() {
			in.wait(context.Background())
			s.answered(f, in)
		}
	}
	s.answered(f, in)
	return nil
}

// SeekAll is Seek for many.
func (s *Store) SeekAll(ctx context.Context, fetches []*Fetch) (rest func()) {
	keys := make([]string, 0, len(fetches))
	for _, f := range fetches {
		if s.asks(f) {
			keys = append(keys, f.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	in := s.remote.reads.ask(ctx, keys...)
	if !in.wait(ctx) {
		return func() {
			in.wait(context.Background())
			s.sought(fetches, in)
		}
	}
	s.sought(fetches, in)
	return nil
}

func (s *Store) answered(f *Fetch, in inquiry[string, []byte]) {
	now := s.moment()
	in.each(func(_ int, reply []byte, err error) { s.take(f, reply, err, now) })
}

// sought gives the answers to those that ask.
func (s *Store) sought(fetches []*Fetch, in inquiry[string, []byte]) {
	next, now := 0, s.moment()
	in.each(func(_ int, reply []byte, err error) {
		for fetches[next].Outcome != Absent {
			next++
		}
		s.take(fetches[next], reply, err, now)
		next++
	})
}

// asks tells whether f is to be read from Redis.
func (s *Store) asks(f *Fetch) bool {
	f.Outcome, f.epoch = Absent, f.Stamp.epoch
	if s.remote == nil {
		return false
	}
	if s.bypassed(f.Key) {
		f.Outcome = Unseen
		return false
	}
	return true
}

// take takes the reply to f, which came at now.
func (s *Store) take(f *Fetch, reply []byte, err error, now moment) {
	switch {
	case err != nil:
		f.Outcome = Unseen
		s.counts.redisErrors.Add(1)
	case s.outlived(f):
		f.Outcome = Unseen
	default:
		s.judge(f, reply, now)
	}
}

// Acquire reads what Redis has and takes a lease where it has nothing usable: Found, Granted, Busy, Held or Unseen.
func (s *Store) Acquire(fetches ...*Fetch) {
	s.Look(fetches...)
	s.Lease(fetches...)
}

// Await waits for another's load to end, woken when it does, and ends as Acquire does, or as Alone when ctx ends.
func (s *Store) Await(ctx context.Context, f *Fetch) {
	wake := s.wakers.add(f.Key)
	defer s.wakers.remove(f.Key, wake)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		// What is read from here on is read after this stamp; what may be served on errors was not.
		f.Stamp, f.usable, f.seen, f.head, f.Outcome = s.Stamp(f.Key), false, false, "", Absent
		f.epoch = f.Stamp.epoch
		if s.Lease(f); f.Outcome != Busy {
			return
		}
		timer := time.NewTimer(pause + rand.N(pause))
		select {
		case <-wake:
		case <-timer.C:
		case <-ctx.Done():
			f.Outcome = Alone
		}
		timer.Stop()
		if f.Outcome == Alone {
			return
		}
	}
}

// Seize takes another's lease over for a load that began later: what the other loads is not to be stored after it.
func (s *Store) Seize(f *Fetch) {
	f.Outcome = Absent
	s.Lease(f)
	if f.Outcome == Busy {
		f.Outcome = Alone
	}
}

// Supersede ends what else was kept or is being loaded under f's Stamp: f's own load began later. It is void if
// something has invalidated f meanwhile.
func (s *Store) Supersede(f *Fetch) {
	s.fence.bump(f.Key)
	f.Stamp.count++
}

// Lease takes leases for the Absent ones among fetches: Granted, Busy, Held or Unseen, or Found: what
// another put there meanwhile is judged as if it had been read.
func (s *Store) Lease(fetches ...*Fetch) {
	const tries = 3
	for try := 0; ; try++ {
		var cmds []command
		var asked []*Fetch
		var tokens []string
		for _, f := range fetches {
			switch {
			case f.Outcome != Absent:
			case s.remote == nil:
				f.Outcome = Granted
			case s.bypassed(f.Key):
				f.Outcome = Unseen
			case try == tries:
				f.Outcome = Alone
			default:
				covers := "0"
				if f.usable {
					covers = "1"
				}
				asked, tokens = append(asked, f), append(tokens, token())
				cmds = append(cmds, invoke(scriptLease, f.Key, f.head, tokens[len(tokens)-1], max(f.Lease.Milliseconds(), 1), covers))
			}
		}
		if len(cmds) == 0 {
			return
		}
		results := s.remote.run(cmds...)
		for i, f := range asked {
			answer, ok := []any(nil), false
			if results[i].err == nil {
				answer, ok = results[i].value.([]any)
			}
			if !ok || len(answer) != 2 {
				if f.Outcome = Unseen; f.seen {
					f.Outcome = Alone
				}
				s.orphans.add(tokens[i], f.Lease)
				s.counts.redisErrors.Add(1)
				continue
			}
			text, _ := answer[1].(string)
			switch granted, _ := answer[0].(int64); granted {
			case 2:
				s.counts.corrupt.Add(1)
				fallthrough
			case 1:
				f.Outcome, f.token, f.head = Granted, text, string(kindLease)+text
				continue
			}
			if s.outlived(f) {
				f.Outcome = Unseen
				continue
			}
			if len(text) >= leaseSize && text[0] == kindLease && text[1:17] == tokens[i] { // the client repeated the command
				s.orphans.add(tokens[i], f.Lease)
			}
			s.judge(f, readOnly(text), s.moment())
		}
	}
}

// outlived tells whether what Redis answered to f may come from a server that this node has not told everything: the link
// broke meanwhile, or memory was emptied for another reason.
func (s *Store) outlived(f *Fetch) bool { return s.link.gated() || f.epoch != s.fence.epoch.Load() }

// judge decides what the bytes under f's key are good for, now.
func (s *Store) judge(f *Fetch, b []byte, now moment) {
	f.came = now
	f.Outcome, f.usable, f.head = Absent, false, stringOf(b[:min(len(b), headerSize)])
	f.seen = f.head != hold
	switch {
	case len(b) == 0:
		return
	case f.head == hold:
		f.Outcome = Held
		return
	case b[0] == kindLease && len(b) >= leaseSize && (b[headerSize] == '0' || b[headerSize] == '1'):
		rec, err := parseRecord(b[leaseSize:], f.Key, f.Codec.Name())
		if len(b) == leaseSize || err == nil {
			f.rec, f.usable = rec, err == nil && s.served(f.Key, rec, now.wall)
			if f.Outcome = Busy; s.orphans.has(string(b[1:17])) {
				f.Outcome = Absent
			}
			return
		}
	}
	rec, err := parseRecord(b, f.Key, f.Codec.Name())
	if err != nil {
		s.counts.corrupt.Add(1)
		return
	}
	s.fence.teach(rec.prefix)
	if rec.prefix < s.fence.newest.Load() && s.fence.after(f.Key, rec.prefix) {
		return // below a dead prefix
	}
	f.rec, f.usable = rec, s.served(f.Key, rec, now.wall)
	if !rec.expired && (now.wall < rec.fresh || now.wall < rec.stale) {
		f.Outcome = Found
	}
}

// served tells whether rec may be served at all, at least if a load fails.
func (s *Store) served(key string, rec record, now int64) bool {
	return !rec.negative && now < max(rec.fresh, rec.keep) &&
		(rec.prefix >= s.fence.newest.Load() || !s.fence.after(key, rec.prefix))
}

// Negative tells whether what was Found is an absence.
func (f *Fetch) Negative() bool { return f.rec.negative }

// Cost is how long the load of what was Found took.
func (f *Fetch) Cost() time.Duration { return f.rec.cost }

// Until is the end of freshness of what was Found, in Unix milliseconds.
func (f *Fetch) Until() int64 { return f.rec.fresh }

// Forsake says that what a lease covers must not be put back, and what was Found not stay: the load said something
// newer, which is not to be kept. It takes effect with Abandon.
func (f *Fetch) Forsake() { f.usable, f.forsaken = false, true }

// Came is the instant at which what was Found came.
func (f *Fetch) Came() int64 { return f.came.instant }

// Life is what remained of the life of what was Found when it Came.
func (f *Fetch) Life() ttl.Lifetime {
	left := func(at int64) time.Duration { return time.Duration(at-f.came.wall) * time.Millisecond }
	return ttl.Lifetime{Fresh: left(f.rec.fresh), Stale: left(f.rec.stale), Keep: left(max(f.rec.keep, f.rec.fresh))}
}

// Spare tells whether there is a value that may be served if the load fails.
func (s *Store) Spare(f *Fetch) bool {
	return f.usable && s.fence.valid(f.Stamp, f.Key) && s.served(f.Key, f.rec, wall.Now().UnixMilli())
}

// Keepable tells whether a value read or loaded for f may be kept in memory: its Stamp is still valid, and what was loaded without Redis's answer is
// kept only while the link is known to be down: the bump at its return ends it. Otherwise Redis may hold a mark that
// this node has not seen.
func (s *Store) Keepable(f *Fetch) bool {
	switch {
	case !s.remembers,
		(f.Outcome == Held || s.holds.covers(f.Key)) && !ruleHeldNotKept.off(),
		f.Outcome == Unseen && (!s.blind() || s.journal.coversPrefix(f.Key)) && !ruleUnseenNotKept.off():
		return false
	}
	return s.fence.valid(f.Stamp, f.Key)
}

// MayFill tells whether the result of a load may be written to Redis.
func (f *Fetch) MayFill() bool { return f.head != "" && (f.Outcome == Granted || f.Outcome == Found) }

// Renew prolongs the leases that were granted, while their loads last. The leases themselves are short, so that nobody
// waits long for a node that died.
func (s *Store) Renew(fetches ...*Fetch) {
	var cmds []command
	for _, f := range fetches {
		if f.Outcome == Granted && f.head != "" {
			cmds = append(cmds, invoke(scriptRenew, f.Key, f.head, max(f.Lease.Milliseconds(), 1)))
		}
	}
	if len(cmds) > 0 {
		s.remote.run(cmds...) // a lease that is not renewed ends a little later
	}
}

// Claim reserves the refresh of the value that was Found, so that one node refreshes it: for at most d.
// The fill then replaces exactly that value.
func (s *Store) Claim(f *Fetch, d time.Duration) bool {
	r := s.remote.run(invoke(scriptClaim, f.Key, f.head, d.Microseconds()))[0]
	if r.err != nil {
		s.counts.redisErrors.Add(1)
	}
	ok, _ := r.value.(int64)
	return ok == 1
}
