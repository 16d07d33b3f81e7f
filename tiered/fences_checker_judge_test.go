package tiered_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// history is a versioned origin, what happened to its rows, and the judge of what nodes read: each promise of the
// library that a call has earned is a version that reads from some moment on must not fall below.
type history struct {
	began time.Time

	mu         sync.Mutex
	rows       map[labKey]*labRow
	violations []string
	trace      []string
	drawn      func(n int) int // random loads, if not nil
}

// labKey has two segments, so that prefixes of it can be invalidated.
type labKey struct{ Group, Item int }

func (k labKey) String() string { return fmt.Sprintf("%d:%d", k.Group, k.Item) }

type labRow struct {
	writing  chan struct{} // room for one writer: a lock that bubbles understand
	version  int64
	told     int64 // F2: the newest version of whose invalidation Redis has said that it executed it
	promises []promise
	loads    []labLoad // what the next loads do; then they are quick
}

type labLoad struct {
	takes time.Duration
	fails bool
}

// promise says that reads which start on a node from a moment on return at least a version.
type promise struct {
	version int64
	node    int // or everyone
	from    time.Time
	by      string
	author  int
	expired bool // by an Expire: a failed load makes it void
}

const everyone = -1

func newHistory(keys ...labKey) *history {
	h := &history{began: time.Now(), rows: map[labKey]*labRow{}}
	for _, k := range keys {
		h.rows[k] = &labRow{writing: make(chan struct{}, 1), version: 1}
	}
	return h
}

// note adds a line to the trace.
func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted(format, args...)
}

func (h *history) noted(format string, args ...any) {
	h.trace = append(h.trace, fmt.Sprintf("%8.3fs  ", time.Since(h.began).Seconds())+fmt.Sprintf(format, args...))
}

// found returns the violations, and the trace that led to the first.
func (h *history) found() (violations []string, trace string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.violations, strings.Join(h.trace, "\n")
}

func (h *history) violated(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	if h.noted("VIOLATION %s", v); len(h.violations) < 10 {
		h.violations = append(h.violations, v)
	}
}

// commit makes a new version of a row.
func (h *history) commit(key labKey) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	row := h.rows[key]
	row.version++
	h.noted("origin: %v is version %d", key, row.version)
	return row.version
}

func (h *history) version(key labKey) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rows[key].version
}

// promise notes what a call has earned.
func (h *history) promise(key labKey, p promise) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows[key].promises = append(h.rows[key].promises, p)
}

// tell notes that Redis has executed an invalidation of a version.
func (h *history) tell(key labKey, version int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows[key].told = max(h.rows[key].told, version)
}

func (h *history) told(key labKey) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rows[key].told
}

// least is what a read of key that begins at a moment must at least return, as far as is known now: grace is how much
// longer a node may need whose Redis is or was away.
func (h *history) least(node int, key labKey, begins time.Time, grace time.Duration) (version int64, by string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.rows[key].promises {
		from := p.from
		if p.node == everyone {
			from = from.Add(grace)
		}
		if (p.node == node || p.node == everyone) && p.version > version && !begins.Before(from) {
			version, by = p.version, p.by
		}
	}
	return version, by
}

// judge compares what a read returned with what it must.
func (h *history) judge(node int, key labKey, how, value string, least int64, by string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	got, err := strconv.ParseInt(value, 10, 64)
	h.noted("node %d: %s %v returns version %s", node, how, key, value)
	if err != nil || got < least {
		h.violated("%s of %v on node %d returned version %q, but %s promises at least %d", how, key, node, value, by, least)
	}
}

// load takes what the next load of key is to do, and the version that it sees: that of its beginning.
func (h *history) load(key labKey) (version int64, do labLoad) {
	h.mu.Lock()
	defer h.mu.Unlock()
	row := h.rows[key]
	if h.drawn != nil {
		return row.version, drawLoad(h.drawn)
	}
	if len(row.loads) > 0 {
		do, row.loads = row.loads[0], row.loads[1:]
	}
	return row.version, do
}

// drawLoads makes all loads random, or none.
func (h *history) drawLoads(draw func(n int) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drawn = draw
}

func drawLoad(draw func(n int) int) labLoad {
	do := labLoad{takes: time.Duration(draw(60)) * time.Millisecond}
	switch draw(20) {
	case 0:
		do.takes = 2 * labLoadLimit // that is, until it is given up
	case 1, 2:
		do.takes = labLoadLimit / 4
	case 3:
		do.fails = true
	case 4, 5:
		do.takes = 0
	}
	return do
}

// loadFailed makes the promises of Expire void: what is expired may be served now.
func (h *history) loadFailed(key labKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.rows[key].promises {
		if p := &h.rows[key].promises[i]; p.expired {
			p.version = 0
		}
	}
}

// failover suspends the promises to other nodes: a new master may lack what the old one was told, until its author has
// told it again. An author that is dead does not.
func (h *history) failover(recovered time.Time, dead func(node int) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, row := range h.rows {
		for i := range row.promises {
			p := &row.promises[i]
			if p.node != everyone {
				continue
			}
			if p.from.Before(recovered) {
				p.from = recovered
			}
			if dead(p.author) {
				p.version = 0
			}
		}
	}
}

// settle makes of each promise one to everyone: all that was deferred has been told.
func (h *history) settle(dead func(node int) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted("all is well again")
	for _, row := range h.rows {
		for _, p := range row.promises {
			if p.node != everyone && !dead(p.author) {
				p.node, p.from, p.by = everyone, time.Now().Add(-time.Hour), p.by+" and F3 in the end"
				row.promises = append(row.promises, p)
			}
		}
	}
}
