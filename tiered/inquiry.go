package tiered

import "context"

// inquiry is what one caller has asked: consecutive questions of one batch, seldom of more.
type inquiry[Q, A any] struct {
	first part[Q, A]
	more  []part[Q, A]
}

// part is questions of a batch.
type part[Q, A any] struct {
	batch    *batch[Q, A]
	from, to int
}

// add adds the question with an index in a batch.
func (in *inquiry[Q, A]) add(b *batch[Q, A], i int) {
	last := &in.first
	if n := len(in.more); n > 0 {
		last = &in.more[n-1]
	}
	switch {
	case last.batch == b:
		last.to = i + 1
	case last.batch == nil:
		*last = part[Q, A]{b, i, i + 1}
	default:
		in.more = append(in.more, part[Q, A]{b, i, i + 1})
	}
}

// wait waits for the answers. It is false if ctx ended first.
func (in inquiry[Q, A]) wait(ctx context.Context) bool {
	if !in.first.batch.wait(ctx) {
		return false
	}
	for _, p := range in.more {
		if !p.batch.wait(ctx) {
			return false
		}
	}
	return true
}

func (b *batch[Q, A]) wait(ctx context.Context) bool {
	if b.done == nil {
		return true
	}
	end := ctx.Done()
	if end == nil {
		<-b.done
		return true
	}
	select {
	case <-b.done:
		return true
	case <-end:
		return false
	}
}

// each calls take for all answers, in the order of the questions, once they have been waited for.
func (in inquiry[Q, A]) each(take func(i int, answer A, err error)) {
	i := in.first.each(0, take)
	for _, p := range in.more {
		i = p.each(i, take)
	}
}

func (p part[Q, A]) each(i int, take func(i int, answer A, err error)) int {
	var none A
	for at := p.from; at < p.to; at++ {
		if p.batch.err != nil {
			take(i, none, p.batch.err)
		} else {
			take(i, p.batch.answers[at], nil)
		}
		i++
	}
	return i
}
