package main

import (
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// call is a method while it is written: the names of its parameters and results.
type call struct {
	*writer
	m       *method
	locals  names
	params  []string
	results []string // nil: not named
	args    string   // as they are passed on
	// saved are the variables of operands that the call itself may change.
	saved map[string]string
}

// method writes one method.
func (w *writer) method(m *method) {
	if m.Name() == "Close" {
		return // closing writes it
	}
	k := &call{writer: w, m: m, locals: names{}, saved: map[string]string{}}
	for name := range w.taken {
		k.locals[name] = true
	}
	k.locals["c"] = true // the receiver
	for i, v := range m.params {
		want := v.Name()
		if want == "" || want == "_" {
			want = "p" + strconv.Itoa(i)
			if isContext(v.Type()) {
				want = "ctx"
			}
		}
		k.params = append(k.params, k.locals.pick(want))
	}
	k.args = strings.Join(k.params, ", ")
	if m.Signature().Variadic() {
		k.args += "..."
	}
	w.linef("")
	switch {
	case m.cached != nil:
		k.cachedMethod()
	case len(m.drops) > 0:
		k.writingMethod()
	default:
		w.linef("// %s is passed on.", m.Name())
		k.signature()
		if len(m.results) > 0 {
			w.linef("\treturn c.%s.%s(%s)\n}", w.inner, m.Name(), k.args)
		} else {
			w.linef("\tc.%s.%s(%s)\n}", w.inner, m.Name(), k.args)
		}
	}
}

// signature writes the head of the method, with names for its results if there are some.
func (k *call) signature() {
	params := make([]string, len(k.params))
	for i, v := range k.m.params {
		t := k.typeName(v.Type())
		if i == len(params)-1 && k.m.Signature().Variadic() {
			t = "..." + k.typeName(v.Type().(*types.Slice).Elem())
		}
		params[i] = k.params[i] + " " + t
	}
	results := make([]string, len(k.m.results))
	for i, v := range k.m.results {
		results[i] = k.typeName(v.Type())
		if k.results != nil {
			results[i] = k.results[i] + " " + results[i]
		}
	}
	list := strings.Join(results, ", ")
	if len(results) > 1 || k.results != nil {
		list = "(" + list + ")"
	}
	k.linef("func (c *%s) %s(%s) %s {", k.typ, k.m.Name(), strings.Join(params, ", "), list)
}

// cachedMethod answers from a cache.
func (k *call) cachedMethod() {
	c := k.m.cached
	if c.batch {
		k.linef("// %s answers from %s, key by key. If some keys fail, the error is a *%s.BatchError, and the map has", k.m.Name(), c.field, k.cache())
		k.linef("// the others.")
		k.signature()
		k.linef("\treturn c.%s.GetMany(%s)\n}", c.field, strings.Join(k.params, ", "))
		return
	}
	k.linef("// %s answers from %s.", k.m.Name(), c.field)
	k.signature()
	k.guard(c.parts)
	if c.detour {
		fields := make([]string, len(k.params)-1)
		for i, name := range k.params[1:] {
			fields[i] = "p" + strconv.Itoa(i+1) + ": " + name
		}
		k.linef("\t%s = %s.WithValue(%s, (*%s)(nil), &%s{%s})", k.params[0], k.use("context"), k.params[0], c.callType, c.callType, strings.Join(fields, ", "))
	}
	k.linef("\treturn c.%s.Get(%s, %s)\n}", c.field, k.params[0], k.key(c, c.parts))
}

// guard passes a call on whose key is behind a nil pointer: it has none.
func (k *call) guard(parts []operand) {
	if nils := k.nils(parts, " == nil", false); len(nils) > 0 {
		k.linef("\tif %s { // there is no key", strings.Join(nils, " || "))
		k.linef("\t\treturn c.%s.%s(%s)\n\t}", k.inner, k.m.Name(), k.args)
	}
}

// nils compares each pointer on the way to parts with nil; guarded: parameters have passed the guard, and are not nil.
func (k *call) nils(parts []operand, with string, guarded bool) (all []string) {
	seen := map[string]bool{}
	for _, o := range parts {
		for _, p := range o.pointers {
			if len(p) == 1 && !o.result && guarded {
				continue
			}
			if text := k.expr(operand{path: p, index: o.index, result: o.result}) + with; !seen[text] {
				seen[text] = true
				all = append(all, text)
			}
		}
	}
	return all
}

// expr is an operand in the method.
func (k *call) expr(o operand) string {
	text := k.text(o)
	if saved, ok := k.saved[text]; ok && !o.result {
		text = saved
	}
	return text + o.sub
}

// text is an operand as it is at the moment.
func (k *call) text(o operand) string {
	base := k.params
	if o.result {
		base = k.results
	}
	return strings.Join(append([]string{base[o.index]}, o.path[1:]...), ".")
}

// save keeps what is behind pointers as it is before the call.
func (k *call) save(parts []operand) {
	for _, o := range parts {
		text := k.text(o)
		if _, ok := k.saved[text]; !ok && len(o.pointers) > 0 {
			name := k.locals.pick("old" + capital(o.path[len(o.path)-1]))
			k.linef("\t%s := %s", name, text)
			k.saved[text] = name
		}
	}
}

// key is the key that parts make for a cache.
func (k *call) key(c *cached, parts []operand) string {
	switch {
	case c.keyType == "" && len(parts) == 0:
		return "struct{}{}"
	case c.keyType == "":
		return k.expr(parts[0])
	}
	fields := partNames(c)
	for i := range fields {
		fields[i] += ": " + k.expr(parts[i])
	}
	return c.keyType + "{" + strings.Join(fields, ", ") + "}"
}

// writingMethod calls through Mutate where the keys are known before, and invalidates the rest after.
func (k *call) writingMethod() {
	for i, v := range k.m.results {
		want := v.Name()
		if want == "" || want == "_" {
			want = "r" + strconv.Itoa(i)
			if i == len(k.m.results)-1 {
				want = "err"
			}
		}
		k.results = append(k.results, k.locals.pick(want))
	}
	var before, after, ifDone []*drop
	var params []operand
	names := map[string]bool{}
	for _, d := range k.m.drops {
		names[d.cache.field] = true
		result := false
		for _, o := range d.parts {
			if result = result || o.result; !o.result {
				params = append(params, o)
			}
		}
		switch {
		case result:
			ifDone = append(ifDone, d)
		case d.all || d.prefix != nil || d.many:
			after = append(after, d)
		default:
			before = append(before, d)
		}
	}
	fields := []string{}
	for _, c := range k.caches {
		if names[c.field] {
			fields = append(fields, c.field)
		}
	}
	err := k.results[len(k.results)-1]
	k.linef("// %s is passed on, and invalidates in %s.", k.m.Name(), strings.Join(fields, ", "))
	k.signature()
	k.nilWrite(params)
	k.save(params)
	var sometimes []late
	for _, d := range ifDone {
		sometimes = append(sometimes, k.late(d, true))
	}
	k.afterwards(after, append(sometimes, k.changes(slices.Concat(before, after))...))
	inner := "c." + k.inner + "." + k.m.Name() + "(" + k.args + ")"
	if len(before) == 0 {
		k.linef("\treturn %s\n}", inner)
		return
	}
	inner = strings.Join(k.results, ", ") + " = " + inner + "\nreturn " + err
	answer := slices.Clone(k.results)
	failed, notWritten := k.locals.pick("invalidation"), ""
	if len(before) > 1 { // the second Mutate may refuse before the write, and the first be deferred after that
		written := k.locals.pick("written")
		k.linef("\t%s := false", written)
		inner = written + " = true\n" + inner
		answer[len(answer)-1] = failed
		notWritten = "\tif !" + written + " {\n\t\treturn " + strings.Join(answer, ", ") + "\n\t}\n"
	}
	for i := len(before) - 1; i >= 0; i-- {
		d := before[i]
		inner = "c." + d.cache.field + ".Mutate(" + k.params[0] + ", " + k.key(d.cache, d.parts) +
			", func(" + k.params[0] + " " + k.use("context") + ".Context) error {\n" + inner + "\n})"
		if i > 0 {
			inner = "return " + inner
		}
	}
	answer[len(answer)-1] = "c." + k.settle + "(" + err + ", " + failed + ")"
	k.linef("\t%s := %s\n%s\treturn %s\n}", failed, inner, notWritten, strings.Join(answer, ", "))
}

// late is an invalidation after the call, and the conditions that it depends on.
type late struct {
	when []string
	do   string
}

// late is that of d, whose key is there if no pointer on the way to it is nil; a result is, too, if the call succeeded.
func (k *call) late(d *drop, guarded bool) late {
	var when []string
	if slices.ContainsFunc(d.parts, func(o operand) bool { return o.result }) {
		when = append(when, k.results[len(k.results)-1]+" == nil")
	}
	return late{append(when, k.nils(d.parts, " != nil", guarded)...), k.invalidate(d)}
}

// afterwards invalidates when the method returns.
func (k *call) afterwards(always []*drop, sometimes []late) {
	if len(always)+len(sometimes) == 0 {
		return
	}
	err, failed := k.results[len(k.results)-1], maps.Clone(k.locals).pick("invalidation") // its scope is its own
	k.linef("\tdefer func() { // also after an error or a panic: what was written is not known then")
	k.linef("\t\t%s := %s", failed, k.join(always))
	for _, l := range sometimes {
		k.linef("\t\tif %s {\n\t\t\t%s = %s.Join(%s, %s)\n\t\t}", strings.Join(l.when, " && "), failed, k.use("errors"), failed, l.do)
	}
	k.linef("\t\t%s = c.%s(%s, %s)\n\t}()", err, k.settle, err, failed)
}

// nilWrite is the guard of a write: what it invalidates besides the keys that are not there has to go all the same.
func (k *call) nilWrite(params []operand) {
	nils := k.nils(params, " == nil", false)
	if len(nils) == 0 {
		return
	}
	var always []*drop
	var sometimes []late
	for _, d := range k.m.drops {
		missing := func(o operand) bool { return !o.result && len(o.pointers) > 0 && len(nils) == 1 }
		switch l := k.late(d, false); {
		case len(l.when) == 0:
			always = append(always, d)
		case !slices.ContainsFunc(d.parts, missing):
			sometimes = append(sometimes, l)
		}
	}
	k.linef("\tif %s { // a key is missing", strings.Join(nils, " || "))
	k.afterwards(always, sometimes)
	k.linef("\t\treturn c.%s.%s(%s)\n\t}", k.inner, k.m.Name(), k.args)
}

// changes invalidate the new key, or prefix, where the call itself has changed one: a new row gets its ID.
func (k *call) changes(drops []*drop) (all []late) {
	for _, d := range drops {
		if d.many {
			continue // the slice is the caller's
		}
		old := k.said(d)
		saved := k.saved
		k.saved = nil
		again, there, do := k.said(d), k.nils(d.parts, " != nil", true), k.invalidate(d)
		k.saved = saved
		var changed []string
		for i := range old {
			if again[i] != old[i] {
				changed = append(changed, differ(again[i], old[i]))
			}
		}
		switch len(changed) {
		case 0:
		case 1:
			all = append(all, late{append(there, changed[0]), do})
		default:
			all = append(all, late{append(there, "("+strings.Join(changed, " || ")+")"), do})
		}
	}
	return all
}

// said is what d invalidates: the key, or what the prefix is made of.
func (k *call) said(d *drop) (all []string) {
	if d.prefix == nil && !d.all {
		return []string{k.key(d.cache, d.parts)}
	}
	for _, o := range d.parts {
		all = append(all, k.expr(o))
	}
	return all
}

// differ compares two keys; the literal of a struct in a condition needs parentheses.
func differ(a, b string) string {
	if strings.HasSuffix(a, "}") {
		return "(" + a + ") != (" + b + ")"
	}
	return a + " != " + b
}

// join is the error of invalidations.
func (k *call) join(drops []*drop) string {
	var all []string
	for _, d := range drops {
		all = append(all, k.invalidate(d))
	}
	switch len(all) {
	case 0:
		return "error(nil)"
	case 1:
		return all[0]
	}
	return k.use("errors") + ".Join(" + strings.Join(all, ", ") + ")"
}

// invalidate is one invalidation after the call.
func (k *call) invalidate(d *drop) string {
	on, ctx := "c."+d.cache.field, k.params[0]
	switch {
	case d.all:
		return on + ".InvalidatePrefix(" + ctx + ")"
	case d.prefix != nil:
		want, _ := k.plan.segments(d.cache.parts)
		have, _ := k.plan.segments(d.parts)
		list := ctx
		for i, o := range have {
			one := k.expr(o)
			if !types.Identical(o.typ, want[i].typ) {
				one = k.typeName(want[i].typ) + "(" + one + ")"
			}
			list += ", " + one
		}
		return on + ".InvalidatePrefix(" + list + ")"
	case d.many:
		return on + ".Invalidate(" + ctx + ", " + k.expr(d.parts[0]) + "...)"
	}
	return on + ".Invalidate(" + ctx + ", " + k.key(d.cache, d.parts) + ")"
}
