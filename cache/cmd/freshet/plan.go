package main

import (
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// plan is what to generate: every method of an interface, and what becomes of it.
type plan struct {
	src     *source
	faults  faults
	iface   string // the interface
	typ     string // the type to generate
	maker   string // its constructor
	methods []*method
	caches  []*cached
}

// method is one method of the interface: cached, or followed by invalidations, or passed on.
type method struct {
	*types.Func
	params, results []*types.Var
	said            []saying
	cached          *cached
	drops           []*drop
}

// saying is a directive and where it stands.
type saying struct {
	directive
	at token.Pos
}

// cached is one cache.
type cached struct {
	saying
	method *method
	field  string
	parts  []operand
	key    types.Type // nil: the generated keyType
	value  types.Type
	// keyType is the struct of several parts, or "".
	keyType string
	batch   bool
	// detour: the key is not all of the arguments, so these travel to the load in the context, as a callType.
	detour   bool
	callType string
}

// drop is one invalidation.
type drop struct {
	saying
	cache *cached
	parts []operand
	many  bool // the one part is a slice of keys
}

func newPlan(src *source, name string) (*plan, error) {
	p := &plan{src: src, faults: faults{fset: src.fset}, iface: name}
	p.typ, p.maker = "Cached"+name, "NewCached"+name
	if !token.IsExported(name) {
		p.typ, p.maker = "cached"+capital(name), "newCached"+capital(name)
	}
	iface, err := p.find(name)
	if err != nil {
		return nil, err
	}
	docs := newDocs(src)
	for fn := range iface.Methods() {
		m := &method{Func: fn, params: slices.Collect(fn.Signature().Params().Variables()), results: slices.Collect(fn.Signature().Results().Variables())}
		if !fn.Exported() && fn.Pkg() != src.pkg {
			p.faults.add(fn.Pos(), "method %s belongs to package %s: no type of another package can have it", fn.Name(), fn.Pkg().Path())
		}
		m.said = docs.of(fn.Pos(), &p.faults)
		p.methods = append(p.methods, m)
	}
	slices.SortStableFunc(p.methods, func(a, b *method) int { return int(a.Pos()) - int(b.Pos()) }) // as written
	docs.strays(&p.faults)

	for _, m := range p.methods {
		p.known(m)
		p.cacheOf(m)
	}
	for _, m := range p.methods {
		p.dropsOf(m)
	}
	p.clashes()
	if len(p.caches) == 0 && len(p.faults.list) == 0 {
		p.faults.add(src.pkg.Scope().Lookup(name).Pos(), "%s has no %scache comment on any method: there is nothing to cache", name, mark)
	}
	return p, p.faults.err()
}

// find returns the interface called name.
func (p *plan) find(name string) (*types.Interface, error) {
	obj := p.src.pkg.Scope().Lookup(name)
	if obj == nil {
		return nil, fmt.Errorf("freshet: there is no type %s in package %s (%s); files of tests and of other platforms do not count", name, p.src.pkg.Path(), p.src.dir)
	}
	fail := func(format string, args ...any) (*types.Interface, error) {
		p.faults.add(obj.Pos(), format, args...)
		return nil, p.faults.err()
	}
	if _, ok := obj.(*types.TypeName); !ok {
		return fail("%s is not a type", name)
	}
	if g, ok := obj.Type().(interface{ TypeParams() *types.TypeParamList }); ok && g.TypeParams().Len() > 0 && generic(obj.Type()) {
		return fail("%s is generic, which is not supported: declare an interface that embeds one instance, as type Users interface{ %s[…] }", name, name)
	}
	iface, ok := obj.Type().Underlying().(*types.Interface)
	switch {
	case !ok:
		return fail("%s is not an interface", name)
	case !iface.IsMethodSet():
		return fail("%s is a constraint: no value has its type", name)
	}
	return iface, nil
}

// generic tells a generic type from an instance of one.
func generic(t types.Type) bool {
	inst, ok := t.(interface{ TypeArgs() *types.TypeList })
	return !ok || inst.TypeArgs().Len() == 0
}

// known minds types that the type checker could not find.
func (p *plan) known(m *method) {
	for _, v := range slices.Concat(m.params, m.results) {
		if invalid(v.Type()) {
			why := p.src.wrong
			if why == nil {
				why = errors.New("it is not declared")
			}
			p.faults.add(m.Pos(), "%s: a type of its signature is not known: %v", m.Name(), why)
			return
		}
	}
}

func invalid(t types.Type) bool {
	return strings.Contains(types.TypeString(t, nil), types.Typ[types.Invalid].String())
}

// cacheOf plans the cache of m, if it is to have one.
func (p *plan) cacheOf(m *method) {
	for _, s := range m.said {
		if s.verb != verbCache {
			continue
		}
		if m.cached != nil {
			p.faults.add(s.at, "%s has a cache already", m.Name())
			continue
		}
		c := &cached{saying: s, method: m, field: camel(s.name) + "Cache"}
		m.cached = c
		for _, other := range p.caches {
			if other.name == s.name {
				p.faults.add(s.at, "there is a cache %s already, of %s: every method has a cache of its own", s.name, other.method.Name())
				return
			}
			if other.field == c.field {
				p.faults.add(s.at, "the caches %s and %s would both be the field %s", other.name, s.name, c.field)
				return
			}
		}
		p.caches = append(p.caches, c)
		switch {
		case len(m.params) == 0 || !isContext(m.params[0].Type()):
			p.faults.add(s.at, "%s cannot be cached: its first parameter must be a context.Context", m.Name())
		case len(m.results) != 2 || !isError(m.results[1].Type()):
			p.faults.add(s.at, "%s cannot be cached: its results must be a value and an error", m.Name())
		default:
			c.value = m.results[0].Type()
			if !p.batchOf(c) {
				p.keyOf(c)
			}
		}
	}
}

// batchOf plans a method of []K to map[K]V, and tells whether m is one.
func (p *plan) batchOf(c *cached) bool {
	m := c.method
	if len(m.params) != 2 {
		return false
	}
	ks, ok1 := m.params[1].Type().Underlying().(*types.Slice)
	vs, ok2 := m.results[0].Type().(*types.Map)
	if !ok1 || !ok2 || !types.Identical(ks.Elem(), vs.Key()) {
		return false
	}
	c.batch, c.key, c.value = true, vs.Key(), vs.Elem()
	c.parts = []operand{{path: path{m.params[1].Name()}, typ: c.key, index: 1}}
	if said := c.saying.key; len(said) > 1 || len(said) == 1 && said[0].String() != m.params[1].Name() {
		p.faults.add(c.at, "%s is cached key by key: key= can only be %s", m.Name(), m.params[1].Name())
	}
	if why := keyFault(c.key); why != "" {
		p.faults.add(c.at, "%s: %s", m.Name(), why)
	}
	return true
}

// keyOf plans the key of a method of one value.
func (p *plan) keyOf(c *cached) {
	m, paths := c.method, c.saying.key
	if paths == nil {
		for i, v := range m.params[1:] {
			if v.Name() == "" || v.Name() == "_" {
				paths = nil
				p.faults.add(c.at, "%s: parameter %d has no name, and cannot be a part of the key", m.Name(), i+1)
				return
			}
			paths = append(paths, path{v.Name()})
		}
	}
	used := map[int]bool{0: true}
	seen := map[string]bool{}
	for _, name := range paths {
		o, ok := p.operand(c.saying, m, name, false)
		if !ok {
			return
		}
		if why := keyFault(o.typ); why != "" {
			p.faults.add(c.at, "%s: %s: %s", m.Name(), name, why)
			return
		}
		if seen[name.String()] {
			p.faults.add(c.at, "%s is in the key twice", name)
			return
		}
		seen[name.String()], used[o.index] = true, true
		c.detour = c.detour || len(name) > 1
		c.parts = append(c.parts, o)
	}
	for i, v := range m.params {
		if !used[i] {
			p.faults.add(c.at, "%s: parameter %s is not in the key: answers that depend on it would be mixed up", m.Name(), v.Name())
		}
	}
	switch len(c.parts) {
	case 0:
		c.key = types.NewStruct(nil, nil)
	case 1:
		c.key = c.parts[0].typ
	default:
		c.keyType = p.typ + m.Name() + "Key"
	}
	c.callType = "cached" + capital(p.iface) + m.Name() + "Call"
}

// dropsOf plans the invalidations of m.
func (p *plan) dropsOf(m *method) {
	for _, s := range m.said {
		if s.verb != verbInvalidate {
			continue
		}
		i := slices.IndexFunc(p.caches, func(c *cached) bool { return c.name == s.name })
		last := len(m.results) - 1
		switch {
		case m.cached != nil:
			p.faults.add(s.at, "%s is cached, and a hit would invalidate nothing", m.Name())
		case len(m.params) == 0 || !isContext(m.params[0].Type()):
			p.faults.add(s.at, "%s cannot invalidate: its first parameter must be a context.Context", m.Name())
		case last < 0 || !isError(m.results[last].Type()):
			p.faults.add(s.at, "%s cannot invalidate: its last result must be an error", m.Name())
		case i < 0:
			p.faults.add(s.at, "there is no cache %s: %s", s.name, p.names())
		default:
			p.dropOf(m, &drop{saying: s, cache: p.caches[i]})
		}
	}
}

func (p *plan) names() string {
	if len(p.caches) == 0 {
		return "no method has a " + mark + "cache"
	}
	names := make([]string, len(p.caches))
	for i, c := range p.caches {
		names[i] = c.name
	}
	return "there is " + strings.Join(names, ", ")
}

// dropOf plans one invalidation, and checks its types against the key of the cache.
func (p *plan) dropOf(m *method, d *drop) {
	parts := d.cache.parts
	names := d.saying.key
	switch {
	case d.all:
	case d.prefix != nil:
		names = d.prefix
		parts, _ = p.segments(parts)
	case names == nil && (len(parts) > 0 || d.cache.key == nil):
		p.faults.add(d.at, "what of %s? write key=, prefix= or all", d.name)
		return
	}
	for _, name := range names {
		o, ok := p.operand(d.saying, m, name, true)
		if !ok {
			return
		}
		d.parts = append(d.parts, o)
	}
	given := d.parts
	if d.prefix != nil {
		var hidden string
		if given, hidden = p.segments(given); hidden != "" {
			p.faults.add(d.at, "%s is a segment of its own, and cannot be named here: write key= or all", hidden)
			return
		}
	}
	if s, ok := manyOf(d.parts); ok && d.prefix == nil && len(parts) == 1 && types.Identical(s, d.cache.key) {
		d.many = true
	} else if !d.all && !fits(given, parts, d.prefix != nil) {
		p.faults.add(d.at, "the key of %s is (%s), not (%s)", d.name, p.list(parts), p.list(given))
		return
	}
	m.drops = append(m.drops, d)
}

// clashes minds names that the generated file would declare twice.
func (p *plan) clashes() {
	scope := p.src.pkg.Scope()
	names := []string{p.typ, p.maker}
	for _, c := range p.caches {
		if c.keyType != "" {
			names = append(names, c.keyType)
		}
		if c.detour {
			names = append(names, c.callType)
		}
	}
	for _, name := range names {
		if obj := scope.Lookup(name); obj != nil {
			p.faults.add(obj.Pos(), "%s is the name of what is generated: remove or rename this one, or name the generated file with -out", name)
		}
	}
	for _, m := range p.methods {
		for _, c := range p.caches {
			if c.field == m.Name() {
				p.faults.add(c.at, "the cache %s would be the field %s, which is the name of a method", c.name, c.field)
			}
		}
		if m.Name() == "Close" {
			if len(m.params) > 0 || len(m.results) != 1 || !isError(m.results[0].Type()) {
				p.faults.add(m.Pos(), "Close must be Close() error: it closes the caches, too")
			}
		}
	}
}
