package judge

import "time"

// Told is an invalidation that Redis acknowledged. At is when the call returned, in nanoseconds on the clock that all
// processes share.
type Told struct {
	At      int64
	Version uint64
	Prefix  bool // of a prefix: readers learn of it by the link or by a poll, not from the key
}

// Bounds say for how long a read may be behind what another node was told.
type Bounds struct {
	Up       time.Duration // latency of a message, with the link up
	Link     time.Duration // until memory is not trusted any more: MaxStaleness and a tick
	Away     time.Duration // until memory of the time before is not used any more: FallbackTTL, and the load that filled it
	Poll     time.Duration // added for prefixes, which a node that missed the message finds by asking
	Recovery time.Duration // for how long a disturbance is felt after its end
	Notice   time.Duration // until a new master is noticed behind an intact connection
	Settle   time.Duration // until what a new master has lost was told again
}

// ForAuditor are the bounds of a reader that has no memory: what Redis acknowledged for a key must show at once.
func (b Bounds) ForAuditor() Bounds {
	b.Up, b.Link, b.Away = 0, 0, 0
	return b
}

// State is what disturbed r since an instant.
func (b Bounds) State(since int64, r Reader) State {
	switch {
	case r.Away.touches(since, int64(b.Recovery)):
		return Away
	case r.Link.touches(since, int64(b.Recovery)), r.Paused.touches(since, int64(b.Recovery)):
		return Link
	}
	return Up
}

// Allowed is for how long a read by r may be behind t.
func (b Bounds) Allowed(t Told, r Reader) (time.Duration, State) {
	state := b.State(t.At, r)
	allowed := [States]time.Duration{b.Up, b.Link, b.Away}[state]
	if t.Prefix {
		allowed += b.Up0() + b.Poll
		if state == Up {
			allowed -= b.Poll
		}
	}
	if allowed > 0 {
		allowed += 2 * time.Duration(r.Stall)
	}
	return allowed, state
}

// Up0 is the latency of a message for a reader whose own bound is zero.
func (b Bounds) Up0() time.Duration {
	if b.Up > 0 {
		return 0
	}
	return messageLatency
}

const messageLatency = 250 * time.Millisecond

// Least is what a read that starts at now by r must at least return, by F3, and the invalidation that says so. ok is false
// if nothing does.
func (b Bounds) Least(now int64, told []Told, r Reader) (by Told, state State, ok bool) {
	if r.Void.Active || r.Paused.Active || r.Paused.End != 0 && now < r.Paused.End+int64(tick)+2*r.Stall {
		return by, Up, false
	}
	for _, t := range told {
		if t.Version <= by.Version {
			continue
		}
		allowed, s := b.Allowed(t, r)
		from := t.At
		if r.Void.End != 0 && from < r.Void.End+int64(b.Settle) {
			from = r.Void.End + int64(b.Settle)
			allowed = max(allowed, b.Link)
		}
		if now-from > int64(allowed) {
			by, state, ok = t, s, true
		}
	}
	return by, state, ok
}

// Excused tells whether a read that began at an instant may be below even what r itself has invalidated, by a limit that
// the library documents: r cannot know yet that another master answers, which has lost that.
func (b Bounds) Excused(began int64, r Reader) bool {
	return r.Unseen.Active || r.Unseen.End != 0 && began < r.Unseen.End+int64(b.Notice)+2*r.Stall
}

// tick is for how long after a pause of its process memory's own clock may stand still.
const tick = 100 * time.Millisecond

// Behind is for how long, at now, version had been outdated by what was told, and what disturbed r since.
func (b Bounds) Behind(now int64, version uint64, told []Told, r Reader) (time.Duration, State) {
	first := int64(0)
	for _, t := range told {
		if t.Version > version && t.At < now && (first == 0 || t.At < first) {
			first = t.At
		}
	}
	if first == 0 {
		return 0, Up
	}
	return time.Duration(now - first), b.State(first, r)
}
