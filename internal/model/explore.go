package model

import "hash/maphash"

// system is something that makes steps. A state S is comparable and has no pointers.
type system[S comparable] interface {
	start() S
	// next emits each state that one step leads to, with the promise that the step itself broke, if it did.
	next(s *S, emit func(what label, t *S, broken string))
	// check names the promise that the state breaks, if it does.
	check(s *S) string
	// canon gives one name to all states that differ only in names (of slots, of tokens).
	canon(s S) S
	describe(s *S) string
}

// label says what a step does, and to whom; -1 is nobody.
type label struct {
	what string
	who  int8
}

// step is a line of a trace: what was done, and what came of it.
type step[S comparable] struct {
	label label
	state S
}

// found is what a search came to.
type found[S comparable] struct {
	states   int
	depth    int
	complete bool // false: ended by the limit, or by the first broken promise
	broken   string
	trace    []step[S] // the shortest that breaks a promise
}

// explore visits all states, nearest first, until a promise breaks or limit states are known. States are remembered by a
// hash of 64 bits: of ten million, one is overlooked with a probability of less than 1e-5.
func explore[S comparable](m system[S], limit int) found[S] {
	seed := maphash.MakeSeed()
	hash := func(s *S) uint64 { return maphash.Comparable(seed, m.canon(*s)) }
	first := m.start()
	known := map[uint64]int32{hash(&first): 0}
	parents := []int32{0}
	hashes := []uint64{hash(&first)}
	level, names := []S{first}, []int32{0}

	f := found[S]{complete: true}
	fail := func(broken string, name int32, last *step[S]) {
		f.broken, f.trace, f.complete = broken, retrace(m, hash, parents, hashes, name), false
		if last != nil {
			f.trace = append(f.trace, *last)
		}
	}
	for len(level) > 0 && f.complete {
		var further []S
		var furtherNames []int32
		for i := range level {
			name := names[i]
			m.next(&level[i], func(what label, t *S, broken string) {
				if !f.complete {
					return
				}
				if broken != "" {
					fail(broken, name, &step[S]{what, *t})
					return
				}
				h := hash(t)
				if _, again := known[h]; again {
					return
				}
				known[h] = int32(len(parents))
				parents, hashes = append(parents, name), append(hashes, h)
				further, furtherNames = append(further, *t), append(furtherNames, known[h])
				if broken = m.check(t); broken != "" {
					fail(broken, known[h], nil)
				}
			})
			if len(parents) >= limit {
				f.complete = false
			}
			if !f.complete {
				break
			}
		}
		level, names = further, furtherNames
		if len(level) > 0 {
			f.depth++
		}
	}
	f.states = len(parents)
	return f
}

// retrace goes again from the start to the state with the given name.
func retrace[S comparable](m system[S], hash func(*S) uint64, parents []int32, hashes []uint64, name int32) []step[S] {
	var way []int32
	for ; name != 0; name = parents[name] {
		way = append(way, name)
	}
	s := m.start()
	trace := []step[S]{{label{"start", -1}, s}}
	for i := len(way) - 1; i >= 0; i-- {
		here, there := s, false
		m.next(&here, func(what label, t *S, _ string) {
			if !there && hash(t) == hashes[way[i]] {
				s, there = *t, true
				trace = append(trace, step[S]{what, s})
			}
		})
	}
	return trace
}
