package breaker

import (
	"sync"
	"sync/atomic"
)

// Permit is the right to make one request, given by [Breaker.Allow]. Tell it
// what came of the request with exactly one of Success, Failure and Cancel. The
// first report counts; later ones, on copies too and from any goroutine, do
// nothing. So a deferred Cancel covers every way out that was not thought of:
//
//	permit, err := b.Allow()
//	if err != nil {
//		return err
//	}
//	defer permit.Cancel()
//
// A report counts only toward the period in which the permit was given: what
// began while the breaker was closed neither closes nor opens one that has
// changed since. A permit that never reports costs nothing while the breaker is
// closed, and while it is half-open holds its slot for Options.ProbeTimeout.
//
// The zero Permit, which a nil Breaker gives, ignores every report.
type Permit struct {
	breaker *Breaker
	period  uint64
	ticket  *ticket
	serial  uint64
}

// A ticket makes a report count once, though permits are copied freely: the
// permit whose serial it shows is unspent. Tickets are recycled, the serial only
// grows, so a permit that was spent stays spent.
type ticket struct{ serial atomic.Uint64 }

var tickets = sync.Pool{New: func() any { return new(ticket) }}

func (b *Breaker) permit(period uint64) Permit {
	t := tickets.Get().(*ticket)
	return Permit{breaker: b, period: period, ticket: t, serial: t.serial.Load()}
}

// spend reports whether p was unspent; if so, the caller alone may report it.
func (p Permit) spend() bool {
	if p.ticket == nil || !p.ticket.serial.CompareAndSwap(p.serial, p.serial+1) {
		return false
	}
	tickets.Put(p.ticket)
	return true
}

// Success reports that the service answered. An answer that is an error to the
// caller, such as "no such key", is a success of the service.
func (p Permit) Success() {
	if p.spend() {
		p.breaker.report(p, good)
	}
}

// Failure reports that the service did not answer: a transport fault, or a
// timeout.
func (p Permit) Failure() {
	if p.spend() {
		p.breaker.report(p, bad)
	}
}

// Cancel reports that nothing is known about the service, because the caller
// went away or the request was never made. It counts nothing, and gives the
// slot of a probe back at once.
func (p Permit) Cancel() {
	if p.spend() {
		p.breaker.report(p, unknown)
	}
}

// outcome is what a permit reported.
type outcome uint8

const (
	unknown outcome = iota
	good
	bad
)
